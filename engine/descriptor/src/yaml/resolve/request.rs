//! The request shape that every phase shares.

use super::registry;
use super::scope::Scope;
use super::sources::Sources;
use crate::Str;
use crate::model::{Authentication, AuthenticationMethod, Encoding, Method, Parameter, Request, Template};
use crate::yaml::lint;
use crate::yaml::node::Entry;
use crate::yaml::section::{self, Section};

/// The keys of a request.
pub(super) const KEYS: &[&str] = &["method", "encoding", "authentication", "names", "parameters", "headers"];

/// What a section's request is built upon.
#[derive(Clone, Debug)]
pub(super) struct Shape<'a> {
    /// Inherited, every default filled in.
    pub(super) base: Request,
    pub(super) sources: &'a Sources,
    /// The client's methods, the default first.
    pub(super) methods: &'a [AuthenticationMethod],
    /// Parameters that the engine sends besides the client's own, and their value where it is fixed.
    pub(super) sends: &'a [(&'a str, Option<&'a str>)],
}

/// A request without any deviation.
pub(super) fn standard(method: Method, authentication: Authentication, names: &[(Str, Str)]) -> Request {
    Request {
        url: None,
        method,
        encoding: Encoding::Form,
        authentication,
        names: names.to_vec().into(),
        parameters: Vec::new().into(),
        headers: Vec::new().into(),
    }
}

/// A request that inherits what grants share: everything but URL and parameters.
pub(super) fn inherited(token: &Request) -> Request {
    Request { url: None, parameters: Vec::new().into(), ..token.clone() }
}

impl Scope<'_> {
    /// Reads the request of a section.
    pub(super) fn request(&self, section: &Section<'_>, shape: &Shape<'_>) -> Request {
        let base = &shape.base;
        let method = section.choice("method", &METHODS, base.method);
        if method == Method::Get && section.has("encoding") {
            self.report.push(lint::encoding_with_get::finding(section.span_of("encoding"), &section.path));
        }
        let encoding = match method {
            Method::Get => section.chosen("encoding", &ENCODINGS).unwrap_or(base.encoding),
            _ => section.choice("encoding", &ENCODINGS, base.encoding),
        };
        let authentication = self.authentication(section, base.authentication, shape.methods);
        let client = client_parameters(authentication, shape.methods);
        self.report_conflicts(section);
        Request {
            url: base.url.clone(),
            method,
            encoding,
            authentication,
            names: self.names(section, &base.names, registry::REQUEST).into(),
            parameters: self.parameters(section, &base.parameters, &[shape.sends, &client].concat(), shape.sources).into(),
            headers: self.headers(section, &base.headers, shape.sources).into(),
        }
    }

    fn authentication(&self, section: &Section<'_>, base: Authentication, methods: &[AuthenticationMethod]) -> Authentication {
        let Some(word) = section.text("authentication") else { return base };
        let path = section.at("authentication");
        let span = section.span_of("authentication");
        let authentication = match word {
            "none" => Authentication::None,
            "access_token" => Authentication::AccessToken,
            _ => match self.method(&path, span, word, &["access_token"]) {
                Some(method) => Authentication::Method(method),
                None => return base,
            },
        };
        let is_clients =
            base == Authentication::Client && matches!(methods, [only] if authentication == Authentication::Method(*only));
        if authentication == base || is_clients {
            section.report_restated("authentication");
        }
        authentication
    }

    /// Merges renamed parameters over inherited ones.
    pub(super) fn names(&self, section: &Section<'_>, base: &[(Str, Str)], registry: &[&str]) -> Vec<(Str, Str)> {
        let mut names = base.to_vec();
        let path = section.at("names");
        for Entry { key, span, value, .. } in section.entries_of("names") {
            if !registry.contains(&key.as_str()) {
                self.report.push(lint::unregistered_name::finding(*span, &path, key, registry));
            }
            if value.is_null() {
                self.report.push(lint::null_name::finding(*span, &section.path, key));
                continue;
            }
            let at = format!("{path}.{key}");
            let Some(name) = section::text(self.report, &at, value) else { continue };
            let known = names.iter().position(|(left, _)| left == key);
            let before = known.and_then(|index| names.get(index)).map_or(key.as_str(), |(_, right)| right);
            if before == name {
                self.report.push(lint::restated_default::finding(*span, &at, "it is called so anyway"));
            }
            put(&mut names, known, (key.clone().into(), name.to_owned().into()));
        }
        names.retain(|(left, right)| left != right);
        names
    }

    /// Merges set and dropped parameters over inherited ones, each in its place.
    pub(super) fn parameters(
        &self,
        section: &Section<'_>,
        base: &[Parameter],
        sends: &[(&str, Option<&str>)],
        sources: &Sources,
    ) -> Vec<Parameter> {
        let mut parameters = base.to_vec();
        for Entry { key, span, value: node, .. } in section.entries_of("parameters") {
            let path = format!("{}.{key}", section.at("parameters"));
            let value = match node.is_null() {
                true => None,
                false => match self.template_at(&path, node, sources) {
                    Some(template) => Some(template),
                    None => continue,
                },
            };
            let known = parameters.iter().position(|parameter| parameter.name == *key);
            let sent = sends.iter().find(|(name, _)| name == key);
            let restated = match known.and_then(|index| parameters.get(index)) {
                Some(before) => (before.value == value).then_some("it is inherited"),
                None if value.is_none() => sent.is_none().then_some("it is not sent anyway"),
                None => sent.is_some_and(|(_, fixed)| fixed.is_some() && *fixed == node.text()).then_some("it is sent anyway"),
            };
            if let Some(why) = restated {
                self.report.push(lint::restated_default::finding(*span, &path, why));
            }
            put(&mut parameters, known, Parameter { name: key.clone().into(), value });
        }
        parameters
    }

    /// Merges headers over inherited ones, by their names in any case.
    pub(super) fn headers(&self, section: &Section<'_>, base: &[(Str, Template)], sources: &Sources) -> Vec<(Str, Template)> {
        let mut headers = base.to_vec();
        for Entry { key, span, value: node, .. } in section.entries_of("headers") {
            let path = format!("{}.{key}", section.at("headers"));
            if !is_token(key) || node.text().is_some_and(|text| text.contains(|c: char| c.is_control())) {
                self.report.push(lint::invalid_header::finding(*span, key));
                continue;
            }
            let Some(template) = self.template_at(&path, node, sources) else { continue };
            let known = headers.iter().position(|(name, _)| name.eq_ignore_ascii_case(key));
            let why = match known.and_then(|index| headers.get(index)) {
                Some((_, before)) => (*before == template).then_some("it is inherited"),
                None => {
                    (key.eq_ignore_ascii_case("accept") && node.text() == Some("application/json")).then_some("it is sent anyway")
                }
            };
            if let Some(why) = why {
                self.report.push(lint::restated_default::finding(*span, &path, why));
            }
            put(&mut headers, known, (key.clone().into(), template));
        }
        headers
    }

    /// A key stands in `names` or in `parameters`, looking at one section as written.
    pub(super) fn report_conflicts(&self, section: &Section<'_>) {
        let parameters = section.entry("parameters").map_or(&[][..], |entry| entry.value.entries());
        let names = section.entry("names").map_or(&[][..], |entry| entry.value.entries());
        for parameter in parameters.iter().filter(|parameter| names.iter().any(|name| name.key == parameter.key)) {
            let why = format!("`{}` is in `names` and in `parameters`", parameter.key);
            self.report.push(lint::conflicting_keys::finding(parameter.span, &section.path, &why));
        }
    }
}

const METHODS: [(&str, Method); 5] =
    [("GET", Method::Get), ("POST", Method::Post), ("PUT", Method::Put), ("PATCH", Method::Patch), ("DELETE", Method::Delete)];

const ENCODINGS: [(&str, Encoding); 3] = [("form", Encoding::Form), ("json", Encoding::Json), ("query", Encoding::Query)];

/// The parameters that authenticate the client. Fixed are those that are sent whatever method the caller chooses.
fn client_parameters(
    authentication: Authentication,
    methods: &[AuthenticationMethod],
) -> Vec<(&'static str, Option<&'static str>)> {
    let one;
    let methods = match authentication {
        Authentication::Client => methods,
        Authentication::Method(method) => {
            one = [method];
            &one
        }
        Authentication::AccessToken | Authentication::None => &[],
    };
    let sends: [(&str, &str, Sends); 4] = [
        ("client_id", "{client_id}", |method| method != AuthenticationMethod::ClientSecretBasic),
        ("client_secret", "{client_secret}", |method| method == AuthenticationMethod::ClientSecretPost),
        ("client_assertion", "{assertion}", is_assertion),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", is_assertion),
    ];
    let sent = sends.into_iter().filter(|(.., does)| methods.iter().any(|method| does(*method)));
    sent.map(|(name, value, does)| (name, methods.iter().all(|method| does(*method)).then_some(value))).collect()
}

type Sends = fn(AuthenticationMethod) -> bool;

fn is_assertion(method: AuthenticationMethod) -> bool {
    matches!(method, AuthenticationMethod::ClientSecretJwt | AuthenticationMethod::PrivateKeyJwt)
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// Replaces an element in its place, or appends it.
pub(super) fn put<T>(list: &mut Vec<T>, index: Option<usize>, element: T) {
    match index.and_then(|index| list.get_mut(index)) {
        Some(slot) => *slot = element,
        None => list.push(element),
    }
}
