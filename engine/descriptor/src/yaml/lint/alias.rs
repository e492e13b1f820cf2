use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A descriptor is read as it stands: nothing is expanded, so that every value has one place in the file and no file can \
grow beyond its size. Write the value out.";

pub(in crate::yaml) fn finding(span: Span) -> Finding {
    Finding {
        code: Code::Alias,
        span: Some(span),
        message: "aliases are not allowed".to_owned(),
        help: "write the value out".to_owned(),
    }
}
