use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Client authentication methods have the names of RFC 7591 section 2 and RFC 8705.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, method: &str, known: &[&str]) -> Finding {
    Finding {
        code: Code::UnregisteredMethod,
        span,
        message: format!("`{key}`: `{}` is no registered client authentication method", method.escape_debug()),
        help: format!("registered: {}", known.join(", ")),
    }
}
