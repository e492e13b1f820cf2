use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Some fields have a closed set of values.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, value: &str, known: &[&str]) -> Finding {
    let message = format!("`{key}` cannot be `{}`", value.escape_debug());
    Finding { code: Code::UnknownValue, span, message, help: format!("allowed: {}", known.join(", ")) }
}
