use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Reading stops at the first syntax error, because what follows it cannot be trusted.";

pub(in crate::yaml) fn finding(span: Span, why: &str) -> Finding {
    Finding {
        code: Code::Syntax,
        span: Some(span),
        message: format!("this is not YAML: {why}"),
        help: "check indentation (spaces, no tabs), quotes and brackets here and in the line above".to_owned(),
    }
}
