//! Percent-encoding and the two ways to carry parameters. A space is always `%20`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

/// Everything but the unreserved characters (RFC 3986 section 2.3).
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Name and value of a parameter.
pub(crate) type Pair<'a> = (Cow<'static, str>, Cow<'a, str>);

/// One component of a URL or form, encoded.
pub(crate) fn component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// Bytes that most texts grow by when they are encoded.
const ROOM: usize = 32;

/// `a=1&b=2`, encoded.
pub(crate) fn form<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let length = |(name, value): &(N, V)| name.as_ref().len().saturating_add(value.as_ref().len()).saturating_add(2);
    let mut text = String::with_capacity(pairs.iter().map(length).fold(ROOM, usize::saturating_add));
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        push(&mut text, name.as_ref());
        text.push('=');
        push(&mut text, value.as_ref());
    }
    text
}

/// Appends a component, encoded; most have nothing to encode.
fn push(text: &mut String, component: &str) {
    let is_unreserved = |byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~');
    match each(component, is_unreserved) {
        true => text.push_str(component),
        false => text.extend(utf8_percent_encode(component, COMPONENT)),
    }
}

/// Whether all bytes are of a kind. Looking at all of them, many at a time, is faster than to stop at the first that is not.
pub(crate) fn each(text: &str, is_of_kind: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & is_of_kind(byte))
}

/// A JSON object; a name that stands twice becomes an array.
pub(crate) fn json(pairs: &[Pair<'_>]) -> String {
    let mut members = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value.to_string());
        match members.get_mut(name.as_ref()) {
            None => {
                members.insert(name.to_string(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(members).to_string()
}

/// Appends to a URL's query without touching what is there.
pub(crate) fn append_query<N: AsRef<str>, V: AsRef<str>>(url: &mut Url, pairs: &[(N, V)]) {
    if pairs.is_empty() {
        return;
    }
    let added = form(pairs);
    let query = match url.query() {
        None | Some("") => added,
        Some(query) => format!("{query}&{added}"),
    };
    url.set_query(Some(&query));
}

/// Whether a text is what browsers send as a query or form: printable ASCII without spaces, quotes and angle brackets, and two hex
/// digits after each `%`.
pub(crate) fn is_encoded(text: &str) -> bool {
    let begins_with_hex =
        |text: &str| matches!(text.as_bytes(), [one, two, ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit());
    each(text, |byte| byte.is_ascii_graphic() & !matches!(byte, b'"' | b'<' | b'>'))
        && text.split('%').skip(1).all(begins_with_hex)
}

/// The pairs of a query or form body, decoded (`+` is a space). `None` if it is not UTF-8.
pub(crate) fn parse_form(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&').filter(|pair| !pair.is_empty()).map(parse_pair).collect()
}

fn parse_pair(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((decode(name)?, decode(value)?))
}

fn decode(text: &str) -> Option<String> {
    if each(text, |byte| (byte != b'+') & (byte != b'%')) {
        return Some(text.to_owned());
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_percent_20() {
        assert_eq!(form(&[("scope", "a b:c"), ("x", "é+&=")]), "scope=a%20b%3Ac&x=%C3%A9%2B%26%3D");
    }

    #[test]
    fn a_query_is_appended_as_it_stands() {
        let mut url: Url = "https://id.example/x?flag&q=(a*)".parse().unwrap();
        append_query(&mut url, &[("t", "1 2")]);
        assert_eq!(url.as_str(), "https://id.example/x?flag&q=(a*)&t=1%202");
        let mut url: Url = "https://id.example/x".parse().unwrap();
        append_query(&mut url, &[("t", "1")]);
        assert_eq!(url.as_str(), "https://id.example/x?t=1");
    }

    #[test]
    fn repeated_names_become_an_array() {
        let pair = |name: &'static str, value: &'static str| (Cow::Borrowed(name), Cow::Borrowed(value));
        assert_eq!(json(&[pair("a", "1"), pair("r", "x"), pair("r", "y"), pair("r", "z")]), r#"{"a":"1","r":["x","y","z"]}"#);
    }

    #[test]
    fn what_browsers_send_is_encoded() {
        for good in ["", "a=1&b=%20+c", "a=x|y{z}'~*!", "%C3%A9=%fF"] {
            assert!(is_encoded(good), "{good}");
        }
        for bad in ["a b", "a=%", "a=%2", "a=%2x", "a=%x2", "a=%%20", "a=\"", "<a>", "a=é", "a=\n", "a=\u{7f}", "a=\0"] {
            assert!(!is_encoded(bad), "{bad}");
        }
    }

    #[test]
    fn forms_are_parsed_leniently_but_as_utf_8() {
        assert_eq!(
            parse_form("a=1+2&b&c=%20").unwrap(),
            [("a".into(), "1 2".into()), ("b".into(), String::new()), ("c".into(), " ".into())]
        );
        assert_eq!(parse_form("a=%ff"), None);
    }
}
