//! Language tags (BCP 47).

use std::iter::Peekable;
use std::str::Split;

/// Tags from before the grammar that do not fit it (RFC 5646 section 2.2.8).
const IRREGULAR: [&str; 17] = [
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
];

/// Whether a tag is well-formed (RFC 5646 section 2.1).
pub(crate) fn is_well_formed(tag: &str) -> bool {
    let mut subtags = Subtags(tag.split('-').peekable());
    let is_regular = match subtags.language() {
        true => subtags.extensions() && (subtags.is_at_end() || subtags.private_use()),
        false => subtags.private_use(),
    };
    is_regular || IRREGULAR.iter().any(|known| known.eq_ignore_ascii_case(tag))
}

struct Subtags<'a>(Peekable<Split<'a, char>>);

impl Subtags<'_> {
    fn is_at_end(&mut self) -> bool {
        self.0.peek().is_none()
    }

    fn take(&mut self, is: impl Fn(&str) -> bool) -> bool {
        self.0.next_if(|subtag| is(subtag)).is_some()
    }

    fn take_all(&mut self, is: impl Fn(&str) -> bool) {
        while self.take(&is) {}
    }

    /// Language, script, region and variants.
    fn language(&mut self) -> bool {
        if self.take(|subtag| is_alphabetic(subtag, 2, 3)) {
            for _ in 0..3 {
                self.take(|subtag| is_alphabetic(subtag, 3, 3));
            }
        } else if !self.take(|subtag| is_alphabetic(subtag, 4, 8)) {
            return false;
        }
        self.take(|subtag| is_alphabetic(subtag, 4, 4));
        self.take(|subtag| is_alphabetic(subtag, 2, 2) || (subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit())));
        self.take_all(is_variant);
        true
    }

    /// Each a letter or digit with what belongs to it.
    fn extensions(&mut self) -> bool {
        while self.take(|subtag| is_alphanumeric(subtag, 1, 1) && !subtag.eq_ignore_ascii_case("x")) {
            if !self.take(|subtag| is_alphanumeric(subtag, 2, 8)) {
                return false;
            }
            self.take_all(|subtag| is_alphanumeric(subtag, 2, 8));
        }
        true
    }

    /// `x` and the rest.
    fn private_use(&mut self) -> bool {
        let is_private = self.take(|subtag| subtag.eq_ignore_ascii_case("x")) && !self.is_at_end();
        self.take_all(|subtag| is_alphanumeric(subtag, 1, 8));
        is_private && self.is_at_end()
    }
}

fn is_variant(subtag: &str) -> bool {
    let is_short = is_alphanumeric(subtag, 4, 4) && subtag.starts_with(|c: char| c.is_ascii_digit());
    is_short || is_alphanumeric(subtag, 5, 8)
}

fn is_alphabetic(subtag: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_alphanumeric(subtag: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
