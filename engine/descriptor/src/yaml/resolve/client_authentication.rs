//! `client_authentication` and the assertions that clients sign.

use super::registry::ALGORITHMS;
use super::scope::Scope;
use super::sources;
use super::template::literal;
use crate::Str;
use crate::model::{
    Assertion, AuthenticationMethod, BasicEncoding, ClaimValue, ClientAuthentication, Endpoint, EngineValue, KeyEncoding, Part,
    Template, Value,
};
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::node::{Entry, Node};
use crate::yaml::section::{self, Section, item_path, items};

const KEYS: [&str; 6] = ["method", "methods", "encoding", "username", "password", "assertion"];
const ASSERTION: [&str; 7] = ["alg", "lifetime", "backdate", "header", "claims", "key", "key_encoding"];

impl Scope<'_> {
    pub(super) fn client_authentication(&self, root: &Section<'_>) -> ClientAuthentication {
        let section = root.section("client_authentication", &[&KEYS]);
        let methods = self.methods(&section);
        let is_needed = self.stated.contains(&Endpoint::Token) && !root.has("discovery");
        if is_needed && !section.has("method") && !section.has("methods") {
            let span = if section.present { section.span } else { root.span_of("endpoints") };
            self.report.push(lint::missing_client_authentication::finding(span));
        }
        let encodings = [("form", BasicEncoding::Form), ("raw", BasicEncoding::Raw)];
        ClientAuthentication {
            methods: methods.into(),
            encoding: section.choice("encoding", &encodings, BasicEncoding::Form),
            username: self.half(&section, "username", EngineValue::ClientId),
            password: self.half(&section, "password", EngineValue::ClientSecret),
            assertion: section.has("assertion").then(|| self.assertion(&section)),
        }
    }

    fn methods(&self, section: &Section<'_>) -> Vec<AuthenticationMethod> {
        if section.has("method") && section.has("methods") {
            let why = "`method` is one method, `methods` are several";
            self.report.push(lint::conflicting_keys::finding(section.span_of("methods"), &section.path, why));
        }
        let mut methods = Vec::new();
        for key in ["method", "methods"] {
            let Some(Entry { value, .. }) = section.entry(key) else { continue };
            for (index, node) in items(value) {
                let path = item_path(&section.at(key), index);
                let Some(word) = section::text(self.report, &path, node) else { continue };
                if let Some(method) = self.method(&path, node.span.or(section.span_of(key)), word, &["none"]) {
                    methods.push(method);
                }
            }
        }
        methods
    }

    /// A registered method; `also` are words that the place admits besides.
    pub(super) fn method(&self, path: &str, span: Option<Span>, word: &str, also: &[&str]) -> Option<AuthenticationMethod> {
        let method = AuthenticationMethod::ALL.into_iter().find(|method| method.as_str() == word);
        match method {
            None => {
                let mut known: Vec<&str> = AuthenticationMethod::ALL.iter().map(|method| method.as_str()).collect();
                known.extend(also.iter().filter(|word| **word != "none"));
                self.report.push(lint::unregistered_method::finding(span, path, word, &known));
            }
            Some(method) if !is_supported(method) => self.report_unsupported(span, &format!("`{path}: {word}`")),
            Some(_) => {}
        }
        method
    }

    /// User name or password of HTTP Basic.
    fn half(&self, section: &Section<'_>, key: &str, standard: EngineValue) -> Template {
        let standard = Template { parts: vec![Part::Value(Value::Engine(standard))].into() };
        let Some(template) = self.template(section, key, &sources::BASIC) else { return standard };
        if template == standard {
            section.report_restated(key);
        }
        template
    }

    /// Reads the `assertion` of a section.
    pub(super) fn assertion(&self, parent: &Section<'_>) -> Assertion {
        let section = parent.section("assertion", &[&ASSERTION]);
        let algorithms = ALGORITHMS.map(|name| (name, name));
        for key in ["alg", "lifetime"].into_iter().filter(|key| !section.has(key)) {
            section.report_missing(key);
        }
        if section.has("key_encoding") && !section.has("key") {
            let why = "`key_encoding` belongs to `key`";
            self.report.push(lint::conflicting_keys::finding(section.span_of("key_encoding"), &section.path, why));
        }
        let encodings = [("text", KeyEncoding::Text), ("hex", KeyEncoding::Hex)];
        Assertion {
            alg: section.chosen("alg", &algorithms).unwrap_or_default().into(),
            lifetime: section.whole("lifetime").unwrap_or_default(),
            backdate: section.whole("backdate").unwrap_or_default(),
            header: self.templates(&section, "header", &sources::ASSERTION).into(),
            claims: self.claim_values(&section).into(),
            key: self.template(&section, "key", &sources::ASSERTION_KEY),
            key_encoding: section.choice("key_encoding", &encodings, KeyEncoding::Text),
        }
    }

    /// The claims of an assertion.
    fn claim_values(&self, section: &Section<'_>) -> Vec<(Str, ClaimValue)> {
        let at = section.at("claims");
        let entries = section.entries_of("claims").iter();
        entries.map(|Entry { key, value, .. }| (key.clone().into(), self.claim_value(&format!("{at}.{key}"), value))).collect()
    }

    /// A template, several of them, or a whole number.
    fn claim_value(&self, at: &str, node: &Node) -> ClaimValue {
        let template = |at: &str, node: &Node| self.template_at(at, node, &sources::ASSERTION).unwrap_or_else(|| literal(""));
        if let Some(number) = section::number(node) {
            return ClaimValue::Number(number);
        }
        match node.is_list() {
            true => {
                let texts = items(node).map(|(index, item)| template(&item_path(at, index), item));
                ClaimValue::List(texts.collect::<Vec<_>>().into())
            }
            false => ClaimValue::Text(template(at, node)),
        }
    }

    /// A mapping from free names to templates.
    pub(super) fn templates(&self, section: &Section<'_>, key: &str, sources: &sources::Sources) -> Vec<(Str, Template)> {
        let at = section.at(key);
        let entries = section.entries_of(key).iter();
        entries
            .map(|Entry { key, value, .. }| {
                let template = self.template_at(&format!("{at}.{key}"), value, sources);
                (key.clone().into(), template.unwrap_or_else(|| literal("")))
            })
            .collect()
    }
}

const fn is_supported(method: AuthenticationMethod) -> bool {
    !matches!(method, AuthenticationMethod::TlsClientAuth | AuthenticationMethod::SelfSignedTlsClientAuth)
}
