use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Each grant and each section that sends a request needs its endpoint in `endpoints`; a section without a registered \
endpoint needs a `url`. A descriptor needs at least one way to a token: an authorization and a token endpoint, an OpenID \
issuer, or a service account.";

pub(in crate::yaml) fn finding(span: Option<Span>, user: &str, endpoint: &str) -> Finding {
    Finding {
        code: Code::MissingEndpoint,
        span,
        message: format!("{user} needs {endpoint}"),
        help: "add it, or remove what needs it".to_owned(),
    }
}
