//! Cells: what a descriptor writes that departs from the standard, and the section that it departs from. Everything else that
//! it writes is a fact.

use super::node::{Content, Node};
use crate::Deviation;

/// One authored cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Keys from the document down; a list's elements are named by their index.
    pub path: Vec<String>,
    /// The scalar that stands there.
    pub value: String,
    /// The section of the standard that it departs from.
    pub standard: &'static str,
}

/// Every cell in document order: a mapping is one a key, a list one an element.
pub fn cells(node: &Node) -> Vec<Cell> {
    let mut cells = Vec::new();
    walk(node, &mut Vec::new(), &mut cells);
    cells
}

/// The cells, but for the mandatory method where it is the standard's own.
pub(super) fn deviations(node: &Node) -> Vec<Deviation> {
    cells(node)
        .into_iter()
        .filter(|cell| !(matches(&cell.path, "client_authentication.method") && cell.value == "client_secret_basic"))
        .map(|cell| Deviation { path: cell.path.join(".").into(), value: cell.value.into(), standard: cell.standard.into() })
        .collect()
}

fn walk(node: &Node, path: &mut Vec<String>, cells: &mut Vec<Cell>) {
    if FACTS.iter().any(|fact| matches(path, fact)) {
        return;
    }
    // A named thing that is one cell besides its other keys: its value is that of the key that names its place.
    let folded = FOLDED.iter().find(|(pattern, _)| matches(path, pattern)).map(|(_, key)| *key);
    if let Some(value) = folded.and_then(|key| node.get(&[key])).and_then(Node::text) {
        cells.push(cell(path, value));
    }
    match &node.content {
        Content::Scalar { text, .. } => cells.push(cell(path, text)),
        Content::List(items) => {
            for (index, item) in items.iter().enumerate() {
                step(index.to_string(), item, path, cells);
            }
        }
        Content::Mapping(entries) => {
            for entry in entries.iter().filter(|entry| folded != Some(entry.key.as_str())) {
                step(entry.key.clone(), &entry.value, path, cells);
            }
        }
        Content::Reported => {}
    }
}

fn step(key: String, node: &Node, path: &mut Vec<String>, cells: &mut Vec<Cell>) {
    path.push(key);
    walk(node, path, cells);
    path.pop();
}

fn cell(path: &[String], value: &str) -> Cell {
    let standard =
        STANDARDS.iter().find(|(pattern, _)| starts_with(path, pattern)).map_or(DEFAULT_STANDARD, |(_, section)| *section);
    Cell { path: path.to_vec(), value: value.to_owned(), standard }
}

/// Whether a path is exactly a pattern, in which `*` stands for any one key.
fn matches(path: &[String], pattern: &str) -> bool {
    pattern.split('.').count() == path.len() && starts_with(path, pattern)
}

/// Whether a path is a pattern or stands below it.
fn starts_with(path: &[String], pattern: &str) -> bool {
    let mut keys = path.iter();
    pattern.split('.').all(|step| keys.next().is_some_and(|key| step == "*" || step == key))
}

/// Facts about the provider, not departures from a standard.
const FACTS: [&str; 21] = [
    "name",
    "documentation",
    "status",
    "variables",
    "endpoints",
    "discovery",
    "grant_types_supported",
    "client_authentication.assertion.lifetime",
    "scopes.default",
    "scopes.known",
    "refresh.url",
    "exchange.url",
    "requests.base_url",
    "requests.api_origins",
    "openid.issuer",
    "openid.issuer_claims.*.pattern",
    "service_accounts.*.url",
    "service_accounts.*.key_file",
    "service_accounts.*.assertion.lifetime",
    "digests",
    "hooks",
];

const FOLDED: [(&str, &str); 2] = [("userinfo.additional.*", "url"), ("openid.issuer_claims.*", "claim")];

const DEFAULT_STANDARD: &str = "RFC 6749";

/// The first pattern that a path begins with says what is departed from.
const STANDARDS: &[(&str, &str)] = &[
    ("client_authentication.assertion", "RFC 7523 section 3"),
    ("client_authentication", "RFC 6749 section 2.3.1"),
    ("scopes.separator", "RFC 6749 section 3.3"),
    ("authorization.code_challenge_method", "RFC 7636 section 4.3"),
    ("authorization.iss_parameter", "RFC 9207 section 2"),
    ("authorization.fragment", "RFC 6749 section 3.1"),
    ("authorization.parameters.response_mode", "OAuth 2.0 Multiple Response Types section 2.1"),
    ("authorization", "RFC 6749 section 4.1.1"),
    ("callback.names.error", "RFC 6749 section 4.1.2.1"),
    ("callback.names.error_description", "RFC 6749 section 4.1.2.1"),
    ("callback.names.error_uri", "RFC 6749 section 4.1.2.1"),
    ("callback.access_denied", "RFC 6749 section 4.1.2.1"),
    ("callback", "RFC 6749 section 4.1.2"),
    ("token.authentication", "RFC 6749 section 2.3.1"),
    ("token.method", "RFC 6749 section 3.2"),
    ("token.lifetime", "RFC 6749 section 5.1"),
    ("token.response.names.error", "RFC 6749 section 5.2"),
    ("token.response.names.error_description", "RFC 6749 section 5.2"),
    ("token.response.names.error_uri", "RFC 6749 section 5.2"),
    ("token.response.success", "RFC 6749 section 5.2"),
    ("token.response", "RFC 6749 section 5.1"),
    ("token", "RFC 6749 section 4.1.3"),
    ("refresh.authentication", "RFC 6749 section 2.3.1"),
    ("refresh.rotation", "RFC 6749 section 10.4"),
    ("refresh.replay", "RFC 6749 section 10.4"),
    ("refresh.invalid_grant", "RFC 6749 section 5.2"),
    ("refresh", "RFC 6749 section 6"),
    ("client_credentials", "RFC 6749 section 4.4"),
    ("password", "RFC 6749 section 4.3"),
    ("device_authorization.token", "RFC 8628 section 3.4"),
    ("device_authorization.response", "RFC 8628 section 3.2"),
    ("device_authorization", "RFC 8628 section 3.1"),
    ("exchange", "RFC 6749 section 5.1"),
    ("requests.access_token.in", "RFC 6750 section 2"),
    ("requests.access_token", "RFC 6750 section 2.1"),
    ("requests", "RFC 6749 section 7"),
    ("userinfo.claims", "OpenID Connect Core section 5.1"),
    ("userinfo.response", "OpenID Connect Core section 5.3.2"),
    ("userinfo", "OpenID Connect Core section 5.3"),
    ("openid.issuer_aliases", "OpenID Connect Core section 3.1.3.7"),
    ("openid.at_hash", "OpenID Connect Core section 3.1.3.8"),
    ("openid", "OpenID Connect Core section 3.1.3.7"),
    ("revocation", "RFC 7009 section 2.1"),
    ("introspection.response", "RFC 7662 section 2.2"),
    ("introspection", "RFC 7662 section 2.1"),
    ("service_accounts", "RFC 7523 section 2.1"),
    ("names", "RFC 6749 section 4.1"),
    ("response.names.error", "RFC 6749 section 5.2"),
    ("response.names.error_description", "RFC 6749 section 5.2"),
    ("response.success", "RFC 6749 section 5.2"),
    ("response", "RFC 6749 section 5.1"),
];
