//! Vocabulary whose engine comes later: refused, one diagnostic each, never ignored.

use super::scope::Scope;
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::section::Section;

/// Sections that no engine obeys yet.
const SECTIONS: [&str; 1] = ["discovery"];

impl Scope<'_> {
    /// Reports a value that no engine obeys yet, unless its whole section is reported.
    pub(super) fn report_unsupported(&self, path: &str, span: Option<Span>, what: &str) {
        let section = path.split('.').next().unwrap_or_default();
        if path == section || !SECTIONS.contains(&section) {
            self.report.push(lint::not_supported_yet::finding(span, what));
        }
    }

    pub(super) fn check_supported(&self, root: &Section<'_>) {
        for entry in SECTIONS.into_iter().filter_map(|section| root.entry(section)) {
            self.report_unsupported(&entry.key, entry.span, &format!("`{}`", entry.key));
        }
    }
}
