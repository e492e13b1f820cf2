use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Codes, secrets and tokens travel in these requests (RFC 6749 section 3.1 and 3.2 require TLS). Plain http is accepted \
for loopback hosts only. A user name or password in a URL ends up in logs.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, why: &str) -> Finding {
    Finding {
        code: Code::InsecureUrl,
        span,
        message: format!("`{key}` is not secure: {why}"),
        help: "write an https URL without user name and password".to_owned(),
    }
}
