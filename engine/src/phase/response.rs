//! The one function that reads a response shape, and with it what is tolerated and what is refused.

use std::borrow::Cow;

use grantry_descriptor::model::{Format, Path, Response, Segment};
use http::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::document::{Document, Members};
use super::path::{single, text};
use super::{encode, json};
use crate::error::{Error, ErrorKind, Result};
use crate::http::HttpResponse;

/// Longest excerpt of a body in an error, in characters.
const EXCERPT: usize = 160;

/// An answer that is no error.
pub(crate) struct Answer<'s> {
    shape: &'s Response,
    /// What stands under `root`.
    document: Document,
}

/// Reads an answer. It is an error if its status is not 2xx or its `error` member says so, whatever else it holds.
///
/// `secrets` are those that the request carried: an error never repeats them.
pub(crate) fn read<'s>(shape: &'s Response, response: &HttpResponse, secrets: &[&str]) -> Result<Answer<'s>> {
    let status = response.status.as_u16();
    let document = match decode(shape.format, &response.body) {
        Ok(document) => document,
        Err(problem) => return Err(undecodable(shape, response, &problem, secrets)),
    };
    if let Some(error) = provider_error(shape, &document) {
        return Err(refused(shape, response, error, &document, secrets));
    }
    if !response.status.is_success() {
        let excerpt = excerpt(&response.body, secrets);
        return Err(Error::new(ErrorKind::Refused, "the provider refused")
            .with_status(status)
            .with_retry_after(retry_after(&response.headers))
            .with_description(description(shape, &document, secrets))
            .with_excerpt(excerpt));
    }
    note_drift(shape, &response.headers);
    let document = match &shape.root {
        None => document,
        Some(root) => document.present(root).map(|value| value.into_owned().into()).ok_or_else(|| {
            Error::invalid(format!("the answer has nothing under `{}`", render(root)))
                .with_status(status)
                .with_hint("see the cell `response.root` of the descriptor")
        })?,
    };
    Ok(Answer { shape, document })
}

/// An answer without any deviation.
static STANDARD: Response = Response {
    format: Format::Json,
    content_type: Cow::Borrowed("application/json"),
    root: None,
    names: Cow::Borrowed(&[]),
    success: Cow::Borrowed(&[]),
};

impl Answer<'static> {
    /// Members that are under their standard names already.
    pub(crate) fn standard(members: Map<String, Value>) -> Self {
        Self { shape: &STANDARD, document: Value::Object(members).into() }
    }
}

impl Answer<'_> {
    /// A member by its standard name, wherever the provider has it. Null counts as absent.
    pub(crate) fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
        find(self.shape, &self.document, name)
    }

    /// The same, out of the answer where no other name reads it: what a token is made of is not copied.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let is_read_elsewhere =
            self.shape.names.iter().any(|member| member.name == name || member.paths.iter().any(|path| begins_with(path, name)));
        match is_read_elsewhere {
            false => self.document.take(name).filter(|value| !value.is_null()),
            true => self.member(name).map(Cow::into_owned),
        }
    }

    /// The top-level members that were not read under a standard name.
    pub(crate) fn rest(self, standard: &[&str]) -> Map<String, Value> {
        let Self { shape, document } = self;
        document.into_map(|name| !standard.iter().any(|standard| is_read_as(shape, standard, name)))
    }

    /// All that stands under `root`.
    pub(crate) fn into_value(self) -> Value {
        self.document.into()
    }
}

/// Whether a standard member is read under this top-level name.
fn is_read_as(shape: &Response, standard: &str, name: &str) -> bool {
    match shape.names.iter().find(|member| member.name == standard) {
        None => standard == name,
        Some(member) => member.paths.iter().any(|path| single(path) == Some(name)),
    }
}

fn begins_with(path: &Path, name: &str) -> bool {
    matches!(path.segments.first(), Some(Segment::Key(first)) if first == name)
}

fn find<'a>(shape: &Response, document: &'a Document, name: &str) -> Option<Cow<'a, Value>> {
    match shape.names.iter().find(|member| member.name == name) {
        Some(member) => member.paths.iter().find_map(|path| document.present(path)),
        None => document.get(name).filter(|value| !value.is_null()).map(Cow::Borrowed),
    }
}

/// Decodes as the descriptor says, whatever the Content-Type.
fn decode(format: Format, body: &[u8]) -> Result<Document, String> {
    match format {
        Format::Json => json::parse_answer(body).map_err(|error| error.to_string()),
        Format::Form => decode_form(body),
    }
}

fn decode_form(body: &[u8]) -> Result<Document, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())?;
    let pairs = encode::parse_form(text.trim()).ok_or("it is not UTF-8")?;
    let mut members = Members::new();
    for (name, value) in pairs {
        members.push(name.into(), Value::String(value));
    }
    members.checked().map(Document::Object).ok_or_else(|| "a member stands twice".to_owned())
}

/// The value of `error`, if it means one.
fn provider_error(shape: &Response, document: &Document) -> Option<Value> {
    let error = find(shape, document, "error")?.into_owned();
    let absent = match &error {
        Value::String(text) => text.is_empty(),
        Value::Bool(value) => !value,
        _ => false,
    };
    let means_none = text(&error).is_some_and(|text| shape.success.contains(&text));
    (!absent && !means_none).then_some(error)
}

fn refused(shape: &Response, response: &HttpResponse, error: Value, document: &Document, secrets: &[&str]) -> Error {
    let code = text(&error).map(|code| redact(&code, secrets));
    let excerpt = if code.is_none() { excerpt(&response.body, secrets) } else { None };
    let uri = find(shape, document, "error_uri").and_then(|uri| uri.as_str().map(str::to_owned));
    Error::new(ErrorKind::Refused, "the provider refused")
        .with_status(response.status.as_u16())
        .with_code(code)
        .with_description(description(shape, document, secrets))
        .with_uri(uri)
        .with_excerpt(excerpt)
        .with_retry_after(retry_after(&response.headers))
}

fn description(shape: &Response, document: &Document, secrets: &[&str]) -> Option<String> {
    find(shape, document, "error_description").and_then(|description| text(&description).map(|text| redact(&text, secrets)))
}

/// An answer in another format than the declared: still an OAuth error, if it can be read as one.
fn undecodable(shape: &Response, response: &HttpResponse, problem: &str, secrets: &[&str]) -> Error {
    let status = response.status.as_u16();
    if !response.status.is_success() {
        let form = decode_form(&response.body).ok().and_then(|form| Some((form.get("error")?.clone(), form)));
        if let Some((error, form)) = form {
            return refused(shape, response, error, &form, secrets);
        }
        return Error::new(ErrorKind::Refused, format!("the provider refused with {}", body_of(response)))
            .with_status(status)
            .with_retry_after(retry_after(&response.headers))
            .with_excerpt(excerpt(&response.body, secrets));
    }
    let looks_like_form =
        decode_form(&response.body).is_ok_and(|form| form.get("access_token").is_some() || form.get("error").is_some());
    let error = Error::invalid(format!("the answer, {}, cannot be read: {problem}", body_of(response)))
        .with_status(status)
        .with_excerpt(excerpt(&response.body, secrets));
    match (shape.format, looks_like_form) {
        (Format::Json, true) => error.with_hint("it looks form-encoded: the cell is `response.format: form`"),
        _ => error,
    }
}

/// For messages: what the headers say that the body is.
fn body_of(response: &HttpResponse) -> String {
    match media_type(&response.headers) {
        _ if response.body.is_empty() => "an empty body".to_owned(),
        "" => "a body without a Content-Type".to_owned(),
        media_type => format!("a body of type {}", media_type.chars().take(80).collect::<String>()),
    }
}

/// The media type without its parameters.
fn media_type(headers: &HeaderMap) -> &str {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().unwrap_or_default().trim()
}

/// Tells when the provider's Content-Type is no longer the declared one.
fn note_drift(shape: &Response, headers: &HeaderMap) {
    if headers.get(CONTENT_TYPE).is_some_and(|sent| *sent == *shape.content_type) {
        return;
    }
    let essence = media_type(headers);
    if !essence.eq_ignore_ascii_case(&shape.content_type) {
        tracing::warn!(target: "grantry::drift", declared = %shape.content_type, sent = %essence, "the provider sends another Content-Type than the descriptor declares");
    }
}

/// Seconds to wait, at most an hour (RFC 9110 section 10.2.3). A date counts from the answer's own `Date`: the clock here may be wrong.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let wanted = text(RETRY_AFTER)?;
    let seconds = match wanted.parse() {
        Ok(seconds) => seconds,
        Err(_) => date(wanted)?.saturating_sub(date(text(DATE)?)?),
    };
    Some(seconds.min(3600))
}

/// Seconds since 1970 of a date in a header (RFC 9110 section 5.6.7).
fn date(text: &str) -> Option<u64> {
    OffsetDateTime::parse(text, &Rfc2822).ok()?.unix_timestamp().try_into().ok()
}

/// The beginning of a body, with everything that looks like a token taken out.
pub(crate) fn excerpt(body: &[u8], secrets: &[&str]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = redact(text.trim(), secrets);
    if text.is_empty() {
        return None;
    }
    let mut out = String::new();
    let mut left = EXCERPT;
    for piece in text.split_inclusive(|c| !is_of_token(c)) {
        let (word, end) = match piece.chars().next_back().filter(|c| !is_of_token(*c)) {
            Some(last) => piece.split_at(piece.len().saturating_sub(last.len_utf8())),
            None => (piece, ""),
        };
        // A word is judged as a whole, and cut off after that.
        out.extend(shown(word).chars().chain(end.chars()).take(left));
        left = left.saturating_sub(piece.chars().count());
        if left == 0 {
            break;
        }
    }
    Some(out)
}

const fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=')
}

/// A word as it is, unless it could be a token.
fn shown(word: &str) -> &str {
    let mixed = word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    if word.len() >= 16 && mixed { "[redacted]" } else { word }
}

/// The text without the secrets that the request carried.
fn redact(text: &str, secrets: &[&str]) -> String {
    secrets.iter().filter(|secret| secret.len() >= 4).fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"))
}

/// A path as a descriptor writes it.
pub(crate) fn render(path: &Path) -> String {
    let mut out = String::new();
    for segment in path.segments.iter() {
        match segment {
            Segment::Key(name) if out.is_empty() => out.push_str(name),
            Segment::Key(name) => {
                out.push('.');
                out.push_str(name);
            }
            Segment::FirstTruthy(name) => out.push_str(&format!("[{name}]")),
            Segment::FirstEqual(name, value) => out.push_str(&format!("[{name}={value}]")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_excerpt_has_no_part_of_a_token() {
        let token = "gho_16C7e42F292c6912E7710c838347Ae178B4a";
        for before in 0..2 * EXCERPT {
            let text = excerpt(format!("{} {token} after", "x ".repeat(before)).as_bytes(), &[]).unwrap();
            assert!(!text.contains("gho_"), "{text}");
        }
        assert_eq!(excerpt(format!("a: {token}, b").as_bytes(), &[]).unwrap(), "a: [redacted], b");
        assert_eq!(excerpt("\u{e4}".repeat(1000).as_bytes(), &[]).unwrap(), "\u{e4}".repeat(EXCERPT));
        assert_eq!(excerpt("x".repeat(1000).as_bytes(), &[]).unwrap(), "x".repeat(EXCERPT));
    }

    #[test]
    fn how_long_to_wait() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let cases = [
            ("7", None, Some(7)),
            (" 7 ", now, Some(7)),
            ("7200", None, Some(3600)),
            ("99999999999999999999", None, None),
            ("-1", now, None),
            ("soon", now, None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", now, Some(30)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", now, Some(3600)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", now, Some(0)),
            // By which clock, nobody has said.
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some("today"), None),
        ];
        for (wanted, now, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(wanted));
            headers.extend(now.map(|now| (DATE, HeaderValue::from_static(now))));
            assert_eq!(retry_after(&headers), seconds, "{wanted}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
