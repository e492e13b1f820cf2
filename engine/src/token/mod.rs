//! Tokens: what the provider issued, and its form for storage.

mod answer;
mod stored;

use std::borrow::Cow;
use std::fmt;

use grantry_descriptor::model::{Path, Segment};
use serde_json::{Map, Value};

pub(crate) use answer::{Terms, from_answer, number, refresh_token_of, split_scopes};

use crate::phase::path::{lookup, single, text};
use crate::secret::Secret;

/// An access token and what came with it (RFC 6749 section 5.1).
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// The access token.
    pub access_token: Secret,
    /// Its type; `Bearer` where the provider says nothing.
    pub token_type: String,
    /// When it expires, in seconds since 1970. `None`: unknown, or never.
    pub expires_at: Option<u64>,
    /// When it came, in seconds since 1970, where that is known.
    pub issued_at: Option<u64>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// When the refresh token expires, in seconds since 1970.
    pub refresh_token_expires_at: Option<u64>,
    /// The scopes that were granted: the provider's word, else those that were asked for.
    pub scopes: Vec<String>,
    /// The id token as it came, at sign-in or with a later refresh. An OpenID provider's was verified then, but for a service account's.
    /// A session that is made from this token has its claims, without another verification: whoever sets it vouches for it.
    pub id_token: Option<Secret>,
    /// Every other member of the answer.
    pub extra: Map<String, Value>,
    /// Values of variables that were learned on the way to this token.
    pub(crate) learned: Vec<(String, String)>,
}

impl Token {
    /// A token from elsewhere, of type `Bearer`.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self {
            access_token: access_token.into(),
            token_type: "Bearer".to_owned(),
            expires_at: None,
            issued_at: None,
            refresh_token: None,
            refresh_token_expires_at: None,
            scopes: Vec::new(),
            id_token: None,
            extra: Map::new(),
            learned: Vec::new(),
        }
    }

    /// Whether the token has expired, or will within `leeway` seconds. A token of unknown lifetime never has.
    pub fn is_expired(&self, now: u64, leeway: u64) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at < crate::clock::after(now, leeway))
    }

    /// Whether the token should be renewed: it expires within `leeway` seconds, or within half its lifetime where that is shorter,
    /// so that a token that lives shortly is not renewed before each request.
    pub(crate) fn is_due(&self, now: u64, leeway: u64) -> bool {
        let half = self.expires_at.zip(self.issued_at).map(|(end, start)| crate::clock::since(start, end) / 2);
        self.is_expired(now, half.map_or(leeway, |half| leeway.min(half)))
    }

    /// A scalar of the answer as text: `{token.instance_url}`.
    pub(crate) fn text(&self, path: &Path) -> Option<String> {
        self.value(path).and_then(|value| text(&value).map(Cow::into_owned))
    }

    /// A member of the answer.
    pub(crate) fn value(&self, path: &Path) -> Option<Value> {
        if let Some(value) = single(path).and_then(|name| self.standard(name)) {
            return Some(value);
        }
        let [Segment::Key(first), rest @ ..] = path.segments.as_ref() else { return None };
        lookup(self.extra.get(first.as_ref())?, rest).filter(|value| !value.is_null()).map(Cow::into_owned)
    }

    fn standard(&self, name: &str) -> Option<Value> {
        let secret = |secret: &Secret| Value::from(secret.expose());
        match name {
            "access_token" => Some(secret(&self.access_token)),
            "refresh_token" => self.refresh_token.as_ref().map(secret),
            "id_token" => self.id_token.as_ref().map(secret),
            "token_type" => Some(Value::from(self.token_type.as_str())),
            _ => None,
        }
    }

    /// The token of a later answer; what that does not repeat is kept: the refresh token above all.
    pub(crate) fn renewed(mut self, answer: Self) -> Self {
        let (refresh_token, refresh_token_expires_at) = match answer.refresh_token {
            Some(token) => (Some(token), answer.refresh_token_expires_at),
            None => (self.refresh_token, answer.refresh_token_expires_at.or(self.refresh_token_expires_at)),
        };
        self.extra.extend(answer.extra);
        Self {
            refresh_token,
            refresh_token_expires_at,
            id_token: answer.id_token.or(self.id_token),
            extra: self.extra,
            learned: self.learned,
            ..answer
        }
    }

    /// Whether the provider issued this one in place of `other`, as far as requests see it: a variable may have been learned for the same
    /// token, or its refresh token been replaced.
    pub(crate) fn is_renewal_of(&self, other: &Self) -> bool {
        let generation = |token: &Self| (token.expires_at, token.issued_at);
        self.access_token.expose() != other.access_token.expose() || generation(self) != generation(other)
    }

    /// Whether both have the same access token and the same refresh token.
    pub(crate) fn has_secrets_of(&self, other: &Self) -> bool {
        let [one, another] = [self, other].map(|token| token.refresh_token.as_ref().map(Secret::expose));
        self.access_token.expose() == other.access_token.expose() && one == another
    }

    pub(crate) fn learn(&mut self, name: &str, value: String) {
        self.learned.retain(|(known, _)| known != name);
        self.learned.push((name.to_owned(), value));
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("has_id_token", &self.id_token.is_some())
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
