use super::super::diagnostic::Finding;
use super::Code;

pub(super) const EXPLANATION: &str = "\
A descriptor has at least a name, its documentation, two endpoints and the client authentication method.";

pub(in crate::yaml) fn finding() -> Finding {
    Finding {
        code: Code::EmptyFile,
        span: None,
        message: "the file holds no descriptor".to_owned(),
        help: "begin with `name: ` and `documentation: `".to_owned(),
    }
}
