use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
`exchange` runs after the grants in `after`; each must be in `grant_types_supported`.";

pub(in crate::yaml) fn finding(span: Option<Span>, grant: &str) -> Finding {
    Finding {
        code: Code::UnlistedGrant,
        span,
        message: format!("`exchange.after` names `{grant}`, which is not in `grant_types_supported`"),
        help: "add it to `grant_types_supported` or remove it here".to_owned(),
    }
}
