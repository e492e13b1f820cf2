use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
In a request `names` renames what the engine sends and `parameters` sets or drops it, so one section writes a key in one \
of the two only. `client_authentication` has `method` or `methods`; a retired provider is not deprecated too; a scheme \
belongs to a token in a header, a key to an HMAC; what `refresh.replay` allows must fit what `refresh.rotation` says becomes of a \
used refresh token.";

pub(in crate::yaml) fn finding(span: Option<Span>, section: &str, why: &str) -> Finding {
    Finding {
        code: Code::ConflictingKeys,
        span,
        message: format!("conflicting keys in `{section}`: {why}"),
        help: "keep one of them".to_owned(),
    }
}
