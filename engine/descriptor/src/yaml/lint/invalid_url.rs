use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Every URL is checked with each value that the descriptor itself gives its variables.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, why: &str) -> Finding {
    Finding {
        code: Code::InvalidUrl,
        span,
        message: format!("`{key}` is no usable URL: {why}"),
        help: "write an absolute https URL".to_owned(),
    }
}
