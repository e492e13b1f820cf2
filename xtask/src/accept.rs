//! `cargo xtask accept [id]`.

use std::fs;

use crate::{Failure, quirks, workspace};

/// Plays the wire fixtures; what they give becomes the snapshots. Snapshots of nobody are deleted.
pub(crate) fn run(id: Option<&str>) -> Result<(), Failure> {
    let id = id.map(quirks::known).transpose()?;
    let filter = id.as_ref().map_or("wire::".to_owned(), |id| format!("wire::{id}"));
    let mut command = workspace::cargo();
    command.env("INSTA_UPDATE", "always");
    command.args(["test", "--quiet", "--package", "grantry-tests", "--test", "wire", "--", &filter]);
    if id.is_some() {
        command.arg("--exact");
    }
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    delete_orphans()?;
    if status.success() { Ok(()) } else { Err(Failure::Failed("a conversation fails; see above".to_owned())) }
}

fn delete_orphans() -> Result<(), String> {
    let ids = workspace::ids()?;
    for extension in ["snap", "snap.new"] {
        for orphan in workspace::stems("tests/snapshots", extension)?.iter().filter(|stem| !ids.contains(stem)) {
            let file = format!("tests/snapshots/{orphan}.{extension}");
            fs::remove_file(workspace::path(&file)).map_err(|error| format!("{file}: {error}"))?;
            println!("deleted {file}");
        }
    }
    Ok(())
}
