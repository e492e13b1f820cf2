//! Why a token is not trusted.

use std::fmt;

/// Why a signed token of the provider is not trusted: the source of the [`crate::Error`] of a sign-in or refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdTokenError {
    /// It is missing where it was asked for.
    Missing,
    /// It is no JWS in compact form, or its header is not acceptable (RFC 7515).
    Malformed(&'static str),
    /// Its algorithm is not one that the provider signs with.
    Algorithm(String),
    /// No key of the provider's fits its header.
    UnknownKey,
    /// Its signature is wrong.
    Signature,
    /// A claim is missing or wrong (OpenID Connect Core section 3.1.3.7).
    Claim {
        /// The claim's name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl IdTokenError {
    pub(crate) fn claim(name: &str, problem: &'static str) -> Self {
        Self::Claim { name: name.to_owned(), problem }
    }
}

impl fmt::Display for IdTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it is missing, although the scope `openid` was asked for"),
            Self::Malformed(problem) => f.write_str(problem),
            Self::Algorithm(name) => write!(f, "it is signed with `{}`, which the provider does not use", name.escape_default()),
            Self::UnknownKey => f.write_str("no key of the provider's fits its header"),
            Self::Signature => f.write_str("its signature is wrong"),
            Self::Claim { name, problem } => write!(f, "its claim `{}` {problem}", name.escape_default()),
        }
    }
}

impl std::error::Error for IdTokenError {}
