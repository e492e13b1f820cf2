//! `cargo xtask check <file>`.

use std::path::Path;

use grantry_descriptor::Descriptor;
use grantry_descriptor::tree::{self, Source};

use crate::workspace;

/// Prints every problem of a descriptor; of one in the catalog, what holds for the catalog only, too.
pub(crate) fn run(file: &str) -> Result<(), String> {
    let path = Path::new(file);
    let text = workspace::read(path)?;
    let mut problems: Vec<String> = match Descriptor::from_yaml(&text, file) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics.iter().map(ToString::to_string).collect(),
    };
    let is_in_catalog = path.canonicalize().ok().zip(workspace::path("providers/catalog").canonicalize().ok());
    if is_in_catalog.is_some_and(|(path, catalog)| path.starts_with(catalog))
        && let Ok(node) = tree::parse(&text, file)
    {
        problems.extend(tree::catalog_lints(&node, Source { file_name: file, text: &text }).iter().map(ToString::to_string));
    }
    match problems.len() {
        0 => {
            println!("{file}: no problems");
            Ok(())
        }
        count => {
            println!("{}\n", problems.join("\n\n"));
            Err(format!("{file}: {count} problem{}", if count == 1 { "" } else { "s" }))
        }
    }
}
