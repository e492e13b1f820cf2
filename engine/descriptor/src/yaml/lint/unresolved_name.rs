use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A template may name the descriptor's variables and digests, the values that the engine has at that point of the \
protocol, the endpoints and the members of the documents received so far.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, name: &str, why: &str, help: &str) -> Finding {
    Finding {
        code: Code::UnresolvedName,
        span,
        message: format!("`{{{}}}` in `{key}` {why}", name.escape_debug()),
        help: help.to_owned(),
    }
}
