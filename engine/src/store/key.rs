//! Whose token a record holds.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The key of a record: the provider's id, and a hash of everything that tells one session from another.
///
/// Its text is at most 128 characters of `a-z`, `0-9`, `_`, `-`: usable as a file name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey(String);

/// Most characters of the provider's id in a key.
const PREFIX: usize = 48;

impl StoreKey {
    /// The key of `parts` with a provider. Each part is hashed with its length, so that no two lists of parts meet.
    pub fn new<'a>(provider: &'a str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(provider).chain(parts) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let is_plain = |c: &char| matches!(c, 'a'..='z' | '0'..='9' | '_');
        let prefix: String = provider.chars().filter(is_plain).take(PREFIX).collect();
        Self(format!("{prefix}-{hex}"))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_flow_into_each_other() {
        let key = |parts: &[&str]| StoreKey::new("acme", parts.iter().copied());
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        for other in [&["ab", ""][..], &["a", "b", ""], &["", "ab"], &["b", "a"], &["a"]] {
            assert_ne!(key(&["a", "b"]), key(other), "{other:?}");
        }
        assert_ne!(StoreKey::new("acme", ["a"]), StoreKey::new("acm", ["ea"]));
    }

    #[test]
    fn a_key_is_a_file_name() {
        let key = StoreKey::new("acme/../X", ["../../etc/passwd"]);
        assert!(key.as_str().starts_with("acme-"), "{key}");
        assert!(key.as_str().chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')));
        assert!(StoreKey::new(&"a".repeat(500), [""]).as_str().len() <= 128);
    }
}
