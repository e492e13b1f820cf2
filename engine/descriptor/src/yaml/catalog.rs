//! What holds for the catalog only.

use super::diagnostic::Finding;
use super::lint;
use super::node::{Content, Node};
use crate::model::Endpoint;

/// A client of the catalog is ready without I/O, and its provider serves on the standard port.
pub(super) fn check(node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needed = [Endpoint::Authorization, Endpoint::Token].into_iter().chain(node.entry("openid").map(|_| Endpoint::JwksUri));
    for endpoint in needed.map(Endpoint::as_str) {
        if node.get(&["endpoints", endpoint]).is_none() {
            findings.push(lint::unstated_endpoint::finding(endpoint));
        }
    }
    for entry in node.entries().iter().filter(|entry| entry.key != "documentation") {
        ports(&entry.value, &mut findings);
    }
    findings
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
