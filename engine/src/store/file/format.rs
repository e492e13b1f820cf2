//! The text of a file: what it is of, a number, a checksum, and the content.
//!
//! ```text
//! grantry record 1
//! <key>
//! <version>
//! <SHA-256 of the lines above and of the content, in hexadecimal digits>
//! <content>
//! ```
//!
//! A lease has the same form: its number is the end, its content the holder.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Record,
    Lease,
}

impl Kind {
    /// How the name of such a file ends.
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Lease => "lease",
        }
    }
}

/// The text of a file.
pub(super) fn encode(kind: Kind, key: &str, number: u64, content: &str) -> Zeroizing<String> {
    let head = format!("grantry {} 1\n{key}\n{number}\n", kind.extension());
    let sum = Sha256::new().chain_update(&head).chain_update(content).finalize();
    // As long as it gets: a string that grows leaves copies of itself behind.
    let length = [head.len(), sum.len().saturating_mul(2), 1, content.len()].into_iter().fold(0, usize::saturating_add);
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.push_str(&head);
    for byte in sum {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text.push_str(content);
    text
}

/// Number and content of a file that is whole, of this kind, and this key's.
pub(super) fn decode<'a>(kind: Kind, key: &str, bytes: &'a [u8]) -> Option<(u64, &'a str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.splitn(5, '\n');
    let number = lines.nth(2)?.parse().ok()?;
    let content = lines.nth(1)?;
    // One text only is this number's and this content's.
    (*encode(kind, key, number, content) == text).then_some((number, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_as_it_was_written() {
        for content in ["", "\n", "a\nb\nc\n", "é\u{0}"] {
            let text = encode(Kind::Record, "acme-1", u64::MAX, content);
            assert_eq!(decode(Kind::Record, "acme-1", text.as_bytes()), Some((u64::MAX, content)));
        }
        let text = encode(Kind::Record, "acme-1", 7, "content");
        assert!(text.starts_with("grantry record 1\nacme-1\n7\n") && text.ends_with("\ncontent"), "{}", *text);
        assert_eq!(text.capacity(), text.len());
    }

    #[test]
    fn what_is_of_another_key_or_kind_is_not_taken() {
        let text = encode(Kind::Record, "acme-1", 7, "content");
        assert_eq!(decode(Kind::Record, "acme-2", text.as_bytes()), None);
        assert_eq!(decode(Kind::Lease, "acme-1", text.as_bytes()), None);
    }

    #[test]
    fn a_number_has_one_form() {
        let text = encode(Kind::Record, "acme-1", 7, "content");
        for number in ["+7", "07", " 7", "7 ", "", "18446744073709551616"] {
            let other = text.replacen("\n7\n", &format!("\n{number}\n"), 1);
            assert_eq!(decode(Kind::Record, "acme-1", other.as_bytes()), None, "{number}");
        }
    }
}
