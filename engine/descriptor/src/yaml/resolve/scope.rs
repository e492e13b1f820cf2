//! The names that templates resolve against, and which of them are used.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::path;
use super::sources::{Document, Need, Sources};
use crate::model::{Digest, Endpoint, EngineValue, Value, Variable, VariableValue};
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::section::{Report, Section};

pub(super) struct Scope<'a> {
    pub(super) report: &'a Report,
    /// Where variables and digests are declared, in the order of the model's lists.
    pub(super) variables: Vec<Declared<Variable>>,
    pub(super) digests: Vec<DeclaredDigest>,
    pub(super) stated: Vec<Endpoint>,
    pub(super) has_openid: bool,
    used: RefCell<BTreeSet<String>>,
    /// Variables whose binding was checked already, alone or with a place.
    pub(super) unbound: RefCell<BTreeSet<String>>,
}

pub(super) struct DeclaredDigest {
    pub(super) span: Option<Span>,
    pub(super) value: Digest,
    /// Everything that must exist where the digest is used.
    pub(super) needs: Vec<Need>,
    /// Whether it names another digest.
    pub(super) is_nested: bool,
}

/// Something that the descriptor names.
pub(super) struct Declared<T> {
    pub(super) span: Option<Span>,
    pub(super) value: T,
}

impl<'a> Scope<'a> {
    /// What can be known before any template is read.
    pub(super) fn new(root: &Section<'a>, variables: Vec<Declared<Variable>>, stated: Vec<Endpoint>) -> Self {
        Self {
            report: root.report,
            variables,
            digests: Vec::new(),
            stated,
            has_openid: root.has("openid"),
            used: RefCell::default(),
            unbound: RefCell::default(),
        }
    }

    /// Resolves a name in a template, or reports why it cannot stand there.
    pub(super) fn value(&self, path: &str, span: Option<Span>, name: &str, sources: &Sources) -> Option<Value> {
        match self.lookup(name).and_then(|value| self.available(&value, sources).map(|()| value)) {
            Ok(value) => Some(value),
            Err(Unresolved { why, help }) => {
                self.report.push(lint::unresolved_name::finding(span, path, name, &why, &help));
                None
            }
        }
    }

    /// Counts a variable as used; whether there is such a variable.
    pub(super) fn use_variable(&self, name: &str) -> bool {
        self.used.borrow_mut().insert(name.to_owned());
        self.variable(name).is_some()
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Declared<Variable>> {
        self.variables.iter().find(|variable| variable.value.name == name)
    }

    /// Reports the variables and digests that no template named.
    pub(super) fn report_unused(&self) {
        let used = self.used.borrow();
        for Declared { span, value } in self.variables.iter().filter(|variable| !used.contains(&*variable.value.name)) {
            self.report.push(lint::unused_variable::finding(*span, &value.name));
        }
        for DeclaredDigest { span, value, .. } in &self.digests {
            if !used.contains(&format!("digest.{}", value.name)) {
                self.report.push(lint::unused_digest::finding(*span, &value.name));
            }
        }
    }

    fn lookup(&self, name: &str) -> Result<Value, Unresolved> {
        if let Some(value) = EngineValue::ALL.into_iter().find(|value| value.as_str() == name) {
            return Ok(Value::Engine(value));
        }
        if let Some(endpoint) = Endpoint::ALL.into_iter().find(|endpoint| endpoint.as_str() == name) {
            return self.endpoint(endpoint);
        }
        let (head, rest) = match name.find(['.', '[']).and_then(|end| name.split_at_checked(end)) {
            Some((head, rest)) => (head, Some(rest.strip_prefix('.').unwrap_or(rest))),
            None => (name, None),
        };
        match (head, rest) {
            ("digest", Some(digest)) => self.digest(digest),
            (_, Some(rest)) if Document::ALL.iter().any(|document| document.as_str() == head) => self.member(head, rest),
            _ => self.variable_value(head, rest),
        }
    }

    fn endpoint(&self, endpoint: Endpoint) -> Result<Value, Unresolved> {
        if self.stated.contains(&endpoint) {
            Ok(Value::Endpoint(endpoint))
        } else {
            Err(Unresolved::new("names an endpoint that `endpoints` does not have", "state the endpoint"))
        }
    }

    fn digest(&self, name: &str) -> Result<Value, Unresolved> {
        if self.declared_digest(name).is_none() {
            return Err(Unresolved::new("names no digest", "declare it in `digests`, above a digest that uses it"));
        }
        self.used.borrow_mut().insert(format!("digest.{name}"));
        Ok(Value::Digest(name.to_owned().into()))
    }

    pub(super) fn declared_digest(&self, name: &str) -> Option<&DeclaredDigest> {
        self.digests.iter().find(|digest| digest.value.name == name)
    }

    /// A member of a document.
    pub(super) fn member(&self, document: &str, rest: &str) -> Result<Value, Unresolved> {
        let Some(document) = Document::ALL.into_iter().find(|candidate| candidate.as_str() == document) else {
            return Err(Unresolved::new("names no document", "begin with token, callback, id_token, access_token or userinfo"));
        };
        self.verifiable(document)?;
        let path =
            path::parse(rest).map_err(|why| Unresolved::new(&format!("is no path: {why}"), "write members between dots"))?;
        Ok(match document {
            Document::Token => Value::Token(path),
            Document::Callback => Value::Callback(path),
            Document::IdToken => Value::IdToken(path),
            Document::AccessToken => Value::AccessToken(path),
            Document::Userinfo => Value::Userinfo(path),
        })
    }

    /// Whether the descriptor says how a signed document is verified.
    pub(super) fn verifiable(&self, document: Document) -> Result<(), Unresolved> {
        match document {
            Document::IdToken if !self.has_openid => {
                Err(Unresolved::new("needs an id token, which only `openid` verifies", "add `openid` with its `issuer`"))
            }
            Document::AccessToken if !self.has_openid => Err(Unresolved::new(
                "needs a signed access token, which only `openid` verifies",
                "add `openid` with its `issuer`",
            )),
            Document::AccessToken if !self.stated.contains(&Endpoint::JwksUri) => {
                let why = "needs a signed access token, which only the provider's keys verify";
                Err(Unresolved::new(why, "state `endpoints.jwks_uri`"))
            }
            _ => Ok(()),
        }
    }

    fn variable_value(&self, head: &str, entry: Option<&str>) -> Result<Value, Unresolved> {
        let Some(variable) = self.variable(head) else {
            return Err(Unresolved::new("names nothing", "declare it in `variables`, or correct the name"));
        };
        self.use_variable(head);
        let table = variable.value.values.iter().find_map(|(_, value)| match value {
            VariableValue::Table(table) => Some(table),
            VariableValue::Text(_) => None,
        });
        match (entry, table) {
            (None, None) => Ok(Value::Variable(head.to_owned().into())),
            (Some(entry), Some(table)) if table.iter().any(|(key, _)| key == entry) => {
                Ok(Value::VariableEntry(head.to_owned().into(), entry.to_owned().into()))
            }
            (Some(_), Some(table)) => {
                let keys: Vec<&str> = table.iter().map(|(key, _)| key.as_ref()).collect();
                Err(Unresolved::new("names no entry of the variable's values", &format!("entries: {}", keys.join(", "))))
            }
            (None, Some(_)) => {
                Err(Unresolved::new("stands for a table", &format!("name one of its entries: `{{{head}.entry}}`")))
            }
            (Some(_), None) => {
                Err(Unresolved::new("names an entry of a variable that has no value tables", "name the variable alone"))
            }
        }
    }

    /// Whether a value exists at a point of the protocol. A digest exists where everything that it is made from does.
    pub(super) fn available(&self, value: &Value, sources: &Sources) -> Result<(), Unresolved> {
        if let Value::Digest(name) = value {
            let mut needs = self.declared_digest(name).into_iter().flat_map(|digest| &digest.needs);
            if needs.any(|need| !sources.offers(*need)) {
                let why = format!("is made from a value that is not available in {}", sources.place);
                return Err(Unresolved { why, help: "use the digest where its values exist".to_owned() });
            }
        }
        match Need::of(value) {
            Some(need) if !sources.offers(need) => Err(unavailable(sources)),
            _ => Ok(()),
        }
    }
}

/// Why a name cannot stand where it does.
pub(super) struct Unresolved {
    pub(super) why: String,
    pub(super) help: String,
}

impl Unresolved {
    pub(super) fn new(why: &str, help: &str) -> Self {
        Self { why: why.to_owned(), help: help.to_owned() }
    }
}

fn unavailable(sources: &Sources) -> Unresolved {
    let engine = sources.engine.iter().map(|value| value.as_str().to_owned());
    let documents = sources.documents.iter().map(|document| format!("{}.*", document.as_str()));
    let names: Vec<String> = engine.chain(documents).collect();
    Unresolved {
        why: format!("is not available in {}", sources.place),
        help: format!("available: variables, {}", names.join(", ")),
    }
}
