//! The model that a compiled and a loaded descriptor share: plain data, const-constructible, every default filled in.
//!
//! Fields are public because generated code in a user's crate builds these values; the module is hidden because only
//! generated code of the same release may.

mod assertion;
mod authorization;
mod claims;
mod client_authentication;
mod endpoints;
mod openid;
mod path;
mod request;
mod requests;
mod response;
mod template;
mod token;
mod variable;

pub use assertion::{Assertion, ClaimValue, KeyEncoding, ServiceAccount};
pub use authorization::{Authorization, Callback, CallbackSignature, CodeChallengeMethod};
pub use claims::{Additional, Claim, ClaimDocument, ClaimSource, Userinfo};
pub use client_authentication::{AuthenticationMethod, BasicEncoding, ClientAuthentication};
pub use endpoints::{Endpoint, Endpoints};
pub use openid::{AtHash, IssuerClaim, Nonce, OpenId};
pub use path::{Path, Segment};
pub use request::{Authentication, Encoding, Method, Parameter, Request};
pub use requests::{Location, Placement, Requests};
pub use response::{Format, Member, Response};
pub use template::{EngineValue, Part, Template, Value};
pub use token::{DeviceAuthorization, Exchange, Grant, Lifetime, Phase, Refresh, Replay, Rotation, Token, Unit, Zero};
pub use variable::{Digest, DigestAlgorithm, Variable, VariableValue};

use crate::{Deviation, List, Status, Str};

/// One provider, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// File stem, module name, snapshot name.
    pub id: Str,
    pub name: Str,
    pub documentation: Str,
    pub status: Status,
    pub variables: List<Variable>,
    pub digests: List<Digest>,
    pub endpoints: Endpoints,
    /// URL of the metadata where it is not at the issuer's well-known place.
    pub discovery: Option<Template>,
    pub grants: List<Grant>,
    pub client_authentication: ClientAuthentication,
    pub scopes: Scopes,
    pub authorization: Authorization,
    pub callback: Callback,
    pub token: Token,
    /// Filled in from `token` where the descriptor says nothing.
    pub refresh: Refresh,
    pub client_credentials: Phase,
    pub password: Phase,
    pub device_authorization: DeviceAuthorization,
    pub exchange: Option<Exchange>,
    pub requests: Requests,
    /// Absent where the provider has no profile to read.
    pub userinfo: Option<Userinfo>,
    pub openid: Option<OpenId>,
    pub revocation: Phase,
    pub introspection: Phase,
    pub service_accounts: List<ServiceAccount>,
    /// Hooks that the caller must supply.
    pub hooks: List<Hook>,
    /// What the descriptor wrote that departs from the standard, in document order.
    pub deviations: List<Deviation>,
}

/// `scopes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    pub separator: Str,
    pub default: List<Str>,
    /// Scope and its meaning.
    pub known: List<(Str, Str)>,
}

/// A compliance hook, by Authlib's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    AccessTokenRequest,
    AccessTokenResponse,
    RefreshTokenRequest,
    RefreshTokenResponse,
    ProtectedRequest,
    RevokeTokenRequest,
    IntrospectTokenRequest,
}

impl Hook {
    /// Every hook, in protocol order.
    pub const ALL: [Self; 7] = [
        Self::AccessTokenRequest,
        Self::AccessTokenResponse,
        Self::RefreshTokenRequest,
        Self::RefreshTokenResponse,
        Self::ProtectedRequest,
        Self::RevokeTokenRequest,
        Self::IntrospectTokenRequest,
    ];

    /// The name in a descriptor.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessTokenRequest => "access_token_request",
            Self::AccessTokenResponse => "access_token_response",
            Self::RefreshTokenRequest => "refresh_token_request",
            Self::RefreshTokenResponse => "refresh_token_response",
            Self::ProtectedRequest => "protected_request",
            Self::RevokeTokenRequest => "revoke_token_request",
            Self::IntrospectTokenRequest => "introspect_token_request",
        }
    }
}
