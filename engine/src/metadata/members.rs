//! Reads the members of a document: each as what it must be, or not at all.

use std::borrow::Cow;

use serde_json::{Map, Value};
use url::Url;

use super::MtlsEndpointAliases;
use super::address;
use super::error::{MetadataError, shown};
use super::language;

const CORRECT: &str = "the server's operator has to correct it";
const LIST: &str = "is not an array of strings";

/// A document, and what was found about it that does not make it useless.
pub(super) struct Members<'a> {
    document: &'a Map<String, Value>,
    /// The issuer that was asked for.
    issuer: &'a str,
    /// What stands before a member's name in messages.
    within: &'static str,
    pub(super) findings: Vec<MetadataError>,
}

impl<'a> Members<'a> {
    pub(super) const fn new(document: &'a Map<String, Value>, issuer: &'a str) -> Self {
        Self { document, issuer, within: "", findings: Vec::new() }
    }

    /// The issuer: there, sound, and the one that was asked for (RFC 8414 section 3.3).
    pub(super) fn issuer(&mut self, name: &str) -> Result<String, MetadataError> {
        let text = self.text(name)?.ok_or_else(|| {
            MetadataError::of(
                name,
                "is missing",
                "nobody can tell whose document this is: check that its address is the server's",
            )
        })?;
        address::issuer_url(text)?;
        if text != self.issuer {
            let problem = format!("is `{}`, not the issuer that was asked for", shown(text));
            let hint = "if it is the right server, ask for its issuer as the document has it, character by character";
            return Err(MetadataError::of(name, problem, hint));
        }
        Ok(text.to_owned())
    }

    pub(super) fn endpoint(&mut self, name: &str) -> Result<Option<Url>, MetadataError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let url = address::endpoint(text).map_err(|problem| self.error(name, problem))?;
        if url.scheme() == "http" && !self.is_local() {
            return Err(self.error(name, "is an http URL of this machine, which the issuer is not on"));
        }
        Ok(Some(url))
    }

    /// Whether the issuer is on this machine.
    fn is_local(&self) -> bool {
        Url::parse(self.issuer).is_ok_and(|url| address::is_loopback(&url))
    }

    /// A page for people. One that cannot be opened is left out.
    pub(super) fn page(&mut self, name: &str) -> Result<Option<Url>, MetadataError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let url = address::page(text);
        if url.is_none() {
            self.find(name, "is not the URL of a web page", "it is ignored until the server's operator corrects it");
        }
        Ok(url)
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> Result<bool, MetadataError> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.error(name, "is not true or false")),
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, MetadataError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|values| values.iter().map(|value| value.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| self.error(name, LIST))
    }

    pub(super) fn list_or(&mut self, name: &str, default: &[&str]) -> Result<Vec<String>, MetadataError> {
        let list = self.list(name)?;
        Ok(list.unwrap_or_else(|| default.iter().copied().map(str::to_owned).collect()))
    }

    /// A list of registered values. Others are reported and kept.
    pub(super) fn list_of(&mut self, name: &str, known: &[&str]) -> Result<Option<Vec<String>>, MetadataError> {
        let list = self.list(name)?;
        if let Some(unknown) = list.iter().flatten().find(|value| !known.contains(&value.as_str())) {
            let problem = format!("has `{}`, which is not registered", shown(unknown));
            self.find(name, problem, format!("it may list {}", known.join(", ")));
        }
        Ok(list)
    }

    /// A list of registered values with a default.
    pub(super) fn list_of_or(&mut self, name: &str, known: &[&str], default: &str) -> Result<Vec<String>, MetadataError> {
        let list = self.list_of(name, known)?;
        Ok(list.unwrap_or_else(|| vec![default.to_owned()]))
    }

    /// A list of language tags. Malformed ones are reported and kept.
    pub(super) fn locales(&mut self, name: &str) -> Result<Option<Vec<String>>, MetadataError> {
        let list = self.list(name)?;
        if let Some(wrong) = list.iter().flatten().find(|tag| !language::is_well_formed(tag)) {
            let problem = format!("has `{}`, which is no language tag of BCP 47", shown(wrong));
            self.find(name, problem, "a tag is written like `de`, `pt-BR` or `zh-Hans-CN`");
        }
        Ok(list)
    }

    /// The algorithms of id tokens. An unsigned token is never accepted, so `none` is left out.
    pub(super) fn signing_algorithms(&mut self, name: &str) -> Result<Option<Vec<String>>, MetadataError> {
        let list = self.list(name)?;
        Ok(list.map(|list| list.into_iter().filter(|algorithm| !is_none(algorithm)).collect()))
    }

    /// The algorithms of a client's assertions, which `none` must not be one of (RFC 8414 section 2).
    pub(super) fn assertion_algorithms(&mut self, name: &str) -> Result<Option<Vec<String>>, MetadataError> {
        let list = self.list(name)?;
        if list.iter().flatten().any(|algorithm| is_none(algorithm)) {
            return Err(self.error(name, "has `none`: anyone could sign in as any client"));
        }
        Ok(list)
    }

    pub(super) fn aliases(&mut self, name: &str) -> Result<MtlsEndpointAliases, MetadataError> {
        let Some(value) = self.get(name) else { return Ok(MtlsEndpointAliases::default()) };
        let document = value.as_object().ok_or_else(|| self.error(name, "is not an object"))?;
        let mut members = Members { within: "mtls_endpoint_aliases.", ..Members::new(document, self.issuer) };
        let aliases = MtlsEndpointAliases::read(&mut members)?;
        self.findings.append(&mut members.findings);
        Ok(aliases)
    }

    fn text(&mut self, name: &str) -> Result<Option<&'a str>, MetadataError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.error(name, "is not a string"))
    }

    /// The value of a member; `null` is none.
    fn get(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.document.get(name)?;
        if value.is_null() {
            self.find(name, "is null", "a member without a value should be left out");
            return None;
        }
        Some(value)
    }

    fn error(&self, name: &str, problem: &'static str) -> MetadataError {
        MetadataError::of(&format!("{}{name}", self.within), problem, CORRECT)
    }

    fn find(&mut self, name: &str, problem: impl Into<Cow<'static, str>>, hint: impl Into<Cow<'static, str>>) {
        self.findings.push(MetadataError::of(&format!("{}{name}", self.within), problem, hint));
    }
}

fn is_none(algorithm: &str) -> bool {
    algorithm.eq_ignore_ascii_case("none")
}
