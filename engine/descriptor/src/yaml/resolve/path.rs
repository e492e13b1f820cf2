//! Paths: `authed_user.access_token`, `data.0`, `emails[primary].email`.

use crate::model::{Path, Segment};

/// Reads a path; the error says why it cannot be read.
pub(super) fn parse(text: &str) -> Result<Path, &'static str> {
    let mut segments = Vec::new();
    let mut rest = text;
    let mut expects_key = true;
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (inner, after) = bracket.split_once(']').ok_or("`[` is not closed")?;
            segments.push(selector(inner)?);
            rest = after;
        } else {
            if !expects_key {
                rest = rest.strip_prefix('.').ok_or("`]` is followed by something else than `.` or `[`")?;
            }
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at_checked(end).ok_or("it is cut inside a character")?;
            segments.push(Segment::Key(name(key)?.to_owned().into()));
            rest = after;
        }
        expects_key = false;
    }
    if segments.is_empty() { Err("it is empty") } else { Ok(Path { segments: segments.into() }) }
}

/// `key` or `key=value`, the inside of brackets.
fn selector(inner: &str) -> Result<Segment, &'static str> {
    Ok(match inner.split_once('=') {
        Some((key, value)) => Segment::FirstEqual(name(key)?.to_owned().into(), value.to_owned().into()),
        None => Segment::FirstTruthy(name(inner)?.to_owned().into()),
    })
}

fn name(key: &str) -> Result<&str, &'static str> {
    if key.is_empty() {
        Err("a member has no name")
    } else if key.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '{' | '}' | ']' | '=')) {
        Err("a member's name has a character that no path can hold")
    } else {
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &'static str) -> Segment {
        Segment::Key(name.into())
    }

    #[test]
    fn members_indices_and_selectors() {
        let cases = [
            ("id", vec![key("id")]),
            ("authed_user.access_token", vec![key("authed_user"), key("access_token")]),
            ("data.0", vec![key("data"), key("0")]),
            ("emails[primary].email", vec![key("emails"), Segment::FirstTruthy("primary".into()), key("email")]),
            (
                "a[type=work][b]",
                vec![key("a"), Segment::FirstEqual("type".into(), "work".into()), Segment::FirstTruthy("b".into())],
            ),
            ("[primary]", vec![Segment::FirstTruthy("primary".into())]),
        ];
        for (text, segments) in cases {
            assert_eq!(parse(text), Ok(Path { segments: segments.into() }), "{text}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[b]c", "a b", "a[=x]", "a]"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
