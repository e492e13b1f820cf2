use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A GET has no body: its parameters stand in the query, whatever `encoding` says.";

pub(in crate::yaml) fn finding(span: Option<Span>, section: &str) -> Finding {
    Finding {
        code: Code::EncodingWithGet,
        span,
        message: format!("`{section}.encoding` has no effect: a GET has no body"),
        help: "remove `encoding`".to_owned(),
    }
}
