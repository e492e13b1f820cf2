//! Renders conversations for people: requests as sent, responses as received, what they parsed to; secrets by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use crate::driver::{Outcome, Step};
use crate::emulator::{Received, Record, Sent};
use crate::fixture::{Application, Fixture, Piece, Response, Scenario};
use crate::{jwt, keys};

/// Headers that say nothing about the conversation.
const PLUMBING: [&str; 5] = ["host", "content-length", "connection", "user-agent", "accept-encoding"];

/// The conversation as written, in full.
pub fn in_full(outcome: &Outcome, secrets: &Secrets) -> String {
    outcome.steps.iter().map(|step| render_step(step, secrets)).collect::<Vec<_>>().join("\n")
}

/// A variant of it: what differs from the conversation as written.
pub fn difference(outcome: &Outcome, secrets: &Secrets, written: &Outcome, written_secrets: &Secrets) -> String {
    let known: Vec<String> = written.steps.iter().map(|step| render_step(step, written_secrets)).collect();
    let steps = outcome.steps.iter().map(|step| render_step(step, secrets));
    let different: Vec<String> = steps.filter(|step| !known.contains(step)).collect();
    let missing = written.steps.iter().filter(|step| outcome.step(&step.name).is_none()).map(|step| step.name.as_str());
    let missing: Vec<&str> = missing.collect();
    let end = match missing.as_slice() {
        [] => String::new(),
        missing => format!("\nnot reached: {}\n", missing.join(", ")),
    };
    format!("{}{end}", different.join("\n"))
}

fn render_step(step: &Step, secrets: &Secrets) -> String {
    let mut text = format!("### {}\n", step.name);
    for record in &step.records {
        let (request, response) = (render_request(&record.request, secrets), render_response(&record.response, secrets));
        let _ = write!(text, "\n{request}{}\n{response}", render_jwts(record, secrets));
    }
    for event in &step.drift {
        let _ = write!(text, "\ndrift: {}\n", secrets.hide(event));
    }
    let result = match &step.result {
        Ok(value) => format!("{value:#}"),
        Err(error) => format!("error: {error}"),
    };
    let _ = write!(text, "\n=> {}\n", secrets.hide(&result).replace('\n', "\n   "));
    text
}

fn render_request(request: &Received, secrets: &Secrets) -> String {
    let (url, headers) = (secrets.hide_url(&request.url), render_headers(&request.headers, secrets));
    let mut text = format!("{} {url}\n{headers}", request.method);
    let body = String::from_utf8_lossy(&request.body);
    let form = request.header("content-type").is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    match (body.is_empty(), form) {
        (true, _) => {}
        (false, true) => {
            let pairs: Vec<String> = body.split('&').map(|pair| secrets.hide_pair(pair)).collect();
            let _ = writeln!(text, "\n{}", pairs.join("\n&"));
        }
        (false, false) => {
            let _ = writeln!(text, "\n{}", secrets.hide(&body));
        }
    }
    text
}

/// What the JWTs say that the application signed.
fn render_jwts(record: &Record, secrets: &Secrets) -> String {
    let signed = record.secrets.iter().filter(|(name, _)| name != "id_token");
    let parts = signed.filter_map(|(_, value)| Some((value, jwt::parts(value).ok()?)));
    let lines = parts.map(|(value, (header, claims))| {
        let (header, claims) = (Value::Object(header), Value::Object(claims));
        format!("\n{} = {}\n", secrets.hide(value), secrets.hide(&format!("{header}.{claims}")))
    });
    lines.collect()
}

fn render_response(response: &Sent, secrets: &Secrets) -> String {
    let mut text = format!("HTTP {}\n{}", response.status, render_headers(&response.headers, secrets));
    if !response.body.is_empty() {
        let _ = writeln!(text, "\n{}", secrets.hide(response.body.trim_end()));
    }
    text
}

fn render_headers(headers: &[(String, String)], secrets: &Secrets) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !PLUMBING.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}\n", secrets.hide_header(name, value)))
        .collect();
    lines.sort();
    lines.concat()
}

/// The account or grant whose token a step gets.
fn owner(step: &Step) -> Option<&str> {
    match step.name.split_once(' ')? {
        ("account" | "grant", name) => Some(name),
        ("device", "codes") => Some("device_code"),
        _ => None,
    }
}

/// Values that must not be printed, and their names.
pub struct Secrets {
    client_id: String,
    /// The account or grant that the next secrets belong to.
    owner: Option<String>,
    /// Longest first, so that no secret is cut by a shorter one.
    values: Vec<(String, String)>,
}

impl Secrets {
    /// What is secret in a conversation.
    pub fn of(fixture: &Fixture, scenario: &Scenario, outcome: &Outcome) -> Self {
        let application = fixture.application(scenario);
        let mut secrets = Self { client_id: application.client_id.clone(), owner: None, values: Vec::new() };
        // Made once per process, so not the same in any two runs.
        secrets.add("jwks", &keys::jwks().to_string());
        if let Some(client_secret) = &application.client_secret {
            secrets.add("client_secret", client_secret);
        }
        // Tokens of machines are counted apart: they have the same names, whatever became of the user's.
        let (machines, user): (Vec<&Step>, Vec<&Step>) = outcome.steps.iter().partition(|step| owner(step).is_some());
        for step in user.into_iter().chain(machines) {
            secrets.owner = owner(step).map(ToOwned::to_owned);
            step.records.iter().for_each(|record| secrets.add_record(record));
            if let Ok(value) = &step.result {
                secrets.add_members(value);
            }
        }
        secrets.owner = None;
        secrets.add_fixture(fixture, &application);
        secrets.values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        secrets
    }

    fn add_record(&mut self, record: &Record) {
        for (name, value) in &record.secrets {
            self.add(name, value);
        }
        let request = &record.request;
        let json = serde_json::from_slice::<BTreeMap<String, Value>>(&request.body).unwrap_or_default();
        let members = json.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        for (name, value) in request.query().into_iter().chain(request.form()).chain(members) {
            if ["state", "nonce", "code_challenge", "code_verifier"].contains(&name.as_str()) {
                self.add(&name, &value);
            }
        }
        match serde_json::from_str(&record.response.body) {
            Ok(value) => self.add_members(&value),
            Err(_) => {
                for (name, value) in url::form_urlencoded::parse(record.response.body.as_bytes()) {
                    self.add_member(&name, &value);
                }
            }
        }
    }

    /// Codes and tokens of variants, which errors may quote.
    fn add_fixture(&mut self, fixture: &Fixture, application: &Application) {
        let authorization = fixture.exchanges.get("authorization");
        let responses = authorization.into_iter().flat_map(|exchange| {
            std::iter::once(&exchange.response).chain(exchange.variants.values().map(|variant| &variant.response))
        });
        for response in responses {
            let Response::Callback(callback) = response else { continue };
            if let Some(Piece::Literal(code)) = callback.parameters.get("code").and_then(|code| code.single()) {
                self.add("code", code);
            }
        }
        let accounts = application.accounts.values();
        let keys = accounts.clone().map(|account| &account.private_key).chain([&application.private_key]);
        for pem in keys.filter_map(|name| keys::private_key_pem(name.as_deref()?)) {
            self.add("private_key", pem);
        }
        for account in accounts {
            account.client_secret.iter().for_each(|secret| self.add("client_secret", secret));
            let file = account.key_file.as_deref().and_then(|text| keys::key_file(text).ok());
            if let Some(file) = file.and_then(|text| serde_json::from_str(&text).ok()) {
                self.add_key_file(&file);
            }
        }
        for input in application.grants.values() {
            for (name, value) in
                [("password", &input.password), ("assertion", &input.assertion), ("subject_token", &input.subject_token)]
            {
                value.iter().for_each(|value| self.add(name, value));
            }
        }
    }

    /// What a provider's key file has that is secret: private keys, their passphrases, client secrets.
    fn add_key_file(&mut self, file: &Value) {
        let Value::Object(members) = file else { return };
        for (name, value) in members {
            let plain = name.to_lowercase().replace(['_', '-'], "");
            let secret = ["privatekey", "passphrase", "clientsecret"].into_iter().find(|secret| plain == *secret);
            match (secret, value) {
                (Some(secret), Value::String(text)) => self.add(secret, text),
                (_, nested) => self.add_key_file(nested),
            }
        }
    }

    fn add_members(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) => self.add_member(name, text),
                        nested => self.add_members(nested),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.add_members(value)),
            _ => {}
        }
    }

    fn add_member(&mut self, name: &str, value: &str) {
        if ["access_token", "refresh_token", "id_token", "device_code"].contains(&name) {
            self.add(name, value);
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        if value.is_empty() || self.values.iter().any(|(known, _)| known == value) {
            return;
        }
        let name = match &self.owner {
            Some(owner) => format!("{name} of {owner}"),
            None => name.to_owned(),
        };
        let is_number = |rest: &str| rest.chars().all(|c| c == ' ' || c.is_ascii_digit());
        let counts = |known: &str| known.strip_prefix(&name).is_some_and(is_number);
        let name = match self.values.iter().filter(|(_, known)| counts(known)).count() {
            0 => name,
            count => format!("{name} {}", count + 1),
        };
        self.values.push((value.to_owned(), name));
    }

    /// The names of the secrets that stand in a text.
    pub fn found_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(value, _)| replace(text, value, "") != text).map(|(_, name)| name.as_str())
    }

    /// The text with the names of the secrets in their places.
    pub fn hide(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (value, name)| {
            let name = format!("<{name}>");
            let json = Value::from(value.as_str()).to_string();
            let forms = [json.trim_matches('"'), value.as_str(), &utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()]
                .map(ToOwned::to_owned);
            forms.iter().fold(text, |text, form| replace(&text, form, &name))
        })
    }

    /// The URL without its secrets, one parameter a line.
    pub fn hide_url(&self, url: &Url) -> String {
        let (mut base, fragment) = (url.clone(), url.fragment());
        base.set_query(None);
        base.set_fragment(None);
        let pairs = url.query().into_iter().flat_map(|query| query.split('&'));
        let pairs = pairs
            .enumerate()
            .map(|(index, pair)| format!("\n    {}{}", if index == 0 { '?' } else { '&' }, self.hide_pair(pair)));
        let fragment = fragment.map(|fragment| format!("\n    #{fragment}")).unwrap_or_default();
        format!("{}{}{fragment}", self.hide(base.as_str()), pairs.collect::<String>())
    }

    /// A `name=value` of a query or form, as it stands there.
    fn hide_pair(&self, pair: &str) -> String {
        let Some((name, value)) = pair.split_once('=') else { return self.hide(pair) };
        let decoded = percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned();
        match self.hide(&decoded) {
            // Decoded, so that no escape beside a secret passes for a part of it.
            hidden if hidden != decoded => format!("{name}={hidden}"),
            _ => format!("{name}={}", self.hide(value)),
        }
    }

    fn hide_header(&self, name: &str, value: &str) -> String {
        match (name, value.split_once(' ')) {
            ("authorization", Some(("Basic", credentials))) => match self.hide_basic(credentials) {
                Some(hidden) => format!("Basic {hidden}"),
                None => "Basic <unreadable>".to_owned(),
            },
            ("location", _) => match value.split_once('?') {
                Some((uri, query)) => {
                    let pairs: Vec<String> = query.split('&').map(|pair| self.hide_pair(pair)).collect();
                    format!("{uri}?{}", pairs.join("&"))
                }
                None => self.hide(value),
            },
            _ => self.hide(value),
        }
    }

    fn hide_basic(&self, credentials: &str) -> Option<String> {
        let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        let encoded = |text: &str| percent_decode_str(text).decode_utf8_lossy() != text;
        let note = if encoded(user) || encoded(password) { " (form-encoded)" } else { "" };
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let half = |text: &str| match () {
            () if text == self.client_id || decode(text) == self.client_id => "<client_id>".to_owned(),
            () => self.values.iter().find(|(value, _)| value == text || *value == decode(text)).map_or_else(
                || if text.is_empty() { String::new() } else { "<unknown>".to_owned() },
                |(_, name)| format!("<{name}>"),
            ),
        };
        Some(format!("{}:{}{note}", half(user), half(password)))
    }
}

/// Replaces `value` where it stands alone, not as a part of a longer word.
fn replace(text: &str, value: &str, name: &str) -> String {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(value) {
        let preceding = before.chars().next_back().or(result.chars().next_back());
        let alone = !inside(preceding) && !inside(after.chars().next());
        result.push_str(before);
        result.push_str(if alone { name } else { value });
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut secrets = Secrets { client_id: "me".into(), owner: None, values: Vec::new() };
        secrets.add("code", "1234567");
        secrets.add("client_secret", "a/b c");
        secrets.add("access_token", "first");
        secrets.add("access_token", "second");
        secrets
    }

    #[test]
    fn secrets_are_named_wherever_they_stand() {
        let secrets = secrets();
        assert_eq!(
            secrets.hide(r#"{"a":"first","b":"second","c":12345678}"#),
            r#"{"a":"<access_token>","b":"<access_token 2>","c":12345678}"#
        );
        assert_eq!(secrets.hide_pair("client_secret=a%2Fb%20c"), "client_secret=<client_secret>");
        assert_eq!(secrets.hide_pair("access_token=id%7Ca%2Fb%20c"), "access_token=id|<client_secret>");
        assert_eq!(secrets.hide_header("authorization", "Bearer first"), "Bearer <access_token>");
        assert_eq!(secrets.hide_header("authorization", "Basic bWU6YS9iIGM="), "Basic <client_id>:<client_secret>");
        assert_eq!(
            secrets.hide_header("authorization", "Basic bWU6YSUyRmIrYw=="),
            "Basic <client_id>:<client_secret> (form-encoded)"
        );
        assert_eq!(secrets.hide_header("location", "https://a/?code=1234567&x=1"), "https://a/?code=<code>&x=1");
    }

    #[test]
    fn what_is_part_of_a_longer_word_stays() {
        assert_eq!(replace("12 123 12", "12", "x"), "x 123 x");
        assert_eq!(replace("1212", "12", "x"), "1212");
        assert_eq!(secrets().found_in("code 1234567!").collect::<Vec<_>>(), ["code"]);
    }
}
