use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Descriptors are also loaded at run time, from other people; these limits keep reading cheap. No useful descriptor comes \
near them.";

pub(in crate::yaml) fn depth(span: Span) -> Finding {
    finding(Some(span), "more than 32 levels of nesting")
}

pub(in crate::yaml) fn nodes(span: Span) -> Finding {
    finding(Some(span), "more than 20000 values in one file")
}

pub(in crate::yaml) fn values(span: Option<Span>) -> Finding {
    finding(span, "more than 256 values of one variable")
}

fn finding(span: Option<Span>, what: &str) -> Finding {
    let help = "a descriptor is flat and short; check that this is one".to_owned();
    Finding { code: Code::TooComplex, span, message: what.to_owned(), help }
}
