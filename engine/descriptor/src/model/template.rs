use super::{Endpoint, Path};
use crate::{List, Str};

/// Text with places to fill in: `https://{shop}/admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub parts: List<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Literal(Str),
    Value(Value),
}

/// What a template, or a variable's `from`, may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `{shop}`: a variable, or the entry of its value table.
    Variable(Str),
    /// `{environment.api}`: an entry of the table that the variable selects.
    VariableEntry(Str, Str),
    Engine(EngineValue),
    Endpoint(Endpoint),
    /// `{digest.name}`.
    Digest(Str),
    /// `{token.path}`: a member of the token answer.
    Token(Path),
    /// `{callback.path}`: a callback parameter, JSON inside it parsed on demand.
    Callback(Path),
    /// `{id_token.claim}`.
    IdToken(Path),
    /// `{access_token.claim}`: a claim of a JWT access token.
    AccessToken(Path),
    /// `{userinfo.path}`.
    Userinfo(Path),
}

/// Values that the engine supplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EngineValue {
    AccessToken,
    Assertion,
    ClientId,
    ClientSecret,
    Code,
    CodeChallenge,
    CodeVerifier,
    KeyId,
    Nonce,
    PrivateKey,
    RedirectUri,
    RefreshToken,
    Scope,
    State,
    Subject,
    Token,
    UserAgent,
    Uuid,
}

impl EngineValue {
    /// Every value, alphabetic.
    pub const ALL: [Self; 18] = [
        Self::AccessToken,
        Self::Assertion,
        Self::ClientId,
        Self::ClientSecret,
        Self::Code,
        Self::CodeChallenge,
        Self::CodeVerifier,
        Self::KeyId,
        Self::Nonce,
        Self::PrivateKey,
        Self::RedirectUri,
        Self::RefreshToken,
        Self::Scope,
        Self::State,
        Self::Subject,
        Self::Token,
        Self::UserAgent,
        Self::Uuid,
    ];

    /// The name in a template.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Assertion => "assertion",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::Code => "code",
            Self::CodeChallenge => "code_challenge",
            Self::CodeVerifier => "code_verifier",
            Self::KeyId => "key_id",
            Self::Nonce => "nonce",
            Self::PrivateKey => "private_key",
            Self::RedirectUri => "redirect_uri",
            Self::RefreshToken => "refresh_token",
            Self::Scope => "scope",
            Self::State => "state",
            Self::Subject => "subject",
            Self::Token => "token",
            Self::UserAgent => "user_agent",
            Self::Uuid => "uuid",
        }
    }
}
