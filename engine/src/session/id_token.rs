//! The claims of a session's id token.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::Value;

use super::{SessionInner, Source};
use crate::openid::stored_claims;
use crate::token::Token;

/// Where they come from.
pub(super) enum Claims {
    /// The sign-in that the session comes from.
    SignIn(Value),
    /// The id token that the session's token holds; read when they are first asked for, which they seldom are.
    Stored(OnceLock<Box<Value>>),
}

impl From<Option<Value>> for Claims {
    fn from(signed_in: Option<Value>) -> Self {
        signed_in.map_or_else(|| Self::Stored(OnceLock::new()), Self::SignIn)
    }
}

impl SessionInner {
    /// The claims of the sign-in, where the session comes from one.
    pub(crate) const fn signed_in(&self) -> Option<&Value> {
        match &self.id_token {
            Claims::SignIn(claims) => Some(claims),
            Claims::Stored(_) => None,
        }
    }

    /// The claims of the sign-in, else of the id token that the session's token holds.
    pub(super) fn id_token(&self) -> Option<&Value> {
        match &self.id_token {
            Claims::SignIn(claims) => Some(claims),
            Claims::Stored(known) => match known.get() {
                Some(claims) => Some(claims),
                None => self.held_by(&*self.token()?).map(|claims| &**known.get_or_init(|| Box::new(claims))),
            },
        }
    }

    /// The same, of a session whose token is this one.
    pub(crate) fn id_token_beside(&self, token: &Token) -> Option<Cow<'_, Value>> {
        match self.signed_in() {
            Some(claims) => Some(Cow::Borrowed(claims)),
            None => self.held_by(token).map(Cow::Owned),
        }
    }

    /// The claims of a token's id token, where that was verified when it came: a service account's is not.
    fn held_by(&self, token: &Token) -> Option<Value> {
        match self.source {
            Source::User => stored_claims(&self.config, token),
            _ => None,
        }
    }
}
