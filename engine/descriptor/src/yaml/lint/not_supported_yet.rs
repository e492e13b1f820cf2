use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
The vocabulary is larger than this version's engine. What the engine could not obey is refused, never ignored.";

pub(in crate::yaml) fn finding(span: Option<Span>, what: &str) -> Finding {
    Finding {
        code: Code::NotSupportedYet,
        span,
        message: format!("{what} is not supported yet"),
        help: "remove it until a later version supports it".to_owned(),
    }
}
