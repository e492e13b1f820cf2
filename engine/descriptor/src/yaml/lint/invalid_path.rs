use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A path is dotted: `authed_user.access_token`. A number is an index, `[primary]` the first element whose `primary` is \
true, `[type=work]` the first whose `type` is `work`.";

pub(in crate::yaml) fn finding(span: Option<Span>, path: &str, why: &str) -> Finding {
    Finding {
        code: Code::InvalidPath,
        span,
        message: format!("the path `{path}` cannot be read: {why}"),
        help: "write members between dots: `user.id`, `data.0`, `emails[primary].email`".to_owned(),
    }
}
