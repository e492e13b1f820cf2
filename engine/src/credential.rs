//! What proves that a client is itself.

use std::fmt;

#[cfg(feature = "jose")]
use crate::SigningKey;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::supports;

/// A client's credential. A secret and a private key are different things: no key is ever sent.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credential {
    /// A client secret.
    Secret(Secret),
    /// A private key, which signs assertions or generates client secrets.
    #[cfg(feature = "jose")]
    Key(SigningKey),
    /// A public client (RFC 6749 section 2.1): no credential.
    None,
}

impl Credential {
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            #[cfg(feature = "jose")]
            Self::Key(key) => key.id(),
            _ => None,
        }
    }

    /// For messages: what it is.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) => "a client secret",
            #[cfg(feature = "jose")]
            Self::Key(_) => "a private key",
            Self::None => "no credential",
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.kind())
    }
}

impl From<&str> for Credential {
    /// A client secret.
    fn from(secret: &str) -> Self {
        Self::Secret(secret.into())
    }
}

impl From<String> for Credential {
    /// A client secret.
    fn from(secret: String) -> Self {
        Self::Secret(secret.into())
    }
}

impl From<Secret> for Credential {
    /// A client secret.
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

#[cfg(feature = "jose")]
impl From<SigningKey> for Credential {
    fn from(key: SigningKey) -> Self {
        Self::Key(key)
    }
}

/// A credential that clients of `P` can have: text or a [`Secret`] is a client secret, a `SigningKey` a private key, and
/// [`Credential`] says it itself.
pub trait CredentialFor<P> {
    #[doc(hidden)]
    fn into_credential(self) -> Credential;
}

impl<P: supports::ClientSecret> CredentialFor<P> for &str {
    fn into_credential(self) -> Credential {
        Credential::Secret(self.into())
    }
}

impl<P: supports::ClientSecret> CredentialFor<P> for String {
    fn into_credential(self) -> Credential {
        Credential::Secret(self.into())
    }
}

impl<P: supports::ClientSecret> CredentialFor<P> for &String {
    fn into_credential(self) -> Credential {
        Credential::Secret(self.as_str().into())
    }
}

impl<P: supports::ClientSecret> CredentialFor<P> for Secret {
    fn into_credential(self) -> Credential {
        Credential::Secret(self)
    }
}

#[cfg(feature = "jose")]
impl<P: supports::PrivateKey> CredentialFor<P> for SigningKey {
    fn into_credential(self) -> Credential {
        Credential::Key(self)
    }
}

impl<P: Provider> CredentialFor<P> for Credential {
    fn into_credential(self) -> Credential {
        self
    }
}
