//! `cargo xtask codegen`: the files that are generated and committed.

use std::fs;

use crate::workspace;

const CATALOG: &str = "providers/src/catalog.rs";

/// Writes them.
pub(crate) fn run() -> Result<(), String> {
    fs::write(workspace::path(CATALOG), generated()?).map_err(|error| format!("{CATALOG}: {error}"))
}

/// Whether they are current.
pub(crate) fn check() -> Result<(), String> {
    let committed = fs::read_to_string(workspace::path(CATALOG)).map_err(|error| format!("{CATALOG}: {error}"))?;
    match committed == generated()? {
        true => Ok(()),
        false => Err(format!("{CATALOG} is not current; run `cargo xtask codegen`")),
    }
}

fn generated() -> Result<String, String> {
    Ok(grantry_codegen::catalog(workspace::ids()?.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_current() {
        assert_eq!(super::check(), Ok(()));
    }
}
