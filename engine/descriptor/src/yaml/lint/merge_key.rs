use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Merge keys are not part of YAML 1.2 and hide where a value comes from. Inheritance between the sections of a descriptor \
is fixed and documented.";

pub(in crate::yaml) fn finding(span: Option<Span>) -> Finding {
    Finding {
        code: Code::MergeKey,
        span,
        message: "merge keys are not allowed".to_owned(),
        help: "write the keys out".to_owned(),
    }
}
