use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
How a client authenticates at the token endpoint cannot be guessed: a failed attempt burns the one-time code. It comes \
from the descriptor, or from discovery.";

pub(in crate::yaml) fn finding(span: Option<Span>) -> Finding {
    Finding {
        code: Code::MissingClientAuthentication,
        span,
        message: "`client_authentication.method` is missing".to_owned(),
        help: "write the method that the provider documents, for example `client_authentication: {method: client_secret_basic}`"
            .to_owned(),
    }
}
