use super::{Assertion, Template};
use crate::List;

/// `client_authentication`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthentication {
    /// The first is the default. Empty only where discovery says it.
    pub methods: List<AuthenticationMethod>,
    pub encoding: BasicEncoding,
    /// The halves of HTTP Basic credentials.
    pub username: Template,
    pub password: Template,
    /// With `client_secret_post` or `client_secret_basic`: this JWT *is* the client secret. With `private_key_jwt`: its claims.
    pub assertion: Option<Assertion>,
}

/// Token endpoint authentication methods (RFC 7591 section 2, RFC 8705).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuthenticationMethod {
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretJwt,
    PrivateKeyJwt,
    TlsClientAuth,
    SelfSignedTlsClientAuth,
    None,
}

impl AuthenticationMethod {
    /// Every method.
    pub const ALL: [Self; 7] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }
}

/// Whether the halves of HTTP Basic credentials are percent-encoded (RFC 6749 section 2.3.1) or sent as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasicEncoding {
    Form,
    Raw,
}
