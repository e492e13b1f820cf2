//! Paths into JSON documents.

use std::borrow::Cow;

use grantry_descriptor::model::{Path, Segment};
use serde_json::Value;

/// The value at a path, if every step is there. JSON inside a string is parsed on the way.
pub(crate) fn lookup<'a>(document: &'a Value, segments: &[Segment]) -> Option<Cow<'a, Value>> {
    let mut current = Cow::Borrowed(document);
    for segment in segments {
        current = step(opened(current), segment)?;
    }
    Some(current)
}

/// The value at a path, unless it is null.
pub(crate) fn present<'a>(document: &'a Value, path: &Path) -> Option<Cow<'a, Value>> {
    lookup(document, &path.segments).filter(|value| !value.is_null())
}

/// The name, if the path is one name.
pub(crate) fn single(path: &Path) -> Option<&str> {
    match path.segments.as_ref() {
        [Segment::Key(name)] => Some(name),
        _ => None,
    }
}

/// A string that holds an object or array, as that object or array (`callback.user.name`).
fn opened(value: Cow<'_, Value>) -> Cow<'_, Value> {
    match value.as_str() {
        Some(text) if text.trim_start().starts_with(['{', '[']) => match super::json::parse(text.as_bytes()) {
            Ok(inner) => Cow::Owned(inner),
            Err(_) => value,
        },
        _ => value,
    }
}

fn step<'a>(value: Cow<'a, Value>, segment: &Segment) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => select(value, segment).map(Cow::Borrowed),
        Cow::Owned(value) => select(&value, segment).cloned().map(Cow::Owned),
    }
}

fn select<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match (segment, value) {
        (Segment::Key(name), Value::Object(members)) => members.get(name.as_ref()),
        (Segment::Key(name), Value::Array(elements)) => elements.get(name.parse::<usize>().ok()?),
        (Segment::FirstTruthy(name), Value::Array(elements)) => {
            elements.iter().find(|element| truthy(element.get(name.as_ref())))
        }
        (Segment::FirstEqual(name, wanted), Value::Array(elements)) => {
            elements.iter().find(|element| element.get(name.as_ref()).and_then(text).as_deref() == Some(wanted.as_ref()))
        }
        _ => None,
    }
}

fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !matches!(text.as_str(), "" | "false"),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(_) => true,
    }
}

/// A scalar as text.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(document: &Value, segments: Vec<Segment>) -> Option<Value> {
        lookup(document, &segments).map(Cow::into_owned)
    }

    fn key(name: &'static str) -> Segment {
        Segment::Key(name.into())
    }

    #[test]
    fn members_indexes_and_filters() {
        let document = json!({
            "a": {"b": [10, 20]},
            "emails": [{"email": "x", "primary": false}, {"email": "y", "primary": true}],
            "list": [{"kind": 1, "v": "one"}, {"kind": 2, "v": "two"}],
        });
        assert_eq!(at(&document, vec![key("a"), key("b"), key("1")]), Some(json!(20)));
        assert_eq!(at(&document, vec![key("emails"), Segment::FirstTruthy("primary".into()), key("email")]), Some(json!("y")));
        assert_eq!(
            at(&document, vec![key("list"), Segment::FirstEqual("kind".into(), "2".into()), key("v")]),
            Some(json!("two"))
        );
        assert_eq!(at(&document, vec![key("a"), key("c")]), None);
        assert_eq!(at(&document, vec![key("a"), key("b"), key("2")]), None);
    }

    #[test]
    fn json_inside_a_string_is_opened() {
        let document = json!({"user": r#"{"name":{"firstName":"Ada"}}"#, "text": "{broken"});
        assert_eq!(at(&document, vec![key("user"), key("name"), key("firstName")]), Some(json!("Ada")));
        assert_eq!(at(&document, vec![key("text"), key("x")]), None);
    }
}
