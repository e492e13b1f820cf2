//! Tree -> model: every section is read, its defaults and what it inherits are filled in, and whatever does not fit is reported.

mod authorization;
mod client_authentication;
mod endpoints;
mod openid;
mod path;
mod pattern;
mod registry;
mod request;
mod requests;
mod response;
mod scope;
mod service_accounts;
mod sources;
mod template;
mod token;
mod unsupported;
mod url;
mod userinfo;
mod variables;

use self::registry::Members;
use self::request::Shape;
use self::scope::Scope;
use self::sources::Sources;
use self::url::Kind;
use super::cells;
use super::diagnostic::Finding;
use super::lint;
use super::node::{Content, Node};
use super::section::{self, Report, Section, item_path, items};
use crate::model::{Authentication, AuthenticationMethod, Grant, Hook, Method, Model, Phase, Request, Response};
use crate::{Status, Str};

/// The sections of a descriptor.
const SECTIONS: [&str; 27] = [
    "name",
    "documentation",
    "status",
    "variables",
    "endpoints",
    "discovery",
    "grant_types_supported",
    "client_authentication",
    "scopes",
    "authorization",
    "callback",
    "token",
    "refresh",
    "client_credentials",
    "password",
    "device_authorization",
    "exchange",
    "requests",
    "userinfo",
    "openid",
    "revocation",
    "introspection",
    "service_accounts",
    "digests",
    "names",
    "response",
    "hooks",
];

/// Where a tree comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A file, which others read.
    File,
    /// [`crate::Builder`]: needs no documentation.
    Builder,
}

/// The model of a tree, complete even where findings say that it is not to be trusted, and the findings. There is none for what is
/// no mapping at all.
pub(super) fn resolve(node: &Node, id: &str, origin: Origin) -> (Option<Model>, Vec<Finding>) {
    let report = Report::default();
    if !lint::invalid_id::is_valid(id) {
        report.push(lint::invalid_id::finding(id));
    }
    let model = match node.content {
        Content::Mapping(_) => Some(model(&report, node, id, origin)),
        _ => {
            section::report_type(&report, "the document", node, "a mapping");
            None
        }
    };
    (model, report.into_findings())
}

fn model(report: &Report, node: &Node, id: &str, origin: Origin) -> Model {
    let root = Section::root(report, node, &SECTIONS);
    let mut scope = Scope::new(&root, variables::variables(&root), endpoints::stated(&root));
    variables::learned(&mut scope, &root);
    variables::digests(&mut scope, &root);
    if origin == Origin::File && !root.has("documentation") {
        root.report_missing("documentation");
    }
    let model = scope.model(&root, id, node);
    scope.report_unused();
    model
}

impl Scope<'_> {
    fn model(&self, root: &Section<'_>, id: &str, node: &Node) -> Model {
        let client_authentication = self.client_authentication(root);
        let shared = self.shared(root, &client_authentication.methods);
        let grants = self.grants(root);
        let token = self.token(root, &shared);
        Model {
            id: id.to_owned().into(),
            name: root.required_text("name").to_owned().into(),
            documentation: self.documentation(root),
            status: self.status(root),
            variables: self.variables.iter().map(|variable| variable.value.clone()).collect(),
            digests: self.digests.iter().map(|digest| digest.value.clone()).collect(),
            endpoints: self.endpoints(root),
            discovery: self.url(root, "discovery", &sources::STATIC_URL, Kind::Request),
            scopes: self.scopes(root),
            authorization: self.authorization(root, &shared.names),
            callback: self.callback(root),
            refresh: self.refresh(root, &shared, &token, grants.contains(&Grant::RefreshToken)),
            client_credentials: self.client_credentials(root, &shared, &token),
            password: self.password(root, &shared, &token),
            device_authorization: self.device_authorization(root, &shared, &token),
            exchange: self.exchange(root, &shared, &token, &grants),
            requests: self.requests(root),
            userinfo: self.userinfo(root, &shared),
            openid: self.openid(root),
            revocation: self.token_management(root, "revocation", &shared, Members::Errors),
            introspection: self.token_management(root, "introspection", &shared, Members::Introspection),
            service_accounts: self.service_accounts(root, &shared).into(),
            hooks: self.hooks(root).into(),
            deviations: cells::deviations(node).into(),
            grants: grants.into(),
            client_authentication: client_authentication.clone(),
            token,
        }
    }

    fn documentation(&self, root: &Section<'_>) -> Str {
        if !root.has("documentation") {
            return Str::default();
        }
        let text = root.required_text("documentation");
        if !text.is_empty() {
            let span = root.entry("documentation").and_then(|entry| entry.value.span);
            self.check_url("documentation", span, &template::literal(text), Kind::Browser);
        }
        text.to_owned().into()
    }

    fn status(&self, root: &Section<'_>) -> Status {
        let section = root.section("status", &[&["retired", "deprecated"]]);
        let reason = |key| section.has(key).then(|| Str::from(section.required_text(key).to_owned()));
        match (reason("retired"), reason("deprecated")) {
            (None, None) => Status::Active,
            (None, Some(reason)) => Status::Deprecated(reason),
            (Some(reason), None) => Status::Retired(reason),
            (Some(reason), Some(_)) => {
                let why = "a retired provider is not deprecated too";
                self.report.push(lint::conflicting_keys::finding(section.span_of("deprecated"), "status", why));
                Status::Retired(reason)
            }
        }
    }

    fn hooks(&self, root: &Section<'_>) -> Vec<Hook> {
        let Some(entry) = root.entry("hooks") else { return Vec::new() };
        let options = Hook::ALL.map(|hook| (hook.as_str(), hook));
        items(&entry.value)
            .filter_map(|(index, node)| {
                let path = item_path("hooks", index);
                let word = section::text(self.report, &path, node)?;
                section::choose(self.report, &path, node.span, word, &options)
            })
            .collect()
    }

    /// `revocation` or `introspection`.
    fn token_management(&self, root: &Section<'_>, key: &str, shared: &Shared<'_>, members: Members) -> Phase {
        let section = root.section(key, &[request::KEYS, &["response"]]);
        let base = request::standard(Method::Post, Authentication::Client, &shared.names);
        let sends = [("token", Some("{token}")), ("token_type_hint", None)];
        Phase {
            request: self.request(&section, &shared.shape(base, &sources::TOKEN_MANAGEMENT, &sends)),
            response: self.response(&section, &shared.response, members),
        }
    }

    fn shared<'m>(&self, root: &Section<'_>, methods: &'m [AuthenticationMethod]) -> Shared<'m> {
        let registry = [registry::AUTHORIZATION, registry::REQUEST].concat();
        Shared {
            methods,
            names: self.names(root, &[], &registry),
            response: self.response(root, &response::standard(), Members::Any),
        }
    }
}

/// What every section starts from.
struct Shared<'a> {
    methods: &'a [AuthenticationMethod],
    /// Provider-wide `names`.
    names: Vec<(Str, Str)>,
    /// Provider-wide `response`.
    response: Response,
}

impl Shared<'_> {
    fn shape<'a>(&'a self, base: Request, sources: &'a Sources, sends: &'a [(&'a str, Option<&'a str>)]) -> Shape<'a> {
        Shape { base, sources, methods: self.methods, sends }
    }
}
