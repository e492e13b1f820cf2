//! URL templates: where their variables stand, and whether every URL that they can make is sound.

use std::net::IpAddr;

use super::pattern;
use super::scope::Scope;
use super::sources::Sources;
use super::variables::MAX_VALUES;
use crate::model::{Part, Template, Value, Variable, VariableValue};
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::lint::loose_pattern::Place;
use crate::yaml::section::Section;

/// How a URL is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request goes there.
    Request,
    /// The browser goes there; a fragment may route inside the page.
    Browser,
    /// Scheme, host and port only.
    Origin,
}

impl Scope<'_> {
    /// The URL template under a key.
    pub(super) fn url(&self, section: &Section<'_>, key: &str, sources: &Sources, kind: Kind) -> Option<Template> {
        let template = self.template(section, key, sources)?;
        let span = section.entry(key).and_then(|entry| entry.value.span);
        self.check_url(&section.at(key), span, &template, kind);
        Some(template)
    }

    /// Reports what is wrong with a URL template.
    pub(super) fn check_url(&self, path: &str, span: Option<Span>, template: &Template, kind: Kind) {
        let mut written = String::new();
        for part in template.parts.iter() {
            match part {
                Part::Literal(text) => written.push_str(text),
                Part::Value(value) => {
                    if let Some(place) = place(&written) {
                        self.check_place(path, span, value, place);
                    }
                    written.push('x');
                }
            }
        }
        let problem = self.candidates(template).iter().find_map(|candidate| problem(candidate, kind));
        self.report.push(match problem {
            None => return,
            Some(Problem::Insecure(why)) => lint::insecure_url::finding(span, path, &why),
            Some(Problem::Invalid(why)) => lint::invalid_url::finding(span, path, &why),
        });
    }

    fn check_place(&self, path: &str, span: Option<Span>, value: &Value, place: Place) {
        match value {
            Value::VariableEntry(..) => {}
            Value::Variable(name) => {
                let why = match place {
                    Place::Origin => format!("`{path}` begins with it"),
                    Place::Host => format!("it stands in the host of `{path}`"),
                };
                self.require_binding(name, &why);
                self.check_pattern(name, place);
            }
            // The issuer's placeholders are bound by their own patterns, which the resolver of `openid` requires.
            Value::IdToken(_) => {}
            other => {
                let name = name_of(other);
                let why = "stands in a host, which only variables may";
                self.report.push(lint::unresolved_name::finding(
                    span,
                    path,
                    &name,
                    why,
                    "learn it into a variable with a `pattern`",
                ));
            }
        }
    }

    /// Reports, once, a variable that admits any text.
    pub(super) fn require_binding(&self, name: &str, why: &str) {
        let Some(variable) = self.variable(name) else { return };
        if variable.value.pattern.is_none()
            && variable.value.values.is_empty()
            && self.unbound.borrow_mut().insert(name.to_owned())
        {
            self.report.push(lint::unconstrained_variable::finding(variable.span, name, why));
        }
    }

    fn check_pattern(&self, name: &str, place: Place) {
        let Some(variable) = self.variable(name) else { return };
        if !self.unbound.borrow_mut().insert(format!("{name} {place:?}")) {
            return;
        }
        let regex = variable.value.pattern.as_ref().and_then(|pattern| pattern::anchored(pattern).ok());
        if let Some(probe) = regex.and_then(|regex| lint::loose_pattern::admitted(&regex, place)) {
            self.report.push(lint::loose_pattern::finding(variable.span, name, place, probe));
        }
    }

    /// Every URL that the descriptor itself can make: each variable in turn through its values and default.
    fn candidates(&self, template: &Template) -> Vec<String> {
        let options: Vec<Vec<String>> = template.parts.iter().map(|part| self.options(part)).collect();
        let most = options.iter().map(Vec::len).max().unwrap_or(0);
        (0..most.clamp(1, MAX_VALUES))
            .map(|turn| {
                let mut url = String::new();
                for choices in &options {
                    match choices.get(turn).or(choices.first()) {
                        Some(text) => url.push_str(text),
                        None => url.push_str(if url.is_empty() { "https://sample.example" } else { "sample" }),
                    }
                }
                url
            })
            .collect()
    }

    fn options(&self, part: &Part) -> Vec<String> {
        let value = match part {
            Part::Literal(text) => return vec![text.to_string()],
            Part::Value(value) => value,
        };
        match value {
            Value::Variable(name) => self.variable(name).map_or_else(Vec::new, |variable| texts(&variable.value, None)),
            Value::VariableEntry(name, entry) => {
                self.variable(name).map_or_else(Vec::new, |variable| texts(&variable.value, Some(entry)))
            }
            _ => Vec::new(),
        }
    }
}

/// What a variable can stand for, as far as the descriptor knows.
fn texts(variable: &Variable, entry: Option<&str>) -> Vec<String> {
    if variable.values.is_empty() {
        return variable.default.iter().map(ToString::to_string).collect();
    }
    let texts = variable.values.iter().filter_map(|(_, value)| match (value, entry) {
        (VariableValue::Text(text), None) => Some(text.to_string()),
        (VariableValue::Table(table), Some(entry)) => {
            table.iter().find(|(key, _)| key == entry).map(|(_, text)| text.to_string())
        }
        _ => None,
    });
    texts.collect()
}

/// Whether what follows this text of a URL stands in a dangerous place.
fn place(before: &str) -> Option<Place> {
    if before.is_empty() {
        return Some(Place::Origin);
    }
    let (_, authority) = before.split_once("://")?;
    (!authority.contains(['/', '?', '#'])).then_some(Place::Host)
}

enum Problem {
    Insecure(String),
    Invalid(String),
}

fn problem(candidate: &str, kind: Kind) -> Option<Problem> {
    let invalid = |why: &str| Some(Problem::Invalid(why.to_owned()));
    if candidate.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return invalid("it has a space, a backslash or a control character");
    }
    let url = match url::Url::parse(candidate) {
        Ok(url) => url,
        Err(error) => return Some(Problem::Invalid(error.to_string())),
    };
    if !url.username().is_empty() || url.password().is_some() || authority(candidate).contains('@') {
        return Some(Problem::Insecure("it has a user name or password".to_owned()));
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        (scheme, _) => return Some(Problem::Insecure(format!("its scheme is {scheme}"))),
    }
    if authority(candidate).is_empty() {
        return invalid("no host follows `://`");
    }
    if url.fragment().is_some() && kind != Kind::Browser {
        return invalid("a request has no fragment");
    }
    if kind == Kind::Origin && (url.path() != "/" || url.query().is_some() || candidate.ends_with('/')) {
        return invalid("an origin ends after its host");
    }
    None
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_loopback(host: &url::Host<&str>) -> bool {
    match host {
        url::Host::Domain(domain) => *domain == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => IpAddr::V6(*address).to_canonical().is_loopback(),
    }
}

/// The beginning of a value's name, for messages.
pub(super) fn name_of(value: &Value) -> String {
    match value {
        Value::Variable(name) | Value::VariableEntry(name, _) => name.to_string(),
        Value::Engine(engine) => engine.as_str().to_owned(),
        Value::Endpoint(endpoint) => endpoint.as_str().to_owned(),
        Value::Digest(name) => format!("digest.{name}"),
        Value::Token(_) => "token.".to_owned(),
        Value::Callback(_) => "callback.".to_owned(),
        Value::IdToken(_) => "id_token.".to_owned(),
        Value::AccessToken(_) => "access_token.".to_owned(),
        Value::Userinfo(_) => "userinfo.".to_owned(),
    }
}

/// The text up to the end of the origin of a URL template, names included.
pub(super) fn origin_text(template: &str) -> &str {
    let after_scheme = template.find("://").map_or(0, |scheme| scheme.saturating_add(3));
    let rest = template.get(after_scheme..).unwrap_or_default();
    let end = rest.find(['/', '?', '#']).map_or(template.len(), |end| end.saturating_add(after_scheme));
    template.get(..end).unwrap_or(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_variable() {
        assert_eq!(place(""), Some(Place::Origin));
        assert_eq!(place("https://"), Some(Place::Host));
        assert_eq!(place("https://api."), Some(Place::Host));
        assert_eq!(place("https://a.example/"), None);
        assert_eq!(place("https://a.example?x="), None);
    }

    #[test]
    fn origins_of_templates() {
        assert_eq!(origin_text("https://{shop}/admin/x"), "https://{shop}");
        assert_eq!(origin_text("{api}/"), "{api}");
        assert_eq!(origin_text("{api}"), "{api}");
        assert_eq!(origin_text("https://a.example"), "https://a.example");
    }
}
