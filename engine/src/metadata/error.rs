//! What is wrong with a metadata document.

use std::borrow::Cow;
use std::fmt;

/// How much of a value from the document a message shows, in characters.
const SHOWN: usize = 64;

/// One thing that is wrong with a metadata document, and what to do about it.
///
/// Neither `Display` nor `Debug` shows the document; of a value, the beginning at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataError {
    member: Option<String>,
    problem: Cow<'static, str>,
    hint: Cow<'static, str>,
}

impl MetadataError {
    /// The name of the member; `None`: it is the document as a whole.
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }

    /// What is wrong, as the rest of a sentence that begins with the member: `is missing`.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    pub(super) fn of(member: &str, problem: impl Into<Cow<'static, str>>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { member: Some(member.to_owned()), problem: problem.into(), hint: hint.into() }
    }

    pub(super) fn of_document(problem: impl Into<Cow<'static, str>>) -> Self {
        let hint = "check that its address is the one of the server's metadata";
        Self { member: None, problem: problem.into(), hint: hint.into() }
    }
}

impl fmt::Display for MetadataError {
    /// `` `jwks_uri` is missing; the server's operator has to add it ``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "`{member}`")?,
            None => f.write_str("the metadata document")?,
        }
        write!(f, " {}; {}", self.problem, self.hint)
    }
}

impl std::error::Error for MetadataError {}

/// A value from the document for a message: its beginning, without control characters.
pub(super) fn shown(value: &str) -> String {
    let mut shown: String = value.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
