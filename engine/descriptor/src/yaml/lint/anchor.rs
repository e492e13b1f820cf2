use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Anchors only serve aliases, and a descriptor has none: every value is written out where it holds.";

pub(in crate::yaml) fn finding(span: Span) -> Finding {
    Finding {
        code: Code::Anchor,
        span: Some(span),
        message: "anchors are not allowed".to_owned(),
        help: "remove the anchor and write the value out wherever it holds".to_owned(),
    }
}
