//! Vocabulary whose engine comes later: refused, one diagnostic each, never ignored.

use super::scope::Scope;
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;

impl Scope<'_> {
    /// Reports a value that no engine obeys yet.
    pub(super) fn report_unsupported(&self, span: Option<Span>, what: &str) {
        self.report.push(lint::not_supported_yet::finding(span, what));
    }
}
