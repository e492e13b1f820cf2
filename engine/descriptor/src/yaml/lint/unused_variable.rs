use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
What nothing uses is a mistake or a leftover; a setting without effect misleads.";

pub(in crate::yaml) fn finding(span: Option<Span>, variable: &str) -> Finding {
    Finding {
        code: Code::UnusedVariable,
        span,
        message: format!("variable `{variable}` is not used"),
        help: format!("remove it, or use it as `{{{variable}}}`"),
    }
}
