use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A value in the host or origin of a URL decides who receives the client secret, and a learned value comes from outside. \
Both must be bound by a `pattern` or by `values`.";

pub(in crate::yaml) fn finding(span: Option<Span>, variable: &str, why: &str) -> Finding {
    Finding {
        code: Code::UnconstrainedVariable,
        span,
        message: format!("variable `{variable}` needs `pattern` or `values`: {why}"),
        help: "bind it, for example `pattern: '[a-z0-9-]+'`".to_owned(),
    }
}
