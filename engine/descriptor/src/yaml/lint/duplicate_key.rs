use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
YAML parsers disagree on which of two equal keys wins. A descriptor says everything once.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, first: usize) -> Finding {
    Finding {
        code: Code::DuplicateKey,
        span,
        message: format!("duplicate key `{key}`, first written in line {first}"),
        help: "keep one of the two".to_owned(),
    }
}
