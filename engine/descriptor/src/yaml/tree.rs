//! Descriptors as trees, for what works on their text rather than on their meaning: mutation tests, xtask, code generation.

use std::path::Path;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::resolve::Origin;
use super::{catalog, parse as yaml, resolve as resolver};
use crate::Descriptor;
use crate::model::Model;

pub use super::cells::{Cell, cells};
pub use super::diagnostic::Source;
pub use super::node::Node;

/// Text -> tree.
///
/// # Errors
/// Everything that is wrong with the YAML, whatever it says.
pub fn parse(text: &str, file_name: &str) -> Result<Node, Diagnostics> {
    match yaml::parse(text) {
        (Some(node), findings) if findings.is_empty() => Ok(node),
        (_, findings) => Err(Source { file_name, text }.diagnostics(findings)),
    }
}

/// Tree -> model. There is one unless the problems leave open what the descriptor says.
pub fn resolve(node: &Node, id: &str, source: Source<'_>) -> (Option<Model>, Vec<Diagnostic>) {
    let (model, findings) = resolver::resolve(node, id, Origin::File);
    let is_clear = findings.iter().all(|finding| finding.code.is_hygiene());
    (model.filter(|_| is_clear), source.diagnostics(findings).into_iter().collect())
}

/// Model -> descriptor, hygiene problems or not: a mutant of a test.
pub fn descriptor(model: Model) -> Descriptor {
    Descriptor::__loaded(model)
}

/// What holds for the catalog only: endpoints are stated, and URLs have no port.
pub fn catalog_lints(node: &Node, source: Source<'_>) -> Vec<Diagnostic> {
    source.diagnostics(catalog::check(node)).into_iter().collect()
}

/// The id that a file name gives: its stem.
pub fn id_of(file_name: &str) -> &str {
    Path::new(file_name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}
