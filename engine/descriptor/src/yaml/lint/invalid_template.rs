use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
In a template `{name}` is replaced; `{{` and `}}` are literal braces. There are no functions, filters or conditionals.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str, why: &str) -> Finding {
    Finding {
        code: Code::InvalidTemplate,
        span,
        message: format!("the template in `{key}` cannot be read: {why}"),
        help: "write `{name}` for a value, `{{` and `}}` for literal braces".to_owned(),
    }
}
