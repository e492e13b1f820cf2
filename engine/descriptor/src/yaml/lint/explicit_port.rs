use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Providers in the catalog serve on the standard port of https. This holds for the catalog only: descriptors of one's own \
may name a port.";

pub(in crate::yaml) fn finding(span: Option<Span>, url: &str) -> Finding {
    Finding { code: Code::ExplicitPort, span, message: format!("explicit port in the catalog URL `{url}`"), help: "remove the port".to_owned() }
}
