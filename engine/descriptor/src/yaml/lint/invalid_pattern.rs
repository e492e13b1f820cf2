use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Patterns are regular expressions in the linear-time `regex` dialect, always anchored at both ends. A claim's pattern has \
exactly one group: what of the text is the claim.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, why: &str) -> Finding {
    Finding {
        code: Code::InvalidPattern,
        span,
        message: format!("`{key}` is no usable pattern: {why}"),
        help: "write a regular expression without look-around and back-references".to_owned(),
    }
}
