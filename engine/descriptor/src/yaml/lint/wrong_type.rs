use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Each field has one shape: text, a whole number, true or false, a list, or a mapping.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, expected: &str, found: &str) -> Finding {
    Finding {
        code: Code::WrongType,
        span,
        message: format!("{key} is {found}, but {expected} is expected"),
        help: format!("write {expected}"),
    }
}
