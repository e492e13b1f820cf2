//! The claims of a verified id token, typed (OpenID Connect Core section 2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::phase::json;
use crate::token::Token;

/// The id token of a session. It was verified when it came: see [`Session::id_token`](crate::Session::id_token).
#[derive(Clone, Copy, PartialEq)]
pub struct IdToken<'a> {
    claims: &'a Map<String, Value>,
}

impl<'a> IdToken<'a> {
    pub(crate) const fn new(claims: &'a Map<String, Value>) -> Self {
        Self { claims }
    }

    /// `iss`: who issued it.
    pub fn issuer(&self) -> &'a str {
        self.text("iss").unwrap_or_default()
    }

    /// `sub`: the user's id at the issuer, never reassigned.
    pub fn subject(&self) -> &'a str {
        self.text("sub").unwrap_or_default()
    }

    /// `aud`: the clients that it is for; this one is among them.
    pub fn audience(&self) -> Vec<&'a str> {
        match self.claims.get("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.seconds("exp").unwrap_or_default()
    }

    /// `iat`, in seconds since 1970.
    pub fn issued_at(&self) -> u64 {
        self.seconds("iat").unwrap_or_default()
    }

    /// `auth_time`: when the user authenticated, in seconds since 1970.
    pub fn auth_time(&self) -> Option<u64> {
        self.seconds("auth_time")
    }

    /// `nonce`: that of the sign-in.
    pub fn nonce(&self) -> Option<&'a str> {
        self.text("nonce")
    }

    /// `acr`: how strongly the user authenticated.
    pub fn acr(&self) -> Option<&'a str> {
        self.text("acr")
    }

    /// `amr`: by which methods the user authenticated (RFC 8176).
    pub fn amr(&self) -> Vec<&'a str> {
        match self.claims.get("amr") {
            Some(Value::Array(methods)) => methods.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `sid`: the user's session at the provider, for logout.
    pub fn session_id(&self) -> Option<&'a str> {
        self.text("sid")
    }

    /// Every claim.
    pub const fn claims(&self) -> &'a Map<String, Value> {
        self.claims
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    fn seconds(&self, name: &str) -> Option<u64> {
        let value = self.claims.get(name)?;
        value.as_u64().or_else(|| value.as_f64().map(|seconds| seconds as u64))
    }
}

/// The claims of the id token that a token holds. It was verified when it came, which only an OpenID provider's is; its keys may be gone
/// since, and it may have expired.
pub(crate) fn stored_claims(config: &Config, token: &Token) -> Option<Value> {
    let id_token = token.id_token.as_ref().filter(|_| config.model().openid.is_some())?;
    unverified_claims(id_token.expose())
}

/// The claims of a JWT whose signature is not looked at.
pub(crate) fn unverified_claims(jwt: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    json::parse(&claims).ok().filter(Value::is_object)
}

impl std::fmt::Debug for IdToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdToken")
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .field("claims", &self.claims.keys().collect::<Vec<_>>())
            .finish()
    }
}
