use super::{Lifetime, Path, Request, Response, Template};
use crate::{List, Str};

/// A JWT that the client signs. `iat`, `exp` and `jti` are automatic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    pub alg: Str,
    /// Seconds.
    pub lifetime: u64,
    /// Seconds by which `iat` lies in the past: for providers that refuse a clock ahead of theirs.
    pub backdate: u64,
    pub header: List<(Str, Template)>,
    pub claims: List<(Str, ClaimValue)>,
    /// The key, where it is not the credential's (`{client_secret}`).
    pub key: Option<Template>,
    /// How `key` writes the bytes that sign.
    pub key_encoding: KeyEncoding,
}

/// How a text writes the bytes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// They are the text's own.
    Text,
    /// In hexadecimal digits.
    Hex,
}

/// The value of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimValue {
    Text(Template),
    Number(u64),
    /// An array of text, in which a template that is `{scope}` alone stands for each of the scopes.
    List(List<Template>),
}

impl ClaimValue {
    /// The templates in it.
    pub fn templates(&self) -> &[Template] {
        match self {
            Self::Text(template) => std::slice::from_ref(template),
            Self::Number(_) => &[],
            Self::List(items) => items,
        }
    }
}

/// One of `service_accounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    pub name: Str,
    pub request: Request,
    pub response: Response,
    /// `None`: the assertion itself is the bearer token.
    pub grant_type: Option<Str>,
    pub assertion: Option<Assertion>,
    /// Engine value and where the key file has it.
    pub key_file: List<(Str, Path)>,
    pub lifetime: Lifetime,
}
