use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
The default of a variable goes through the same check as a value that an application gives: it matches `pattern`, or is \
one of the keys of `values`.";

pub(in crate::yaml) fn finding(span: Option<Span>, variable: &str, default: &str, rule: &str) -> Finding {
    Finding {
        code: Code::DefaultMismatch,
        span,
        message: format!("the default `{default}` of variable `{variable}` {rule}"),
        help: "correct the default or what the variable admits".to_owned(),
    }
}
