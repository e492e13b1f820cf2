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
    /// The renewal that was begun, where the end of it is not known: the refresh token may be used up.
    pub(crate) begun: Option<Begun>,
}

/// A renewal whose end is not known.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    /// Who went on with it last.
    pub(crate) by: String,
    /// When the refresh token was first sent.
    pub(crate) at: u64,
}

impl Entry {
    /// A token that nobody renews.
    pub(crate) const fn of(token: Token) -> Self {
        Self { token, begun: None }
    }

    /// As text, secrets included.
    pub(crate) fn encode(&self) -> Secret {
        let token = json::parse(self.token.expose_for_storage().expose().as_bytes()).unwrap_or_default();
        let mut members = Map::from_iter([("form".to_owned(), FORM.into()), ("token".to_owned(), token)]);
        if let Some(begun) = &self.begun {
            members.insert("begun_by".to_owned(), begun.by.as_str().into());
            members.insert("begun_at".to_owned(), begun.at.into());
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
        let begun = value
            .get("begun_by")
            .and_then(Value::as_str)
            .map(|by| Begun { by: by.to_owned(), at: value.get("begun_at").and_then(Value::as_u64).unwrap_or_default() });
        Ok(Self { token: Token::from_storage(&token.to_string())?, begun })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_its_text() {
        let mut token = Token::new("at");
        token.refresh_token = Some("rt".into());
        let entry = Entry { token, begun: Some(Begun { by: "h".into(), at: 7 }) };
        let back = Entry::decode(&entry.encode()).unwrap();
        assert_eq!(back.begun.map(|begun| (begun.by, begun.at)), Some(("h".to_owned(), 7)));
        assert_eq!(back.token.expose_for_storage().expose(), entry.token.expose_for_storage().expose());
        assert!(Entry::decode(&Entry::of(Token::new("x")).encode()).unwrap().begun.is_none());
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in ["", "{}", r#"{"form":2,"token":{"access_token":"a"}}"#, r#"{"form":1}"#, r#"{"form":1,"token":{}}"#] {
            assert!(Entry::decode(&text.into()).is_err(), "{text}");
        }
    }
}
