use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
What nothing uses is a mistake or a leftover.";

pub(in crate::yaml) fn finding(span: Option<Span>, digest: &str) -> Finding {
    Finding {
        code: Code::UnusedDigest,
        span,
        message: format!("digest `{digest}` is not used"),
        help: format!("remove it, or use it as `{{digest.{digest}}}`"),
    }
}
