use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
`null` means absent: in a request, `parameters` drops a parameter. `names` only renames.";

pub(in crate::yaml) fn finding(span: Option<Span>, section: &str, key: &str) -> Finding {
    Finding {
        code: Code::NullName,
        span,
        message: format!("`{section}.names` cannot drop `{key}`"),
        help: format!("write `parameters: {{{key}: null}}`"),
    }
}
