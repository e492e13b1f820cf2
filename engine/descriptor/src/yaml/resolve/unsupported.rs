//! Vocabulary whose engine comes later: refused, one diagnostic each, never ignored.

use super::scope::Scope;
use crate::model::{Grant, Hook};
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::section::{Section, item_path, items};

/// Sections that no engine obeys yet.
const SECTIONS: [&str; 7] =
    ["discovery", "client_credentials", "password", "device_authorization", "revocation", "introspection", "service_accounts"];

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
        let supported = [Grant::AuthorizationCode, Grant::RefreshToken];
        let unsupported = Grant::ALL.into_iter().filter(|grant| !supported.contains(grant)).map(Grant::as_str);
        self.check_words(root, "grant_types_supported", &unsupported.collect::<Vec<_>>());
        self.check_words(root, "hooks", &[Hook::RevokeTokenRequest.as_str(), Hook::IntrospectTokenRequest.as_str()]);
    }

    fn check_words(&self, root: &Section<'_>, key: &str, unsupported: &[&str]) {
        let Some(entry) = root.entry(key) else { return };
        for (index, node) in items(&entry.value) {
            if let Some(word) = node.text().filter(|word| unsupported.contains(word)) {
                self.report_unsupported(&item_path(key, index), node.span, &format!("`{key}: {word}`"));
            }
        }
    }
}
