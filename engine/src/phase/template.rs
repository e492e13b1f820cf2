//! Fills templates in. Each position has its rule: what is inserted into a URL cannot change what the URL's author meant.

use std::borrow::Cow;
use std::sync::OnceLock;

use grantry_descriptor::model::{Endpoint, EngineValue, Part, Path, Template, Value, VariableValue};
use serde_json::Value as Json;
use url::Url;

use super::path::{present, text};
use super::{digest, encode};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::token::Token;

/// What templates of one phase can name.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) config: &'a Config,
    /// Values of the engine that this phase has.
    pub(crate) engine: &'a [(EngineValue, &'a str)],
    pub(crate) learned: &'a [(String, String)],
    pub(crate) token: Option<&'a Token>,
    pub(crate) callback: Option<&'a Json>,
    pub(crate) id_token: Option<&'a Json>,
    pub(crate) access_token: Option<&'a Json>,
    pub(crate) userinfo: Option<&'a Json>,
}

impl<'a> Values<'a> {
    /// Nothing but the client's own settings.
    pub(crate) const fn new(config: &'a Config) -> Self {
        Self {
            config,
            engine: &[],
            learned: &[],
            token: None,
            callback: None,
            id_token: None,
            access_token: None,
            userinfo: None,
        }
    }

    /// The text of a template, values inserted raw. `None`: a value that it names is not there.
    pub(crate) fn text(&self, template: &Template) -> Result<Option<String>> {
        let mut out = String::new();
        for part in template.parts.iter() {
            match part {
                Part::Literal(literal) => out.push_str(literal),
                Part::Value(value) => match self.value(value)? {
                    Some(value) => out.push_str(&value),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(out))
    }

    /// The text of a template whose values must be there.
    pub(crate) fn required(&self, template: &Template) -> Result<String> {
        self.text(template)?.ok_or_else(|| self.missing(template))
    }

    /// A registered endpoint.
    pub(crate) fn endpoint(&self, endpoint: Endpoint) -> Result<Url> {
        if let (Endpoint::Token, Some(url)) = (endpoint, &self.config.token_endpoint) {
            return Ok(url.clone());
        }
        let model = self.config.model();
        let template =
            model.endpoints.get(endpoint).ok_or_else(|| Error::misuse(format!("`{}` has no {}", model.id, endpoint.as_str())))?;
        match endpoint {
            Endpoint::Token => self.built_once(&self.config.built.token_endpoint, template).map(Cow::into_owned),
            _ => self.url(template),
        }
    }

    /// What paths of requests are appended to.
    pub(crate) fn base_url(&self) -> Result<Option<Cow<'a, Url>>> {
        let template = self.config.model().requests.base_url.as_ref();
        template.map(|template| self.built_once(&self.config.built.base_url, template)).transpose()
    }

    /// A URL that is kept where it is the same for every token.
    fn built_once(&self, slot: &'a OnceLock<Url>, template: &Template) -> Result<Cow<'a, Url>> {
        if let Some(url) = slot.get().filter(|_| self.learned.is_empty()) {
            return Ok(Cow::Borrowed(url));
        }
        let url = self.url(template)?;
        let is_of_settings =
            |part: &Part| matches!(part, Part::Literal(_) | Part::Value(Value::Variable(_) | Value::VariableEntry(..)));
        if self.learned.is_empty() && template.parts.iter().all(is_of_settings) {
            return Ok(Cow::Borrowed(slot.get_or_init(|| url)));
        }
        Ok(Cow::Owned(url))
    }

    /// A URL. Values in its host are host labels, values in its path and query are percent-encoded, and a value that begins it
    /// must be a URL without user, query or fragment.
    pub(crate) fn url(&self, template: &Template) -> Result<Url> {
        let mut out = String::new();
        for part in template.parts.iter() {
            match part {
                Part::Literal(literal) => out.push_str(literal),
                Part::Value(value) => {
                    let text = self.value(value)?.ok_or_else(|| self.missing(template))?;
                    self.insert(&mut out, value, &text)?;
                }
            }
        }
        let url: Url =
            out.parse().map_err(|_| Error::misuse("a URL of the descriptor, filled in, is no URL; check the variables"))?;
        if !same(url.as_str(), &out) {
            return Err(Error::misuse("a variable changes the shape of a URL of the descriptor; check its value"));
        }
        Ok(url)
    }

    fn insert(&self, out: &mut String, value: &Value, text: &str) -> Result<()> {
        let authors_own =
            matches!(value, Value::VariableEntry(..)) || matches!(value, Value::Variable(name) if self.has_table(name));
        match position(out) {
            Position::Origin => origin(text)?,
            Position::Host if authors_own || is_host(text) => {}
            Position::Host => return Err(Error::misuse(format!("{text:?} cannot stand in a host name"))),
            Position::Rest if authors_own => {}
            Position::Rest => {
                out.push_str(&encode::component(text));
                return Ok(());
            }
        }
        out.push_str(text);
        Ok(())
    }

    fn has_table(&self, name: &str) -> bool {
        self.config.variable(name).is_some_and(|variable| !variable.values.is_empty())
    }

    /// One value. `None`: it is not there.
    pub(crate) fn value(&self, value: &Value) -> Result<Option<Cow<'a, str>>> {
        Ok(match value {
            Value::Variable(name) => self.variable(name, None),
            Value::VariableEntry(name, entry) => self.variable(name, Some(entry)),
            Value::Engine(value) => self.engine(*value)?,
            Value::Endpoint(endpoint) => Some(Cow::Owned(self.endpoint(*endpoint)?.into())),
            Value::Digest(name) => self.digest(name)?,
            Value::Token(path) => self.token.and_then(|token| token.text(path)).map(Cow::Owned),
            Value::Callback(path) => read(self.callback, path),
            Value::IdToken(path) => read(self.id_token, path),
            Value::AccessToken(path) => read(self.access_token, path),
            Value::Userinfo(path) => read(self.userinfo, path),
        })
    }

    fn variable(&self, name: &str, entry: Option<&str>) -> Option<Cow<'a, str>> {
        let variable = self.config.variable(name)?;
        let learned = self.learned.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let raw = learned.or_else(|| self.config.setting(name)).or(variable.default.as_deref())?;
        if variable.values.is_empty() {
            return Some(Cow::Borrowed(raw));
        }
        let (_, value) = variable.values.iter().find(|(key, _)| key == raw)?;
        match (value, entry) {
            (VariableValue::Text(text), None) => Some(Cow::Borrowed(text.as_ref())),
            (VariableValue::Table(entries), Some(entry)) => {
                entries.iter().find(|(key, _)| key == entry).map(|(_, text)| Cow::Borrowed(text.as_ref()))
            }
            _ => None,
        }
    }

    fn engine(&self, wanted: EngineValue) -> Result<Option<Cow<'a, str>>> {
        if let Some((_, value)) = self.engine.iter().find(|(known, _)| *known == wanted) {
            return Ok(Some(Cow::Borrowed(*value)));
        }
        Ok(match wanted {
            EngineValue::ClientId => Some(Cow::Borrowed(self.config.client_id.as_str())),
            EngineValue::ClientSecret => self.config.credential.secret().map(|secret| Cow::Borrowed(secret.expose())),
            EngineValue::KeyId => self.config.credential.key_id().map(Cow::Borrowed),
            EngineValue::UserAgent => Some(Cow::Borrowed(self.config.transport.user_agent())),
            EngineValue::Uuid => Some(Cow::Owned(crate::entropy::uuid(self.config.entropy.as_ref())?)),
            EngineValue::AccessToken => self.token.map(|token| Cow::Borrowed(token.access_token.expose())),
            EngineValue::RefreshToken => {
                self.token.and_then(|token| token.refresh_token.as_ref()).map(|token| Cow::Borrowed(token.expose()))
            }
            _ => None,
        })
    }

    fn digest(&self, name: &str) -> Result<Option<Cow<'a, str>>> {
        let Some(digest) = self.config.model().digests.iter().find(|digest| digest.name == name) else { return Ok(None) };
        let key = match &digest.key {
            Some(template) => self.text(template)?,
            None => Some(String::new()),
        };
        let message = self.text(&digest.message)?;
        Ok(key.zip(message).map(|(key, message)| Cow::Owned(digest::hex(digest.algorithm, &key, &message))))
    }

    fn missing(&self, template: &Template) -> Error {
        let absent = template.parts.iter().find_map(|part| match part {
            Part::Value(value) if matches!(self.value(value), Ok(None)) => Some(name(value)),
            _ => None,
        });
        Error::misuse(format!("`{}` needs {}, which is not there", self.config.model().id, absent.unwrap_or_default()))
    }
}

fn read<'a>(document: Option<&'a Json>, path: &Path) -> Option<Cow<'a, str>> {
    match present(document?, path)? {
        Cow::Borrowed(value) => text(value),
        Cow::Owned(value) => text(&value).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// How a value is called in a descriptor.
fn name(value: &Value) -> String {
    match value {
        Value::Variable(name) => format!("the variable `{name}`"),
        Value::VariableEntry(name, entry) => format!("the variable `{name}.{entry}`"),
        Value::Engine(value) => format!("`{}`", value.as_str()),
        Value::Endpoint(endpoint) => format!("`{}`", endpoint.as_str()),
        Value::Digest(name) => format!("`digest.{name}`"),
        Value::Token(_) => "a member of the token answer".to_owned(),
        Value::Callback(_) => "a parameter of the callback".to_owned(),
        Value::IdToken(_) => "a claim of the id token".to_owned(),
        Value::AccessToken(_) => "a claim of the access token".to_owned(),
        Value::Userinfo(_) => "a member of the userinfo answer".to_owned(),
    }
}

enum Position {
    Origin,
    Host,
    Rest,
}

fn position(built: &str) -> Position {
    match built.split_once("://") {
        None if built.is_empty() => Position::Origin,
        Some((_, rest)) if !rest.contains(['/', '?', '#']) => Position::Host,
        _ => Position::Rest,
    }
}

fn origin(text: &str) -> Result<()> {
    let url: Url = text.parse().map_err(|_| Error::misuse(format!("{text:?} is no URL")))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if plain { Ok(()) } else { Err(Error::misuse(format!("{text:?} must be a URL without user, query and fragment"))) }
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// Whether a parsed URL is the text that was parsed, but for an added root path and the case of its host.
fn same(url: &str, text: &str) -> bool {
    url.eq_ignore_ascii_case(text) || url.strip_suffix('/').is_some_and(|url| url.eq_ignore_ascii_case(text))
}
