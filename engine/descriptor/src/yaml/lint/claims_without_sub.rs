use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
`sub` is the only claim that identifies a user for good (OpenID Connect Core section 5.7); an e-mail address or a name \
may change hands. A provider that signs users in has one, under whatever name.";

pub(in crate::yaml) fn finding(span: Option<Span>) -> Finding {
    Finding {
        code: Code::ClaimsWithoutSub,
        span,
        message: "`userinfo.claims` has no `sub`".to_owned(),
        help: "map `sub` to the member that identifies the user for good, for example `sub: id`".to_owned(),
    }
}
