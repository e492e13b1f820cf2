use super::super::diagnostic::Finding;
use super::Code;

pub(super) const EXPLANATION: &str = "\
Descriptors are also loaded at run time, from other people. The largest useful one has a few kilobytes; a file over 256 \
KiB is not read at all.";

pub(in crate::yaml) fn finding(bytes: usize) -> Finding {
    Finding {
        code: Code::FileTooLarge,
        span: None,
        message: format!("the file has {bytes} bytes; at most 262144 are read"),
        help: "one file describes one provider".to_owned(),
    }
}
