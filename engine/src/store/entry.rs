//! What a record holds: a token, and whether a renewal of it was begun.

use std::fmt;

use serde_json::{Map, Value};

use super::StoreError;
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
    ///
    /// # Errors
    /// The application gave the token members that nest so deep that the text could not be read again.
    pub(crate) fn encode(&self) -> Result<Secret> {
        let mut members = Map::from_iter([("form".to_owned(), FORM.into()), ("token".to_owned(), self.token.stored())]);
        if let Some(begun) = &self.begun {
            members.insert("begun_by".to_owned(), begun.by.as_str().into());
            members.insert("begun_at".to_owned(), begun.at.into());
        }
        let value = Value::Object(members);
        if !json::nests_within(&value, json::OWN_DEPTH) {
            return Err(Error::misuse("the token cannot be stored: what is in its `extra` nests too deep"));
        }
        Ok(Secret::new(value.to_string()))
    }

    /// From text.
    pub(crate) fn decode(text: &Secret) -> Result<Self> {
        let value = json::parse_nested(text.expose().as_bytes(), json::OWN_DEPTH).map_err(refused)?;
        let Value::Object(mut members) = value else { return Err(refused("it is no JSON object")) };
        if members.get("form").and_then(Value::as_u64) != Some(FORM) {
            return Err(refused("it was written by a later version of this library, or by something else"));
        }
        let token = members.remove("token").ok_or_else(|| refused("it has no token"))?;
        let begun = members
            .get("begun_by")
            .and_then(Value::as_str)
            .map(|by| Begun { by: by.to_owned(), at: members.get("begun_at").and_then(Value::as_u64).unwrap_or_default() });
        Ok(Self { token: Token::from_stored(token).map_err(refused)?, begun })
    }
}

/// Trying again does not help: the record stays what it is.
fn refused(why: impl fmt::Display) -> Error {
    StoreError::corrupt(format!("a stored session cannot be read: {why}")).into()
}

#[cfg(test)]
mod tests {
    use super::json::OWN_DEPTH;
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_entry_survives_its_text() {
        let mut token = Token::new("at");
        token.refresh_token = Some("rt".into());
        let entry = Entry { token, begun: Some(Begun { by: "h".into(), at: 7 }) };
        let back = Entry::decode(&entry.encode().unwrap()).unwrap();
        assert_eq!(back.begun.map(|begun| (begun.by, begun.at)), Some(("h".to_owned(), 7)));
        assert_eq!(back.token.expose_for_storage().expose(), entry.token.expose_for_storage().expose());
        assert!(Entry::decode(&Entry::of(Token::new("x")).encode().unwrap()).unwrap().begun.is_none());
    }

    /// A token whose `extra` has a member of so many levels.
    fn deep(levels: usize) -> Entry {
        let mut token = Token::new("at");
        token.refresh_token = Some("rt".into());
        token.extra.insert("deep".to_owned(), (0..levels).fold(Value::Null, |value, _| Value::Array(vec![value])));
        Entry { token, begun: Some(Begun { by: "h".into(), at: 7 }) }
    }

    #[test]
    fn a_deep_token_is_read_again_or_not_written() {
        // Of the record, the token and its `extra` each is a level.
        for levels in 0..=OWN_DEPTH - 3 {
            let entry = deep(levels);
            let back = Entry::decode(&entry.encode().unwrap()).unwrap();
            assert_eq!(back.token.extra, entry.token.extra, "{levels}");
            assert_eq!(back.token.refresh_token.unwrap().expose(), "rt", "{levels}");
        }
        for levels in [OWN_DEPTH - 2, 100, 1000] {
            let error = deep(levels).encode().unwrap_err();
            assert!(error.kind() == ErrorKind::Misuse && error.to_string().contains("nests too deep"), "{levels}: {error}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused_for_good() {
        let later = r#"{"form":1,"token":{"version":2,"access_token":"a"}}"#;
        let nested = "[".repeat(1000);
        let foreign = ["", "{}", "[]", r#"{"form":2,"token":{"access_token":"a"}}"#, r#"{"form":1}"#, r#"{"form":1,"token":{}}"#];
        for text in foreign.into_iter().chain([r#"{"form":1,"token":null}"#, later, &nested]) {
            let error = Entry::decode(&text.into()).unwrap_err();
            assert!(error.kind() == ErrorKind::Store && !error.is_retryable(), "{text}: {error}");
        }
    }
}
