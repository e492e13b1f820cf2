//! No example without a test.

use std::collections::BTreeSet;
use std::path::Path;

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_example_has_its_tests() {
    let examples = stems("examples");
    assert!(examples.contains("oauth2_session_for_authorization_code"), "{examples:?}");
    for name in examples {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/examples/{name}.rs"));
        let tests = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{name} has no tests: {}", file.display()));
        assert!(include_str!("main.rs").lines().any(|line| line == format!("mod {name};")), "{name} is no module of main.rs");
        assert!(tests.contains(&format!("#[path = \"../../examples/{name}.rs\"]")), "the tests of {name} are another example's");
        assert!(tests.contains("#[tokio::test]"), "the tests of {name} run nothing");
    }
}

#[test]
fn the_readme_names_every_example_and_no_other() {
    let readme = include_str!("../../README.md");
    let table = readme.split("## Coming from Authlib").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = table.lines().filter_map(|line| line.split('|').nth(3)).skip(2);
    let named: BTreeSet<String> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    assert_eq!(named, stems("examples"));
}
