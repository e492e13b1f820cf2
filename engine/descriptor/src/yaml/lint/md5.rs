use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
MD5 is broken. Some old APIs still sign their calls with it, so `digests` has it; nothing else does.";

pub(in crate::yaml) fn finding(span: Option<Span>, key: &str) -> Finding {
    Finding {
        code: Code::Md5,
        span,
        message: format!("`{key}` cannot use MD5"),
        help: "use a SHA-2 algorithm; MD5 exists in `digests` only".to_owned(),
    }
}
