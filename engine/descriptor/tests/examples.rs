//! The catalog resolves; the worked examples, which use the whole vocabulary, resolve but for what is not supported yet.

use std::path::{Path, PathBuf};

use grantry_descriptor::{Code, Descriptor};

fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(directory);
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// What a directory's files are reported for, besides `accepted` codes.
fn problems(directory: &str, accepted: &[Code]) -> String {
    let mut problems = String::new();
    for file in files(directory) {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = format!("{directory}/{}", file.file_name().unwrap().to_str().unwrap());
        if let Err(diagnostics) = Descriptor::from_yaml(&text, &name) {
            for diagnostic in diagnostics.iter().filter(|diagnostic| !accepted.contains(&diagnostic.code())) {
                problems.push_str(&format!("{diagnostic}\n\n"));
            }
        }
    }
    problems
}

#[test]
fn every_catalog_file_resolves() {
    let problems = problems("providers/catalog", &[]);
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn every_stress_example_resolves_but_for_what_is_not_supported_yet() {
    let problems = problems("tests/examples", &[Code::NotSupportedYet]);
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn every_full_example_resolves_but_for_what_is_not_supported_yet() {
    let problems = problems("tests/examples/full", &[Code::NotSupportedYet]);
    assert!(problems.is_empty(), "{problems}");
}
