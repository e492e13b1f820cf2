use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Left is the standard name, right is the provider's. Left-hand names come from the IANA OAuth Parameters registry and \
from OpenID Connect, each section having those that mean something in it.";

pub(in crate::yaml) fn finding(span: Option<Span>, section: &str, name: &str, known: &[&str]) -> Finding {
    let message = format!("`{}` is no standard name in `{section}`", name.escape_debug());
    let help = match super::unknown_field::closest(name, known) {
        Some(close) => format!("did you mean `{close}`? The standard name stands left, the provider's right"),
        None => format!("the standard name stands left, the provider's right; standard names: {}", known.join(", ")),
    };
    Finding { code: Code::UnregisteredName, span, message, help }
}
