use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Descriptors are also loaded at run time, from other people; these limits keep reading cheap. No useful descriptor comes \
near them.";

pub(in crate::yaml) fn depth(span: Span) -> Finding {
    finding(span, "more than 32 levels of nesting")
}

pub(in crate::yaml) fn nodes(span: Span) -> Finding {
    finding(span, "more than 20000 values")
}

fn finding(span: Span, what: &str) -> Finding {
    let help = "a descriptor is flat and short; check that this is one".to_owned();
    Finding { code: Code::TooComplex, span: Some(span), message: format!("{what} in one file"), help }
}
