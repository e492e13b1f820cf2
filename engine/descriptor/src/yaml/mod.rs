//! The YAML front end: text -> tree -> checked, resolved model.
//!
//! [`parse`] makes a tree in which every key and value has its position; [`resolve`] reads it section by section, fills in
//! defaults and what is inherited, and reports every problem through the rules in [`lint`]; [`render`] shows them in the file.

mod builder;
mod catalog;
mod cells;
mod diagnostic;
mod lint;
mod node;
mod parse;
mod render;
mod resolve;
mod section;
pub mod tree;

pub use builder::Builder;
pub use diagnostic::{Diagnostic, Diagnostics, Position};
pub use lint::Code;
pub use node::Node;

use crate::Descriptor;
use diagnostic::{Finding, Source};
use resolve::Origin;

impl Descriptor {
    /// Loads a descriptor at run time; it equals the one that `grantry::provider!` compiles from the same text.
    ///
    /// The stem of `file_name` is the id; messages name the file as given.
    ///
    /// # Errors
    /// Every problem of the file, each with its place.
    ///
    /// ```
    /// # use grantry_descriptor::Descriptor;
    /// let text = "
    /// name: Acme
    /// documentation: https://docs.acme.example/oauth
    /// endpoints:
    ///   authorization_endpoint: https://acme.example/authorize
    ///   token_endpoint: https://acme.example/token
    /// client_authentication:
    ///   method: client_secret_basic
    /// ";
    /// let acme = Descriptor::from_yaml(text, "acme.yaml")?;
    /// assert_eq!(acme.id(), "acme");
    ///
    /// let problems = Descriptor::from_yaml(&text.replace("method", "methd"), "acme.yaml").unwrap_err();
    /// assert!(problems.to_string().contains("did you mean `method`?"));
    /// # Ok::<(), grantry_descriptor::Diagnostics>(())
    /// ```
    pub fn from_yaml(text: &str, file_name: &str) -> Result<Self, Diagnostics> {
        let (node, findings) = parse::parse(text);
        let source = Source { file_name, text };
        Self::from_tree(node.as_ref(), findings, tree::id_of(file_name), Origin::File, source)
    }

    fn from_tree(
        node: Option<&Node>,
        mut findings: Vec<Finding>,
        id: &str,
        origin: Origin,
        source: Source<'_>,
    ) -> Result<Self, Diagnostics> {
        let (model, found) = node.map_or((None, Vec::new()), |node| resolve::resolve(node, id, origin));
        findings.extend(found);
        match model {
            Some(model) if findings.is_empty() => Ok(Self::__loaded(model)),
            _ => Err(source.diagnostics(findings)),
        }
    }
}
