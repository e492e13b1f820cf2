use super::{Request, Response};
use crate::List;

/// A value of `grant_types_supported` (RFC 8414 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    AuthorizationCode,
    Implicit,
    Password,
    ClientCredentials,
    RefreshToken,
    DeviceCode,
    JwtBearer,
    TokenExchange,
}

impl Grant {
    /// Every grant.
    pub const ALL: [Self; 8] = [
        Self::AuthorizationCode,
        Self::Implicit,
        Self::Password,
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::JwtBearer,
        Self::TokenExchange,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// A phase that is a request and its response, and nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub request: Request,
    pub response: Response,
}

/// `token`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub request: Request,
    pub response: Response,
    pub lifetime: Lifetime,
}

/// `token.lifetime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Seconds, where the answer does not say.
    pub default: Option<u64>,
    /// The unit of `expires_in`.
    pub unit: Unit,
    /// What `expires_in: 0` means.
    pub zero: Zero,
}

/// The unit of `expires_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
}

/// What `expires_in: 0` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    Expired,
    Never,
}

/// `refresh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    pub request: Request,
    pub response: Response,
    pub rotation: Rotation,
    /// Seconds in which a refresh token that was used may be used again.
    pub replay: Option<u64>,
}

/// What the provider does with a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Not stated.
    Unknown,
    None,
    Rotating,
    ReuseDetected,
}

/// `device_authorization` and its polling (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    pub request: Request,
    pub response: Response,
    pub token: Phase,
}

/// `exchange`: a call made right after another grant's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub request: Request,
    pub response: Response,
    pub after: List<Grant>,
}
