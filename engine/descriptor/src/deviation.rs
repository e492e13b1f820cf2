use std::fmt;

use crate::Str;

/// One cell of a descriptor that departs from the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Dotted path in the descriptor: `requests.access_token.in`.
    pub path: Str,
    /// The value that stands there; `null` for a dropped member.
    pub value: Str,
    /// The section that it departs from: `RFC 6750 section 2.1`.
    pub standard: Str,
}

impl fmt::Display for Deviation {
    /// The identity of a quirk: `requests.access_token.in=query`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.path, self.value)
    }
}
