use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A few fields have no default, because no default would be right for most providers.";

pub(in crate::yaml) fn finding(span: Option<Span>, section: &str, key: &str) -> Finding {
    Finding {
        code: Code::MissingField,
        span,
        message: format!("`{key}` is missing in {section}"),
        help: format!("add `{key}: `"),
    }
}
