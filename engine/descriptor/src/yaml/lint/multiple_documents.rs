use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
One file describes one provider.";

pub(in crate::yaml) fn finding(span: Span) -> Finding {
    Finding {
        code: Code::MultipleDocuments,
        span: Some(span),
        message: "a second YAML document begins here".to_owned(),
        help: "put it into a file of its own".to_owned(),
    }
}
