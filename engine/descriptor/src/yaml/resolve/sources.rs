//! What a template may name at each point of the protocol.

use crate::model::EngineValue::{self, *};
use crate::model::Value;

/// A document whose members a template may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Token,
    Callback,
    IdToken,
    AccessToken,
    Userinfo,
}

impl Document {
    pub(super) const ALL: [Self; 5] = [Self::Token, Self::Callback, Self::IdToken, Self::AccessToken, Self::Userinfo];

    /// The first segment of a path into it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Callback => "callback",
            Self::IdToken => "id_token",
            Self::AccessToken => "access_token",
            Self::Userinfo => "userinfo",
        }
    }
}

/// The values that exist at one point of the protocol, besides variables and digests over the same values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources {
    /// As in "is not available in ...".
    pub(super) place: &'static str,
    pub(super) engine: &'static [EngineValue],
    pub(super) documents: &'static [Document],
    /// Whether endpoints may be named.
    pub(super) endpoints: bool,
}

impl Sources {
    pub(super) fn offers(&self, need: Need) -> bool {
        match need {
            Need::Engine(value) => self.engine.contains(&value),
            Need::Document(document) => self.documents.contains(&document),
            Need::Endpoint => self.endpoints,
        }
    }
}

/// What must exist for a value to be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Engine(EngineValue),
    Document(Document),
    Endpoint,
}

impl Need {
    /// Variables are always there; digests are looked into by the scope.
    pub(super) const fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Variable(_) | Value::VariableEntry(..) | Value::Digest(_) => return None,
            Value::Engine(engine) => Self::Engine(*engine),
            Value::Endpoint(_) => Self::Endpoint,
            Value::Token(_) => Self::Document(Document::Token),
            Value::Callback(_) => Self::Document(Document::Callback),
            Value::IdToken(_) => Self::Document(Document::IdToken),
            Value::AccessToken(_) => Self::Document(Document::AccessToken),
            Value::Userinfo(_) => Self::Document(Document::Userinfo),
        })
    }
}

/// What a session has. The claims of its access token are verified for the profile only.
const RECEIVED: &[Document] = &[Document::Token, Document::Callback, Document::IdToken];

const fn request(place: &'static str, engine: &'static [EngineValue], documents: &'static [Document]) -> Sources {
    Sources { place, engine, documents, endpoints: true }
}

const fn url(place: &'static str, engine: &'static [EngineValue], documents: &'static [Document]) -> Sources {
    Sources { place, engine, documents, endpoints: false }
}

pub(super) const AUTHORIZATION: Sources =
    request("an authorization request", &[ClientId, RedirectUri, State, Nonce, Scope, CodeChallenge, Uuid], &[]);

pub(super) const TOKEN: Sources = request(
    "a token request",
    &[ClientId, ClientSecret, RedirectUri, State, Scope, Code, CodeVerifier, UserAgent, Uuid],
    &[Document::Callback],
);

pub(super) const REFRESH: Sources = request(
    "a refresh request",
    &[ClientId, ClientSecret, Scope, RefreshToken, AccessToken, UserAgent, Uuid],
    &[Document::Token],
);

/// `client_credentials`, `password`, `device_authorization`: nothing has been received yet.
pub(super) const DIRECT_GRANT: Sources = request("this grant's request", &[ClientId, ClientSecret, Scope, UserAgent, Uuid], &[]);

/// `device_authorization.token`: the scopes were asked for with the codes.
pub(super) const DEVICE_TOKEN: Sources = request("a device token request", &[ClientId, ClientSecret, UserAgent, Uuid], &[]);

pub(super) const EXCHANGE: Sources =
    request("an exchange request", &[ClientId, ClientSecret, AccessToken, RefreshToken, UserAgent, Uuid], &[Document::Token]);

pub(super) const REQUESTS: Sources =
    request("a protected request", &[ClientId, ClientSecret, AccessToken, UserAgent, Uuid], RECEIVED);

pub(super) const ADDITIONAL: Sources =
    request("an additional profile request", &[ClientId, ClientSecret, AccessToken, UserAgent, Uuid], &Document::ALL);

/// `revocation` and `introspection`.
pub(super) const TOKEN_MANAGEMENT: Sources = request(
    "a revocation or introspection request",
    &[ClientId, ClientSecret, Token, AccessToken, RefreshToken, UserAgent, Uuid],
    &[Document::Token],
);

pub(super) const SERVICE_ACCOUNT: Sources =
    request("a service account's request", &[ClientId, ClientSecret, Assertion, KeyId, Subject, Scope, UserAgent, Uuid], &[]);

/// Header and claims of an assertion.
pub(super) const ASSERTION: Sources = request("an assertion", &[ClientId, KeyId, Subject, Scope, RedirectUri, Uuid], &[]);

/// The key of an assertion, where it is not the application's private key.
pub(super) const ASSERTION_KEY: Sources = url("an assertion's key", &[ClientSecret], &[]);

/// User name and password of HTTP Basic.
pub(super) const BASIC: Sources = url("HTTP Basic credentials", &[ClientId, ClientSecret], &[]);

/// Checked where the digest is used.
pub(super) const DIGEST: Sources = request("a digest", &EngineValue::ALL, &Document::ALL);

/// Values of `openid.required_claims`.
pub(super) const REQUIRED_CLAIM: Sources = url("a required claim", &[ClientId], &[]);

/// URLs that are known before anything is received.
pub(super) const STATIC_URL: Sources = url("this URL", &[ClientId], &[]);

/// The userinfo endpoint and the API behind `requests`.
pub(super) const RESOURCE_URL: Sources = url("this URL", &[ClientId, AccessToken], RECEIVED);

pub(super) const TOKEN_MANAGEMENT_URL: Sources = url("this URL", &[ClientId, Token, AccessToken], &[Document::Token]);
