//! The form of a token for storage: JSON, versioned.

use std::mem::take;

use serde_json::{Map, Value};

use super::Token;
use crate::error::{Error, Result};
use crate::phase::json;
use crate::secret::Secret;

/// The version that is written.
const VERSION: u64 = 1;

impl Token {
    /// The token as JSON text, secrets included: for storage, and nowhere else. What the application itself put into
    /// [`extra`](Self::extra) can be read again where it nests no deeper than 62 levels.
    pub fn expose_for_storage(&self) -> Secret {
        Secret::new(self.stored().to_string())
    }

    /// The same before it is text.
    pub(crate) fn stored(&self) -> Value {
        let mut members = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                members.insert(name.to_owned(), value);
            }
        };
        let secret = |secret: &Option<Secret>| secret.as_ref().map_or(Value::Null, |secret| Value::from(secret.expose()));
        set("version", VERSION.into());
        set("access_token", self.access_token.expose().into());
        set("token_type", self.token_type.as_str().into());
        set("expires_at", self.expires_at.into());
        set("issued_at", self.issued_at.into());
        set("refresh_token", secret(&self.refresh_token));
        set("refresh_token_expires_at", self.refresh_token_expires_at.into());
        set("scope", self.scopes.clone().into());
        set("id_token", secret(&self.id_token));
        set("extra", Value::Object(self.extra.clone()));
        set(
            "learned",
            self.learned.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into(),
        );
        Value::Object(members)
    }

    /// A token from its stored form, or from the token dictionary of another library (`access_token`, `token_type`, `scope`,
    /// `expires_at`, `refresh_token`, and whatever else).
    ///
    /// # Errors
    /// If the text is no JSON object with an `access_token`, or was written by a later version.
    pub fn from_storage(text: &str) -> Result<Self> {
        let value = json::parse_nested(text.as_bytes(), json::OWN_DEPTH)
            .map_err(|error| Error::misuse(format!("the stored token cannot be read: {error}")))?;
        Self::from_stored(value)
    }

    /// The same from what was text.
    pub(crate) fn from_stored(value: Value) -> Result<Self> {
        let Value::Object(mut members) = value else { return Err(Error::misuse("the stored token is no JSON object")) };
        let is_own = match members.get("version").map(Value::as_u64) {
            // Elsewhere a provider's own member may have this name, as those of the other ones below.
            None | Some(None) => false,
            Some(Some(VERSION)) => members.remove("version").is_some(),
            Some(_) => return Err(Error::misuse("the stored token was written by a later version of this library")),
        };
        let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let access_token =
            text(members.remove("access_token")).ok_or_else(|| Error::misuse("the stored token has no access_token"))?;
        let mut token = Self::new(access_token);
        token.token_type =
            text(members.remove("token_type")).filter(|kind| !kind.eq_ignore_ascii_case("bearer")).unwrap_or(token.token_type);
        token.expires_at = seconds(members.remove("expires_at"));
        if is_own {
            token.issued_at = seconds(members.remove("issued_at"));
        }
        token.refresh_token = text(members.remove("refresh_token")).map(Secret::new);
        token.refresh_token_expires_at = seconds(members.remove("refresh_token_expires_at"));
        token.scopes = scopes(members.remove("scope"));
        token.id_token = text(members.remove("id_token")).map(Secret::new);
        if is_own && let Some(Value::Object(learned)) = members.remove("learned") {
            token.learned = learned.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
        }
        token.extra = match members.get_mut("extra") {
            Some(Value::Object(extra)) if is_own => take(extra),
            _ => members,
        };
        Ok(token)
    }
}

fn seconds(value: Option<Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).or_else(|| {
        value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64)
    })
}

fn scopes(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(scopes)) => scopes.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_storage() {
        let mut token = Token::new("at");
        token.expires_at = Some(7);
        token.refresh_token = Some("rt".into());
        token.scopes = vec!["a".into(), "b".into()];
        token.extra.insert("instance_url".into(), "https://x.example".into());
        token.learn("shop", "acme".into());
        let stored = token.expose_for_storage();
        let back = Token::from_storage(stored.expose()).unwrap();
        assert_eq!(back.expose_for_storage().expose(), stored.expose());
        assert_eq!(back.learned, token.learned);
    }

    #[test]
    fn whatever_an_answer_may_hold_is_read_again() {
        let deep = (0..31).fold(Value::Null, |value, _| Value::Array(vec![value]));
        let answer = serde_json::json!({ "access_token": "at", "deep": deep }).to_string();
        assert!(json::parse(answer.as_bytes()).is_ok());
        let token = Token::from_storage(&answer).unwrap();
        let back = Token::from_storage(token.expose_for_storage().expose()).unwrap();
        assert_eq!(back.extra.get("deep"), Some(&deep));
    }

    #[test]
    fn another_librarys_dictionary_loads() {
        let token = Token::from_storage(
            r#"{"access_token":"at","token_type":"bearer","scope":"a b","expires_in":3600,"expires_at":1767225600,"refresh_token":"rt","team":"x"}"#,
        )
        .unwrap();
        assert_eq!(token.scopes, ["a", "b"]);
        assert_eq!((token.token_type.as_str(), token.expires_at), ("Bearer", Some(1_767_225_600)));
        assert_eq!(token.extra.get("team"), Some(&Value::from("x")));
    }

    #[test]
    fn members_that_only_have_our_names_stay() {
        let token = Token::from_storage(
            r#"{"access_token":"at","version":"v2","extra":{"x":1},"learned":{"host":"evil.example"},"team":"x","expires_at":"1767225600.5"}"#,
        )
        .unwrap();
        assert_eq!(
            Value::from(token.extra),
            serde_json::json!({"version": "v2", "extra": {"x": 1}, "learned": {"host": "evil.example"}, "team": "x"})
        );
        assert_eq!((token.learned, token.expires_at), (Vec::new(), Some(1_767_225_600)));
    }

    #[test]
    fn what_cannot_be_loaded_says_why() {
        for (text, reason) in [
            ("{", "cannot be read"),
            ("[]", "no JSON object"),
            ("{}", "no access_token"),
            (r#"{"version":2,"access_token":"a"}"#, "later version"),
        ] {
            assert!(Token::from_storage(text).unwrap_err().to_string().contains(reason), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut token = Token::new("hunter2");
        token.extra.insert("second".into(), "hunter3".into());
        assert!(!format!("{token:?}").contains("hunter"));
    }
}
