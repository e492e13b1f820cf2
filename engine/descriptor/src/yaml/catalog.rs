//! What holds for the catalog only.

use super::diagnostic::Finding;
use super::lint;
use super::node::{Content, Node};
use crate::model::Endpoint;

/// A client of the catalog is ready without I/O, and its provider serves on the standard port.
pub(super) fn check(node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !has_accounts_only(node) {
        let needed = FOR_SIGN_IN.into_iter().chain(node.entry("openid").map(|_| Endpoint::JwksUri));
        for endpoint in needed.filter(|endpoint| !states(node, *endpoint)) {
            findings.push(lint::unstated_endpoint::finding(endpoint.as_str()));
        }
    }
    for entry in node.entries().iter().filter(|entry| entry.key != "documentation") {
        ports(&entry.value, &mut findings);
    }
    findings
}

const FOR_SIGN_IN: [Endpoint; 2] = [Endpoint::Authorization, Endpoint::Token];

/// Whether nobody signs in: there are service accounts, which need no endpoints, and nothing to discover others with.
fn has_accounts_only(node: &Node) -> bool {
    let has = |section| node.entry(section).is_some();
    has("service_accounts") && !has("openid") && !has("discovery") && !FOR_SIGN_IN.iter().any(|endpoint| states(node, *endpoint))
}

fn states(node: &Node, endpoint: Endpoint) -> bool {
    node.get(&["endpoints", endpoint.as_str()]).is_some()
}

fn ports(node: &Node, findings: &mut Vec<Finding>) {
    match &node.content {
        Content::Scalar { text, .. } if lint::explicit_port::is_in(text) => {
            findings.push(lint::explicit_port::finding(node.span, text));
        }
        Content::Scalar { .. } | Content::Reported => {}
        Content::List(items) => items.iter().for_each(|item| ports(item, findings)),
        Content::Mapping(entries) => {
            let urls = entries.iter().filter(|entry| !matches!(entry.key.as_str(), "description" | "pattern"));
            urls.for_each(|entry| ports(&entry.value, findings));
        }
    }
}
