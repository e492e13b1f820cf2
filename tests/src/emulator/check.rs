//! Compares a request with what the fixture expects, strictly.

use serde_json::{Map, Value};

use super::record::Received;
use super::values::{Captured, Values};
use crate::fixture::{Application, ExpectedJwt, Json, Ordered, Piece, Request, Text};
use crate::{NOW, jwt};

/// Headers that every HTTP client may send.
const PLUMBING: [&str; 6] = ["host", "accept", "user-agent", "content-type", "content-length", "connection"];

/// Claims that a JWT carries besides those that a fixture lists.
const TIME_CLAIMS: [&str; 4] = ["iat", "exp", "nbf", "jti"];

/// What a comparison found.
#[derive(Default)]
pub(super) struct Findings {
    /// Each mismatch, readable: empty where the request is as expected.
    pub(super) mismatches: Vec<String>,
    /// Values that stood where the fixture has a placeholder, by name.
    pub(super) secrets: Vec<(String, String)>,
}

/// Compares the request with the expectation.
pub(super) fn compare(expected: &Request, received: &Received, application: &Application, captured: &Captured) -> Findings {
    let mut check = Check { expected, values: Values::new(application, captured), findings: Findings::default() };
    if received.method != expected.method {
        check.mismatch(format!("method: expected {}, got {}", expected.method, received.method));
    }
    check.headers(received);
    let ignored: &[String] = if expected.form.is_some() || expected.json.is_some() { &[] } else { &expected.ignored };
    check.pairs("query parameter", &expected.query, &received.query(), ignored);
    check.body(received);
    check.findings
}

/// What the authorization request carried: where the fixture has the placeholder, else under the standard name.
pub(super) fn capture(expected: &Request, received: &Received) -> Captured {
    let query = received.query();
    let value = |name: &str| query.iter().find_map(|(found, value)| (found == name).then(|| value.clone()));
    let placed = |piece: &Piece, standard: &str| {
        let name = expected.query.iter().find_map(|(name, text)| text.contains(piece).then_some(name));
        value(name.unwrap_or(standard)).filter(|value| !value.is_empty())
    };
    Captured {
        state: placed(&Piece::State, "state"),
        nonce: placed(&Piece::Nonce, "nonce"),
        code_challenge: placed(&Piece::CodeChallenge, "code_challenge"),
        code_challenge_method: value("code_challenge_method"),
    }
}

struct Check<'a> {
    expected: &'a Request,
    values: Values<'a>,
    findings: Findings,
}

impl Check<'_> {
    fn mismatch(&mut self, message: String) {
        self.findings.mismatches.push(message);
    }

    fn headers(&mut self, received: &Received) {
        for (name, text) in self.expected.headers.iter() {
            let found: Vec<&str> =
                received.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect();
            self.value("header", name, text, &found);
        }
        for (name, value) in &received.headers {
            let listed = self.expected.headers.keys().any(|expected| expected.eq_ignore_ascii_case(name));
            if !listed && !PLUMBING.contains(&name.as_str()) {
                self.mismatch(format!("header `{name}`: not expected, got `{value}`"));
            }
        }
    }

    fn pairs(&mut self, place: &str, expected: &Ordered<Text>, received: &[(String, String)], ignored: &[String]) {
        for (name, text) in expected.iter() {
            let found: Vec<&str> = received.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
            self.value(place, name, text, &found);
        }
        for (name, value) in received {
            if expected.get(name).is_none() && !ignored.contains(name) {
                self.mismatch(format!("{place} `{name}`: not expected, got `{value}`"));
            }
        }
    }

    fn body(&mut self, received: &Received) {
        match (&self.expected.form, &self.expected.json) {
            (Some(form), _) => {
                self.media_type(received, "application/x-www-form-urlencoded");
                self.pairs("form parameter", form, &received.form(), &self.expected.ignored);
            }
            (None, Some(json)) => {
                self.media_type(received, "application/json");
                match serde_json::from_slice(&received.body) {
                    Ok(value) => self.json("", json, &value),
                    Err(error) => self.mismatch(format!("body: expected JSON, got `{}` ({error})", shown(&received.body))),
                }
            }
            (None, None) if !received.body.is_empty() => {
                self.mismatch(format!("body: expected none, got `{}`", shown(&received.body)))
            }
            (None, None) => {}
        }
    }

    fn media_type(&mut self, received: &Received, expected: &str) {
        let found = received.header("content-type").unwrap_or("none");
        let essence = found.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(expected) {
            self.mismatch(format!("header `content-type`: expected `{expected}`, got `{found}`"));
        }
    }

    fn json(&mut self, path: &str, expected: &Json, received: &Value) {
        match (expected, received) {
            (Json::Object(members), Value::Object(found)) => self.json_members(path, members, found),
            (Json::List(values), Value::Array(found)) if values.len() == found.len() => {
                for (index, (value, found)) in values.iter().zip(found).enumerate() {
                    self.json(&joined(path, &index.to_string()), value, found);
                }
            }
            (Json::Text(text), Value::String(found)) => self.value("JSON member", path, text, &[found]),
            (Json::Scalar(value), found) if value == found => {}
            (expected, found) => {
                let expected = self.values.render_json(expected).unwrap_or_default();
                self.mismatch(format!("JSON member `{path}`: expected {expected}, got {found}"));
            }
        }
    }

    fn json_members(&mut self, path: &str, expected: &Ordered<Json>, received: &Map<String, Value>) {
        for (name, value) in expected.iter() {
            match received.get(name) {
                Some(found) => self.json(&joined(path, name), value, found),
                None => self.mismatch(format!("JSON member `{}`: missing", joined(path, name))),
            }
        }
        for (name, value) in received.iter().filter(|(name, _)| expected.get(name).is_none()) {
            if !path.is_empty() || !self.expected.ignored.contains(name) {
                self.mismatch(format!("JSON member `{}`: not expected, got {value}", joined(path, name)));
            }
        }
    }

    fn value(&mut self, place: &str, name: &str, expected: &Text, found: &[&str]) {
        let found = match found {
            [] => return self.mismatch(format!("{place} `{name}`: missing, expected {}", self.wanted(expected))),
            [found] => *found,
            several => return self.mismatch(format!("{place} `{name}`: stands {} times", several.len())),
        };
        if let Some(before) = expected.before_jwt() {
            return self.jwt(place, name, &before, found);
        }
        self.findings.secrets.extend(secret_names(name, expected).map(|secret| (secret, found.to_owned())));
        match expected.single() {
            Some(Piece::Any) if !found.is_empty() => {}
            Some(Piece::CodeVerifier) if self.values.verifies(found) => {}
            _ if self.values.render(expected).is_some_and(|expected| expected == found) => {}
            _ => self.mismatch(format!("{place} `{name}`: expected {}, got `{found}`", self.wanted(expected))),
        }
    }

    /// The expected value: as the fixture says it, and what it stands for where that differs.
    fn wanted(&self, expected: &Text) -> String {
        match (self.values.render(expected), expected.to_string()) {
            (Some(value), source) if value == source => format!("`{value}`"),
            (Some(value), source) => format!("{source} = `{value}`"),
            (None, source) => source,
        }
    }

    fn jwt(&mut self, place: &str, name: &str, before: &Text, found: &str) {
        let Some(expected) = self.expected.jwt.get(name) else {
            return self.mismatch(format!("{place} `{name}`: the fixture does not describe this JWT"));
        };
        let before = self.values.render(before).unwrap_or_default();
        let Some(jwt) = found.strip_prefix(&before) else {
            return self.mismatch(format!("{place} `{name}`: expected `{before}` and a JWT, got `{found}`"));
        };
        let secret = if place == "header" { "jwt" } else { name };
        self.findings.secrets.push((secret.to_owned(), jwt.to_owned()));
        let secret = self.values.client_secret();
        let secret = if expected.hex_secret { jwt::from_hex(secret) } else { secret.as_bytes().to_vec() };
        let (header, claims) = match jwt::verify(jwt, &secret) {
            Ok(parts) => parts,
            Err(problem) => return self.mismatch(format!("{place} `{name}` {problem}, got `{found}`")),
        };
        let mut expected_header = self.values.render_members(&expected.header);
        expected_header.insert("alg".to_owned(), expected.alg.as_str().into());
        let what = format!("{place} `{name}`");
        self.members(&format!("{what}, JWT header"), &expected_header, &header, &["typ"]);
        self.members(&format!("{what}, JWT claim"), &self.values.render_members(&expected.claims), &claims, &TIME_CLAIMS);
        self.lifetime(&what, expected, &claims);
    }

    fn lifetime(&mut self, what: &str, expected: &ExpectedJwt, claims: &Map<String, Value>) {
        let now = NOW.saturating_sub(expected.clock_behind);
        match (claims.get("iat").and_then(Value::as_u64), claims.get("exp").and_then(Value::as_u64)) {
            (Some(iat), Some(exp)) if iat <= now && exp > now && exp - iat <= expected.lifetime_at_most => {}
            (iat, exp) => {
                let most = expected.lifetime_at_most;
                self.mismatch(format!(
                    "{what}: iat {iat:?}, exp {exp:?}: expected iat <= {now} < exp, at most {most} seconds apart"
                ));
            }
        }
    }

    fn members(&mut self, place: &str, expected: &Map<String, Value>, found: &Map<String, Value>, allowed: &[&str]) {
        for (name, value) in expected {
            match found.get(name) {
                Some(found) if found == value => {}
                found => self.mismatch(format!("{place} `{name}`: expected {value}, got {}", found.unwrap_or(&Value::Null))),
            }
        }
        for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name) && !allowed.contains(&name.as_str())) {
            self.mismatch(format!("{place} `{name}`: not expected, got {value}"));
        }
    }
}

/// The names under which a value is hidden in a transcript.
fn secret_names(parameter: &str, expected: &Text) -> impl Iterator<Item = String> {
    let name = match expected.single() {
        Some(Piece::ClientSecret | Piece::State | Piece::Nonce | Piece::CodeChallenge | Piece::CodeVerifier) => {
            Some(expected.to_string().replace(['$', '{', '}'], ""))
        }
        Some(Piece::HmacSha256 { .. }) => Some(parameter.to_owned()),
        _ => None,
    };
    name.into_iter()
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(200).collect()
}
