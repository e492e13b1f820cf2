use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
What type a value has is said by the vocabulary, not by the file.";

pub(in crate::yaml) fn finding(span: Span) -> Finding {
    Finding {
        code: Code::Tag,
        span: Some(span),
        message: "tags are not allowed".to_owned(),
        help: "remove the tag; quote a value that shall be text".to_owned(),
    }
}
