use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Whatever value the application chooses, `{environment.api}` must stand for something: the entries of `values` are all \
text, or all tables with the same keys.";

pub(in crate::yaml) fn finding(span: Option<Span>, variable: &str, difference: &str) -> Finding {
    Finding {
        code: Code::InconsistentValues,
        span,
        message: format!("the values of variable `{variable}` differ in shape: {difference}"),
        help: "give every value the same entries".to_owned(),
    }
}
