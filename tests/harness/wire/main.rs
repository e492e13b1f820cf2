//! One test per provider and kind over the wire fixtures, reported by name; no test code per provider.
//!
//! - `wire::<id>` plays every scenario of the fixture and compares the transcripts with `tests/snapshots/<id>.snap`.
//! - `deviations::<id>` proves every cell of the descriptor: without it the conversation goes differently.
//! - `coverage::*` pairs descriptors and fixtures.

mod conversations;
mod coverage;
mod deviations;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("coverage::every_descriptor_has_a_fixture", coverage::every_descriptor_has_a_fixture),
        Trial::test("coverage::every_fixture_has_a_descriptor", coverage::every_fixture_has_a_descriptor),
        Trial::test("coverage::every_snapshot_has_a_descriptor", coverage::every_snapshot_has_a_descriptor),
    ];
    for id in ids(&catalog()) {
        trials.push(trial("wire", &id, conversations::test));
        trials.push(trial("deviations", &id, deviations::test));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(kind: &str, id: &str, test: fn(&str) -> Result<(), Failed>) -> Trial {
    let provider = id.to_owned();
    Trial::test(format!("{kind}::{id}"), move || test(&provider))
}

/// The folder of the descriptors.
fn catalog() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../providers/catalog")
}

/// The descriptor's YAML.
fn source(id: &str) -> Result<String, Failed> {
    let path = catalog().join(format!("{id}.yaml"));
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The stems of the YAML files of a folder, in alphabetical order.
fn ids(folder: &Path) -> Vec<String> {
    stems(folder, "yaml")
}

fn stems(folder: &Path, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|found| found == extension));
    let mut stems: Vec<String> = paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    stems.sort();
    stems
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failed> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}
