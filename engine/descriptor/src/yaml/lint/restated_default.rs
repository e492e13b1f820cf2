use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A descriptor lists where a provider departs from the standards, so its deviations are exactly what it writes. A value \
that holds without being written is left out. For a section that inherits, the inherited value is the default.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, why: &str) -> Finding {
    Finding {
        code: Code::RestatedDefault,
        span,
        message: format!("`{key}` restates a default: {why}"),
        help: "remove it".to_owned(),
    }
}
