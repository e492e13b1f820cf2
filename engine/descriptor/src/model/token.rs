use super::{Request, Response};
use crate::{List, Str};

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
    pub replay: Replay,
    /// Values of `error` that mean `invalid_grant`.
    pub invalid_grant: List<Str>,
}

/// What the provider does with a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Not stated.
    Unknown,
    /// It stays good.
    None,
    /// It is replaced; a second use of it is refused, and harms nothing.
    Rotating,
    /// It is replaced; a second use of it ends the session.
    ReuseDetected,
}

/// Whether a refresh whose answer was lost may be sent again with the same refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Not stated: once more, at once.
    Unknown,
    /// Like any request.
    Safe,
    /// Until so many seconds have passed since it was first sent.
    Grace(u64),
    Never,
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
