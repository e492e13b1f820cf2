//! Reads a token out of an answer: what is tolerated, what is refused.

use std::borrow::Cow;

use grantry_descriptor::model::{Grant, Lifetime, Unit, Zero};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Token;
use crate::clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::phase::encode;
use crate::phase::response::Answer;
use crate::secret::Secret;

/// Ten years, in seconds: no token lives longer.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

/// `expires_at` from this on is in milliseconds.
const MILLISECONDS: u64 = 100_000_000_000;

/// Longest type of a token that a message shows, in bytes.
const LONGEST_WORD: usize = 20;

const STANDARD: [&str; 8] =
    ["access_token", "token_type", "expires_in", "expires_at", "refresh_token", "refresh_token_expires_in", "scope", "id_token"];

/// What a token is read with.
pub(crate) struct Terms<'a> {
    pub(crate) lifetime: Lifetime,
    pub(crate) separator: &'a str,
    /// The scopes that were asked for.
    pub(crate) scopes: &'a [String],
    pub(crate) now: u64,
    pub(crate) grant: Grant,
}

impl<'a> Terms<'a> {
    /// The provider's terms, for a request of these scopes.
    pub(crate) fn of(config: &'a Config, lifetime: Lifetime, scopes: &'a [String]) -> Self {
        Self {
            lifetime,
            separator: &config.model().scopes.separator,
            scopes,
            now: config.clock.now(),
            grant: Grant::AuthorizationCode,
        }
    }
}

/// The token of an answer.
pub(crate) fn from_answer(mut answer: Answer<'_>, terms: &Terms<'_>) -> Result<Token> {
    let access_token = secret(&mut answer, "access_token")?.ok_or_else(|| {
        Error::invalid("the answer has no access_token")
            .with_hint("where the provider has it elsewhere, the cell is `response.names.access_token`")
    })?;
    Ok(Token {
        access_token,
        token_type: token_type(&mut answer, terms.grant)?,
        expires_at: expiry(&mut answer, terms)?,
        issued_at: Some(terms.now),
        refresh_token: secret(&mut answer, "refresh_token")?,
        refresh_token_expires_at: refresh_token_expiry(&answer, terms)?,
        scopes: scopes(&mut answer, terms),
        id_token: secret(&mut answer, "id_token")?,
        extra: answer.rest(&STANDARD),
        learned: Vec::new(),
    })
}

/// The refresh token of an answer and when it expires, whatever else is wrong with the answer.
pub(crate) fn refresh_token_of(answer: &Answer<'_>, terms: &Terms<'_>) -> Option<(Secret, Option<u64>)> {
    let member = answer.member("refresh_token")?;
    let secret = member.as_str().filter(|text| !text.is_empty() && is_token(text)).map(Secret::from)?;
    Some((secret, refresh_token_expiry(answer, terms).unwrap_or_default()))
}

fn refresh_token_expiry(answer: &Answer<'_>, terms: &Terms<'_>) -> Result<Option<u64>> {
    let lasts = answer.member("refresh_token_expires_in").map(|lasts| seconds("refresh_token_expires_in", &lasts)).transpose()?;
    Ok(lasts.map(|seconds| clock::after(terms.now, seconds.min(LONGEST))))
}

fn is_token(text: &str) -> bool {
    encode::each(text, |byte| (0x20..0x7f).contains(&byte))
}

/// A token: text of printable ASCII (RFC 6749 appendix A.12). Empty counts as absent.
fn secret(answer: &mut Answer<'_>, name: &str) -> Result<Option<Secret>> {
    match answer.take(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if is_token(&text) => Ok(Some(Secret::new(text))),
        Some(Value::String(_)) => Err(Error::invalid(format!("the {name} has characters that no token can have"))),
        Some(_) => Err(Error::invalid(format!("the {name} is not a string"))),
    }
}

/// Bearer in any case, or nothing. Another type would be a token that the client cannot use as the provider means it.
fn token_type(answer: &mut Answer<'_>, grant: Grant) -> Result<String> {
    match answer.take("token_type") {
        Some(Value::String(kind)) if kind == "Bearer" => Ok(kind),
        None => Ok("Bearer".to_owned()),
        Some(Value::String(kind)) if kind.is_empty() || kind.eq_ignore_ascii_case("bearer") => Ok("Bearer".to_owned()),
        // What was issued is no access token (RFC 8693 section 2.2.1).
        Some(Value::String(kind)) if grant == Grant::TokenExchange && kind.eq_ignore_ascii_case("n_a") => Ok("N_A".to_owned()),
        Some(Value::String(kind)) if ["dpop", "mac", "pop", "n_a"].contains(&kind.to_ascii_lowercase().as_str()) => {
            Err(Error::invalid(format!("the token is of type {kind:?}, which was not asked for")))
        }
        Some(kind) => Err(Error::invalid(format!("the token is of an unknown type: {}", described(&kind)))
            .with_hint("if it is used as a bearer token, the cell is `token.response.names.token_type: null`")),
    }
}

/// An unknown type for a message: as it is where it is a short word, which no token is; else what kind of value it is.
fn described(kind: &Value) -> Cow<'static, str> {
    let is_word = |text: &str| {
        text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
    };
    match kind {
        Value::String(text) if is_word(text) => Cow::Owned(format!("{text:?}")),
        Value::String(_) => Cow::Borrowed("a text that is no short word"),
        Value::Object(_) => Cow::Borrowed("an object"),
        Value::Array(_) => Cow::Borrowed("an array"),
        Value::Number(_) => Cow::Borrowed("a number"),
        Value::Bool(_) => Cow::Borrowed("a boolean"),
        Value::Null => Cow::Borrowed("null"),
    }
}

fn expiry(answer: &mut Answer<'_>, terms: &Terms<'_>) -> Result<Option<u64>> {
    if let Some(lasts) = answer.take("expires_in") {
        let lasts = seconds("expires_in", &lasts)?;
        let lasts = match terms.lifetime.unit {
            Unit::Seconds => lasts,
            Unit::Milliseconds => lasts / 1000,
        };
        let never = lasts == 0 && terms.lifetime.zero == Zero::Never;
        return Ok((!never).then(|| clock::after(terms.now, clamp(lasts))));
    }
    if let Some(expires_at) = answer.take("expires_at") {
        let expires_at = instant(&expires_at)?;
        return Ok(Some(expires_at.min(clock::after(terms.now, LONGEST))));
    }
    Ok(terms.lifetime.default.map(|lasts| clock::after(terms.now, lasts)))
}

fn clamp(seconds: u64) -> u64 {
    if seconds > LONGEST {
        tracing::warn!(target: "grantry::drift", seconds, "the token's lifetime is longer than ten years; it is taken as ten years");
    }
    seconds.min(LONGEST)
}

/// A number of seconds: a number, or a string of one.
fn seconds(name: &str, value: &Value) -> Result<u64> {
    number(value).ok_or_else(|| Error::invalid(format!("{name} is no number of seconds")))
}

pub(crate) fn number(value: &Value) -> Option<u64> {
    let float = match value {
        Value::Number(number) => return number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => match text.trim().parse::<u64>() {
            Ok(seconds) => return Some(seconds),
            Err(_) => text.trim().parse::<f64>().ok()?,
        },
        _ => return None,
    };
    whole(float)
}

/// A float cut to seconds. Casting saturates.
fn whole(float: f64) -> Option<u64> {
    (float.is_finite() && float >= 0.0).then_some(float as u64)
}

/// Seconds or milliseconds since 1970, or RFC 3339.
fn instant(value: &Value) -> Result<u64> {
    let refused = || Error::invalid("expires_at is neither a number nor a time of RFC 3339");
    match number(value) {
        Some(number) if number >= MILLISECONDS => Ok(number / 1000),
        Some(number) => Ok(number),
        None => {
            let time = OffsetDateTime::parse(value.as_str().ok_or_else(refused)?, &Rfc3339).map_err(|_| refused())?;
            u64::try_from(time.unix_timestamp()).map_err(|_| refused())
        }
    }
}

fn scopes(answer: &mut Answer<'_>, terms: &Terms<'_>) -> Vec<String> {
    match answer.take("scope") {
        Some(Value::String(text)) => split_scopes(&text, terms.separator),
        Some(Value::Array(scopes)) => scopes.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
        _ => terms.scopes.to_vec(),
    }
}

/// Separated as the descriptor says, or by spaces or commas: several providers answer otherwise than they ask.
/// The scopes of a text, as providers write them, whatever separates them in requests.
pub(crate) fn split_scopes(text: &str, separator: &str) -> Vec<String> {
    let parts = |text: &str| text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    match separator {
        " " | "," => parts(text),
        _ => text.split(separator).flat_map(parts).collect(),
    }
}

#[cfg(test)]
mod tests {
    use grantry_descriptor::model::{Format, Response};
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;
    use crate::http::HttpResponse;
    use crate::phase::response::read;

    const PLAIN: Response = Response {
        format: Format::Json,
        content_type: Cow::Borrowed("application/json"),
        root: None,
        names: Cow::Borrowed(&[]),
        success: Cow::Borrowed(&[]),
    };
    const LIFETIME: Lifetime = Lifetime { default: None, unit: Unit::Seconds, zero: Zero::Expired };

    fn parse_with(status: u16, body: &str, lifetime: Lifetime) -> Result<Token> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let response = HttpResponse::new(StatusCode::from_u16(status).unwrap(), headers, body.to_owned().into());
        let answer = read(&PLAIN, &response, &[])?;
        from_answer(
            answer,
            &Terms { lifetime, separator: " ", scopes: &["asked".to_owned()], now: 1000, grant: Grant::AuthorizationCode },
        )
    }

    fn parse(body: &str) -> Result<Token> {
        parse_with(200, body, LIFETIME)
    }

    fn expires(member: &str) -> Option<u64> {
        parse(&format!(r#"{{"access_token":"a",{member}}}"#)).unwrap().expires_at
    }

    fn refused(body: &str) -> String {
        parse(body).unwrap_err().to_string()
    }

    #[test]
    fn what_is_tolerated() {
        assert_eq!(expires(r#""expires_in":3600"#), Some(4600));
        assert_eq!(expires(r#""expires_in":"3600""#), Some(4600));
        assert_eq!(expires(r#""expires_in":3599.5"#), Some(4599));
        assert_eq!(expires(r#""expires_in":null"#), None);
        assert_eq!(expires(r#""expires_in":0"#), Some(1000));
        assert_eq!(expires(r#""expires_in":18446744073709551615"#), Some(1000 + LONGEST));
        assert_eq!(expires(r#""expires_at":1767225600"#), Some(1000 + LONGEST));
        assert_eq!(expires(r#""expires_at":2000"#), Some(2000));
        assert_eq!(expires(r#""expires_at":"1970-01-01T01:00:00Z""#), Some(3600));
        assert_eq!(expires(r#""expires_at":100000002000"#), Some(100_000_002));
        let token =
            parse("\u{feff}{\"access_token\":\"a\",\"token_type\":\"bEARER\",\"scope\":[\"x\",\"y\"],\"openid\":7}").unwrap();
        assert_eq!((token.token_type.as_str(), token.scopes), ("Bearer", vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(token.extra.get("openid"), Some(&Value::from(7)));
        assert_eq!(parse(r#"{"access_token":"a","scope":"repo,gist user"}"#).unwrap().scopes, ["repo", "gist", "user"]);
        assert_eq!(parse(r#"{"access_token":"a","scope":null}"#).unwrap().scopes, ["asked"]);
        assert!(parse_with(201, r#"{"access_token":"a"}"#, LIFETIME).is_ok());
    }

    #[test]
    fn lifetimes_that_a_descriptor_declares() {
        let with = |lifetime| parse_with(200, r#"{"access_token":"a","expires_in":0}"#, lifetime).unwrap().expires_at;
        assert_eq!(with(Lifetime { zero: Zero::Never, ..LIFETIME }), None);
        let default = Lifetime { default: Some(60), ..LIFETIME };
        assert_eq!(parse_with(200, r#"{"access_token":"a"}"#, default).unwrap().expires_at, Some(1060));
        let milliseconds = Lifetime { unit: Unit::Milliseconds, ..LIFETIME };
        assert_eq!(parse_with(200, r#"{"access_token":"a","expires_in":60000}"#, milliseconds).unwrap().expires_at, Some(1060));
    }

    #[test]
    fn what_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "\"x\"",
            "{}",
            "{}{}",
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":{}}"#,
            r#"{"access_token":"a\u0000b"}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"é"}"#,
            r#"{"access_token":"a","access_token":"b"}"#,
            r#"{"access_token":"a","expires_in":-1}"#,
            r#"{"access_token":"a","expires_in":"soon"}"#,
            r#"{"access_token":"a","expires_in":"NaN"}"#,
            r#"{"access_token":"a","expires_in":[]}"#,
            r#"{"access_token":"a","expires_at":"soon"}"#,
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a","token_type":"user"}"#,
            r#"{"access_token":"a","error":"x"}"#,
            "<html></html>",
            "access_token=a&token_type=bearer",
        ] {
            assert!(parse(body).is_err(), "{body}");
        }
        assert!(parse_with(400, r#"{"access_token":"a"}"#, LIFETIME).is_err());
        assert!(parse_with(500, r#"{"access_token":"a"}"#, LIFETIME).is_err());
        assert!(refused("access_token=abc&token_type=bearer").contains("response.format: form"));
        assert!(refused(r#"{"access_token":"a","token_type":"user"}"#).contains("token_type: null"));
    }

    #[test]
    fn an_unknown_type_shows_no_token() {
        for (kind, shown) in [
            (r#""user""#, "an unknown type: \"user\";"),
            (r#""app_user-token""#, "an unknown type: \"app_user-token\";"),
            (r#""hunter2""#, "an unknown type: a text that is no short word;"),
            (r#""hunterhunterhunterhun""#, "an unknown type: a text that is no short word;"),
            (r#"{"access_token":"hunter2"}"#, "an unknown type: an object;"),
            (r#"["hunter2"]"#, "an unknown type: an array;"),
            ("4711", "an unknown type: a number;"),
            ("true", "an unknown type: a boolean;"),
        ] {
            let message = refused(&format!(r#"{{"access_token":"hunter2","token_type":{kind}}}"#));
            assert!(message.contains(shown) && !message.contains("hunter"), "{message}");
        }
    }

    #[test]
    fn errors_keep_what_the_provider_said() {
        let error =
            parse_with(400, r#"{"error":"invalid_grant","error_description":"gone","error_uri":"https://x.example"}"#, LIFETIME)
                .unwrap_err();
        assert_eq!(
            (error.code(), error.description(), error.uri(), error.status()),
            (Some("invalid_grant"), Some("gone"), Some("https://x.example"), Some(400))
        );
        let form = parse_with(400, "error=invalid_grant&error_description=gone+now", LIFETIME).unwrap_err();
        assert_eq!((form.code(), form.description()), (Some("invalid_grant"), Some("gone now")));
        let html = parse_with(502, "<html>Bad Gateway</html>", LIFETIME).unwrap_err();
        assert!(html.is_retryable());
        assert_eq!(html.excerpt(), Some("<html>Bad Gateway</html>"));
        let empty = parse_with(401, "", LIFETIME).unwrap_err();
        assert_eq!((empty.status(), empty.excerpt()), (Some(401), None));
    }
}
