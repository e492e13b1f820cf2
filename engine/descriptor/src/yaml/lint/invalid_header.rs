use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A header name is a token of RFC 9110 section 5.6.2; a value has no control characters.";

pub(in crate::yaml) fn finding(span: Option<Span>, header: &str) -> Finding {
    Finding {
        code: Code::InvalidHeader,
        span,
        message: format!("`{}` is no valid HTTP header", header.escape_debug()),
        help: "use letters, digits and hyphens in the name and no control characters in the value".to_owned(),
    }
}
