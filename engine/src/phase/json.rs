//! JSON from outside: one value, no member twice, no deep nesting.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::de::SliceRead;
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::document::{self, Document, Members, Name};

/// How deep a document may nest.
const MAX_DEPTH: usize = 32;

/// How deep this library's own text may nest: an answer's members are deeper in there, and an application may have added its own.
pub(crate) const OWN_DEPTH: usize = 64;

/// Why a text is no acceptable JSON. Holds nothing of the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) message: &'static str,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

/// Parses one JSON value; a leading byte order mark is tolerated.
pub(crate) fn parse(text: &[u8]) -> Result<Value, JsonError> {
    parse_nested(text, MAX_DEPTH)
}

/// Parses one JSON value that nests no deeper than this.
pub(crate) fn parse_nested(text: &[u8], depth: usize) -> Result<Value, JsonError> {
    parse_with(text, |deserializer| Strict { left: depth }.deserialize(deserializer))
}

/// Whether a value nests no deeper than this: whether it can be parsed from its text.
pub(crate) fn nests_within(value: &Value, depth: usize) -> bool {
    let inner = |value: &Value| depth.checked_sub(1).is_some_and(|depth| nests_within(value, depth));
    match value {
        Value::Array(values) => depth > 0 && values.iter().all(inner),
        Value::Object(members) => depth > 0 && members.values().all(inner),
        _ => true,
    }
}

/// Parses an answer, by the same rules.
pub(crate) fn parse_answer(text: &[u8]) -> Result<Document, JsonError> {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => parse_with(text, |deserializer| deserializer.deserialize_map(TopLevel).map(Document::Object)),
        _ => parse(text).map(Document::from),
    }
}

fn parse_with<'t, T>(
    text: &'t [u8],
    read: impl FnOnce(&mut serde_json::Deserializer<SliceRead<'t>>) -> serde_json::Result<T>,
) -> Result<T, JsonError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = read(&mut deserializer).map_err(|error| refused(&error))?;
    deserializer.end().map_err(|error| JsonError { message: "a second value follows", ..refused(&error) })?;
    Ok(value)
}

fn refused(error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    let message = if text.starts_with(DUPLICATE) {
        DUPLICATE
    } else if text.starts_with(TOO_DEEP) || text.starts_with("recursion limit") {
        TOO_DEEP
    } else if error.is_eof() {
        "the JSON ends too early"
    } else {
        "the JSON is malformed"
    };
    JsonError { message, line: error.line(), column: error.column() }
}

const DUPLICATE: &str = "a member stands twice";
const TOO_DEEP: &str = "the JSON nests too deep";

struct Strict {
    /// How much deeper it may go.
    left: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        self.left.checked_sub(1).map(|left| Self { left }).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self.deeper()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Entry::Vacant(place) = map.entry(name) else { return Err(A::Error::custom(DUPLICATE)) };
            place.insert(members.next_value_seed(self.deeper()?)?);
        }
        Ok(Value::Object(map))
    }
}

/// The members of the outermost object.
struct TopLevel;

impl<'de> Visitor<'de> for TopLevel {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
        let mut members = Members::new();
        while let Some(name) = object.next_key_seed(MemberName)? {
            members.push(name, object.next_value_seed(Strict { left: MAX_DEPTH - 1 })?);
        }
        members.checked().ok_or_else(|| A::Error::custom(DUPLICATE))
    }
}

struct MemberName;

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, text: &str) -> Result<Name, E> {
        Ok(document::name(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> &'static str {
        parse(text.as_bytes()).unwrap_err().message
    }

    #[test]
    fn reads_every_kind_of_value() {
        let text = r#"{"a":[1,-2,2.5,true,null,"x"],"b":{}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(parse(b"\xef\xbb\xbf1").unwrap(), Value::from(1));
    }

    #[test]
    fn refuses_what_parsers_differ_on() {
        assert_eq!(message(r#"{"a":1,"a":2}"#), DUPLICATE);
        assert_eq!(message(r#"{"x":{"a":1,"a":2}}"#), DUPLICATE);
        assert_eq!(message("{}{}"), "a second value follows");
        assert_eq!(message("{} x"), "a second value follows");
        assert_eq!(message(&"[".repeat(40)), TOO_DEEP);
        assert_eq!(message(&"[".repeat(1_000_000)), TOO_DEEP);
        assert_eq!(message("{"), "the JSON ends too early");
        assert_eq!(message("NaN"), "the JSON is malformed");
    }

    #[test]
    fn what_nests_too_deep_is_told_before_it_is_written() {
        for depth in 0..=OWN_DEPTH {
            let lists = (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]));
            let objects = (0..depth).fold(Value::Null, |value, _| serde_json::json!({ "a": value }));
            for value in [lists, objects] {
                let text = value.to_string();
                for most in [MAX_DEPTH, OWN_DEPTH] {
                    let is_read = parse_nested(text.as_bytes(), most).is_ok();
                    assert_eq!((is_read, nests_within(&value, most)), (depth <= most, depth <= most), "{depth} of {most}");
                }
            }
        }
        assert!(!nests_within(&Value::Array(Vec::new()), 0) && nests_within(&Value::Null, 0));
    }

    #[test]
    fn an_error_holds_nothing_of_the_text() {
        let error = parse(br#"{"access_token": hunter2}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
