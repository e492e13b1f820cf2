use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
The access token goes to `base_url` and to the origins in `api_origins`. An explicit list is complete, so the origin of \
`base_url` stands in it.";

pub(in crate::yaml) fn finding(span: Option<Span>, origin: &str) -> Finding {
    Finding {
        code: Code::BaseUrlOutsideApiOrigins,
        span,
        message: "the origin of `requests.base_url` is not in `requests.api_origins`".to_owned(),
        help: format!("add `{origin}` to `requests.api_origins`, or leave `requests.api_origins` out"),
    }
}
