use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Variables, digests, calls and service accounts are named by the descriptor, in lower-case letters, digits and \
underscores. A variable cannot have the name of an engine value, an endpoint or a document, because a template could not \
tell them apart.";

pub(in crate::yaml) fn finding(span: Option<Span>, kind: &str, name: &str, why: &str) -> Finding {
    Finding {
        code: Code::InvalidName,
        span,
        message: format!("`{}` cannot be the name of {kind}: {why}", name.escape_debug()),
        help: "choose another name".to_owned(),
    }
}
