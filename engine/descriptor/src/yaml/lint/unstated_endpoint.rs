use super::super::diagnostic::Finding;
use super::Code;

pub(super) const EXPLANATION: &str = "\
A client of the catalog is ready without I/O, so its descriptor states the authorization and token endpoints and, under \
`openid`, `jwks_uri`. One that has service accounts only needs none. This holds for the catalog only.";

pub(in crate::yaml) fn finding(endpoint: &str) -> Finding {
    Finding {
        code: Code::UnstatedEndpoint,
        span: None,
        message: format!("a catalog descriptor states `endpoints.{endpoint}`"),
        help: format!("add `{endpoint}: ` to `endpoints`"),
    }
}
