//! What a record holds: a token, and whether a renewal of it was begun.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::phase::json;
use crate::secret::Secret;
use crate::token::Token;

/// The version of the form that is written.
const FORM: u64 = 1;

/// A token in a store.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) token: Token,
    /// Who began to renew the token, where the end of it is not known: the refresh token may be used up.
    pub(crate) begun_by: Option<String>,
}

impl Entry {
    /// A token that nobody renews.
    pub(crate) const fn of(token: Token) -> Self {
        Self { token, begun_by: None }
    }

    /// As text, secrets included.
    pub(crate) fn encode(&self) -> Secret {
        let token = json::parse(self.token.expose_for_storage().expose().as_bytes()).unwrap_or_default();
        let mut members = Map::from_iter([("form".to_owned(), FORM.into()), ("token".to_owned(), token)]);
        if let Some(holder) = &self.begun_by {
            members.insert("begun_by".to_owned(), holder.as_str().into());
        }
        Secret::new(Value::Object(members).to_string())
    }

    /// From text.
    pub(crate) fn decode(text: &Secret) -> Result<Self> {
        let refused = |why: &str| Error::store(format!("a stored session cannot be read: {why}"));
        let value = json::parse(text.expose().as_bytes()).map_err(|error| refused(&error.to_string()))?;
        if value.get("form").and_then(Value::as_u64) != Some(FORM) {
            return Err(refused("it was written by a later version of this library, or by something else"));
        }
        let token = value.get("token").ok_or_else(|| refused("it has no token"))?;
        Ok(Self {
            token: Token::from_storage(&token.to_string())?,
            begun_by: value.get("begun_by").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_its_text() {
        let mut token = Token::new("at");
        token.refresh_token = Some("rt".into());
        let entry = Entry { token, begun_by: Some("h".into()) };
        let back = Entry::decode(&entry.encode()).unwrap();
        assert_eq!(back.begun_by.as_deref(), Some("h"));
        assert_eq!(back.token.expose_for_storage().expose(), entry.token.expose_for_storage().expose());
        assert_eq!(Entry::decode(&Entry::of(Token::new("x")).encode()).unwrap().begun_by, None);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in ["", "{}", r#"{"form":2,"token":{"access_token":"a"}}"#, r#"{"form":1}"#, r#"{"form":1,"token":{}}"#] {
            assert!(Entry::decode(&text.into()).is_err(), "{text}");
        }
    }
}
