//! An answer that was decoded: the members of an object, or another value.

use std::borrow::Cow;

use grantry_descriptor::model::{Path, Segment};
use serde_json::{Map, Value};

use super::path;

/// What an answer holds.
pub(crate) enum Document {
    Object(Members),
    /// A value that is no object.
    Other(Value),
}

/// The members of an object. Answers have few: to look through them is faster than a map.
pub(crate) struct Members(Vec<(Name, Value)>);

/// The name of a member; the usual ones are not copied.
pub(crate) type Name = Cow<'static, str>;

/// Room for the members of a usual answer.
const ROOM: usize = 8;

const USUAL: [&str; 7] = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "error"];

pub(crate) fn name(text: &str) -> Name {
    USUAL.into_iter().find(|usual| *usual == text).map_or_else(|| Cow::Owned(text.to_owned()), Cow::Borrowed)
}

impl Document {
    /// A member, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(Members(members)) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            Self::Other(_) => None,
        }
    }

    /// The same, out of the document.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        match self {
            Self::Object(Members(members)) => {
                let at = members.iter().position(|(known, _)| known == name)?;
                Some(members.swap_remove(at).1)
            }
            Self::Other(_) => None,
        }
    }

    /// The value at a path, unless it is null.
    pub(crate) fn present(&self, path: &Path) -> Option<Cow<'_, Value>> {
        let value = match (self, path.segments.as_ref()) {
            (Self::Other(value), segments) => path::lookup(value, segments),
            (Self::Object(_), [Segment::Key(name), rest @ ..]) => path::lookup(self.get(name)?, rest),
            (Self::Object(_), _) => None,
        };
        value.filter(|value| !value.is_null())
    }

    /// The members whose names are wanted.
    pub(crate) fn into_map(self, is_wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
        match self {
            Self::Object(Members(members)) => {
                let mut wanted = Map::new();
                for (name, value) in members.into_iter().filter(|(name, _)| is_wanted(name)) {
                    wanted.insert(name.into_owned(), value);
                }
                wanted
            }
            Self::Other(_) => Map::new(),
        }
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => {
                Self::Object(Members(members.into_iter().map(|(name, value)| (name.into(), value)).collect()))
            }
            value => Self::Other(value),
        }
    }
}

impl From<Document> for Value {
    fn from(document: Document) -> Self {
        match document {
            Document::Other(value) => value,
            object @ Document::Object(_) => Self::Object(object.into_map(|_| true)),
        }
    }
}

impl Members {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(ROOM))
    }

    pub(crate) fn push(&mut self, name: Name, value: Value) {
        self.0.push((name, value));
    }

    /// `None`: one stands twice.
    pub(crate) fn checked(self) -> Option<Self> {
        (!stands_twice(&self.0)).then_some(self)
    }
}

/// Most pairs that are compared each with each.
const FEW: usize = 16;

/// Whether two pairs have the same name.
pub(crate) fn stands_twice<N: AsRef<str>, V>(pairs: &[(N, V)]) -> bool {
    let names = || pairs.iter().map(|(name, _)| name.as_ref());
    if pairs.len() <= FEW {
        return names().enumerate().any(|(at, name)| names().take(at).any(|other| other == name));
    }
    let mut names: Vec<&str> = names().collect();
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(segments: &[&'static str]) -> Path {
        Path { segments: segments.iter().map(|name| Segment::Key((*name).into())).collect::<Vec<_>>().into() }
    }

    #[test]
    fn it_is_read_as_the_value_that_it_is() {
        for value in [json!({"a": {"b": [7]}, "c": null}), json!([{"b": 7}]), json!("text"), json!({})] {
            let document = Document::from(value.clone());
            for segments in [&["a", "b", "0"][..], &["a"], &["c"], &["0", "b"], &["0"], &["x"]] {
                let path = path(segments);
                assert_eq!(document.present(&path).as_deref(), path::present(&value, &path).as_deref(), "{value}, {segments:?}");
            }
            assert_eq!(document.get("a"), value.get("a"));
            assert_eq!(Value::from(document), value);
        }
    }

    #[test]
    fn what_is_taken_is_gone() {
        let mut document = Document::from(json!({"a": 1, "b": null, "c": 2}));
        assert_eq!((document.take("a"), document.take("a"), document.take("b")), (Some(1.into()), None, Some(Value::Null)));
        assert_eq!(Value::from(document), json!({"c": 2}));
    }

    #[test]
    fn a_name_that_stands_twice_is_found() {
        for length in [2, FEW, FEW + 1, 1000] {
            let mut pairs: Vec<(String, ())> = (0..length).map(|number| (number.to_string(), ())).collect();
            assert!(!stands_twice(&pairs), "{length}");
            pairs[length - 1].0 = "0".to_owned();
            assert!(stands_twice(&pairs), "{length}");
        }
        assert!(!stands_twice::<String, ()>(&[]));
    }
}
