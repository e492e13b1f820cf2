//! Giving tokens back, and asking about them (RFC 7009, RFC 7662).

use std::fmt;

use grantry_descriptor::model::{Endpoint, EngineValue, Hook, Request};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::grant::{Call, with_credential};
use crate::http::HttpResponse;
use crate::phase::encode::Pair;
use crate::phase::path::text;
use crate::phase::response;
use crate::phase::template::Values;
use crate::token::Token;

/// Which of a token's two halves is meant (RFC 7009 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenTypeHint {
    /// The access token.
    AccessToken,
    /// The refresh token.
    RefreshToken,
}

impl TokenTypeHint {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// What is meant of a token: as said, else the refresh token where there is one.
    fn of(said: Option<Self>, token: &Token) -> Result<(Self, &str)> {
        match (said, &token.refresh_token) {
            (Some(Self::RefreshToken), None) => Err(Error::misuse("the token has no refresh token")),
            (Some(Self::AccessToken), _) | (None, None) => Ok((Self::AccessToken, token.access_token.expose())),
            (_, Some(refresh_token)) => Ok((Self::RefreshToken, refresh_token.expose())),
        }
    }
}

/// Revokes a token. A provider that does not know it (any more) says that it is revoked.
pub(crate) async fn revoke(config: &Config, token: &Token, hint: Option<TokenTypeHint>, extra: Vec<Pair<'static>>) -> Result<()> {
    let shape = &config.model().revocation;
    let (hint, text) = TokenTypeHint::of(hint, token)?;
    let result = async {
        let answer =
            call(config, token, (hint, text), extra, &shape.request, Endpoint::Revocation, Hook::RevokeTokenRequest).await?;
        let empty = answer.status.is_success() && answer.body.iter().all(u8::is_ascii_whitespace);
        if empty {
            return Ok(());
        }
        match response::read(&shape.response, &answer, &with_credential(vec![text], config)) {
            // Some answer with a page or a word.
            Err(error) if error.kind() == ErrorKind::InvalidResponse && answer.status.is_success() => Ok(()),
            read => read.map(|_| ()),
        }
    };
    result.await.map_err(|error| error.in_phase(Phase::Revocation))
}

/// Asks about a token.
pub(crate) async fn introspect(
    config: &Config,
    token: &Token,
    hint: Option<TokenTypeHint>,
    extra: Vec<Pair<'static>>,
) -> Result<Introspection> {
    let shape = &config.model().introspection;
    let hint = hint.unwrap_or(TokenTypeHint::AccessToken);
    let (hint, text) = TokenTypeHint::of(Some(hint), token)?;
    let result = async {
        let answer =
            call(config, token, (hint, text), extra, &shape.request, Endpoint::Introspection, Hook::IntrospectTokenRequest)
                .await?;
        let says_active = !shape.response.names.iter().any(|member| member.name == "active" && member.paths.is_empty());
        if !says_active && answer.status == http::StatusCode::NOT_FOUND {
            return Ok(Introspection { active: false, members: Map::new() });
        }
        let answer = response::read(&shape.response, &answer, &with_credential(vec![text], config))?;
        Introspection::of(answer, says_active)
    };
    result.await.map_err(|error| error.in_phase(Phase::Introspection))
}

async fn call(
    config: &Config,
    token: &Token,
    (hint, text): (TokenTypeHint, &str),
    extra: Vec<Pair<'static>>,
    request: &Request,
    endpoint: Endpoint,
    before: Hook,
) -> Result<HttpResponse> {
    let engine = [(EngineValue::Token, text)];
    let values = Values { token: Some(token), learned: &token.learned, engine: &engine, ..Values::new(config) };
    let call = Call {
        pairs: vec![("token".into(), text.into()), ("token_type_hint".into(), hint.as_str().into())],
        extra,
        before: Some(before),
        ..Call::new(request, values.endpoint(endpoint)?)
    };
    call.answer(config, &values).await
}

/// What a provider says about a token (RFC 7662 section 2.2).
#[derive(Clone, PartialEq)]
pub struct Introspection {
    active: bool,
    members: Map<String, Value>,
}

impl Introspection {
    fn of(answer: response::Answer<'_>, says_active: bool) -> Result<Self> {
        const STANDARD: [&str; 12] =
            ["active", "scope", "client_id", "username", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti"];
        let active = match answer.member("active").as_deref() {
            Some(Value::Bool(active)) => *active,
            Some(Value::String(active)) if active == "true" => true,
            Some(Value::String(active)) if active == "false" => false,
            None if !says_active => true,
            _ => {
                return Err(Error::invalid("the answer does not say whether the token is `active`")
                    .with_hint("where the provider says it elsewhere, the cell is `introspection.response.names.active`"));
            }
        };
        let named = |name: &str| answer.member(name).map(|value| (name.to_owned(), value.into_owned()));
        let standard: Vec<(String, Value)> = STANDARD.into_iter().filter_map(named).collect();
        let mut members = answer.rest(&STANDARD);
        members.extend(standard);
        Ok(Self { active, members })
    }

    /// Whether the token is valid now. Of a token that is not, nothing else is known.
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// `scope`.
    pub fn scopes(&self) -> Vec<&str> {
        match self.members.get("scope") {
            Some(Value::String(text)) => text.split([' ', ',']).filter(|scope| !scope.is_empty()).collect(),
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `client_id`: the client that the token was issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.text("client_id")
    }

    /// `username`: the user, as people read it.
    pub fn username(&self) -> Option<&str> {
        self.text("username")
    }

    /// `sub`: the user's id.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `token_type`.
    pub fn token_type(&self) -> Option<&str> {
        self.text("token_type")
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> Option<u64> {
        self.seconds("exp")
    }

    /// `iat`, in seconds since 1970.
    pub fn issued_at(&self) -> Option<u64> {
        self.seconds("iat")
    }

    /// `nbf`, in seconds since 1970.
    pub fn not_before(&self) -> Option<u64> {
        self.seconds("nbf")
    }

    /// Every member, under its standard name where it has one.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    fn seconds(&self, name: &str) -> Option<u64> {
        text(self.members.get(name)?)?.parse().ok()
    }
}

impl fmt::Debug for Introspection {
    /// Names only: some providers answer with the token itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish()
    }
}
