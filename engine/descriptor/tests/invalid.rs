//! Every rule has a file that breaks it in `tests/invalid`; what is said about it is in the snapshots.

use std::path::{Path, PathBuf};

use grantry_descriptor::tree::{self, Source};
use grantry_descriptor::{Code, Descriptor, Diagnostic};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/invalid")
}

/// The file that breaks a rule. Its stem is an id, except where it is the id that is wrong.
fn file_name(code: Code) -> String {
    let stem = if code == Code::InvalidId { code.as_str().to_owned() } else { code.as_str().replace('-', "_") };
    format!("{stem}.yaml")
}

/// What is reported for the file of a rule, the catalog's own rules included.
fn diagnostics(code: Code) -> Vec<Diagnostic> {
    let name = file_name(code);
    let mut text = std::fs::read_to_string(folder().join(&name)).unwrap_or_else(|error| panic!("tests/invalid/{name}: {error}"));
    if code == Code::FileTooLarge {
        text.push_str(&"# and so on\n".repeat(30_000));
    }
    let file_name = format!("tests/invalid/{name}");
    let mut found: Vec<Diagnostic> = match Descriptor::from_yaml(&text, &file_name) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics.iter().cloned().collect(),
    };
    if let Ok(node) = tree::parse(&text, &file_name) {
        found.extend(tree::catalog_lints(&node, Source { file_name: &file_name, text: &text }));
    }
    found
}

#[test]
fn every_rule_says_what_is_wrong_and_what_to_do() {
    let mut unbroken = Vec::new();
    for code in Code::ALL.iter().copied() {
        let found = diagnostics(code);
        if !found.iter().any(|diagnostic| diagnostic.code() == code) {
            unbroken.push(format!(
                "{}: {:?}",
                file_name(code),
                found.iter().map(|found| found.code().as_str()).collect::<Vec<_>>()
            ));
        }
        assert!(found.iter().all(|diagnostic| !diagnostic.help().is_empty()), "{found:?}");
        let rendered: Vec<String> = found.iter().map(ToString::to_string).collect();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(code.as_str(), rendered.join("\n\n"));
        });
    }
    assert!(unbroken.is_empty(), "these files do not break their rules:\n{}", unbroken.join("\n"));
}

#[test]
fn every_file_is_of_a_rule() {
    let known: Vec<String> = Code::ALL.iter().copied().map(file_name).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "tests/invalid/{name} is of no rule");
    }
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    let text = "name: 7\nendpoints: { token_endpoint: http://a.example, tokn: x }\nnonsense: 1\n";
    let problems = Descriptor::from_yaml(text, "acme.yaml").unwrap_err();
    let codes: Vec<Code> = problems.iter().map(Diagnostic::code).collect();
    for code in
        [Code::AmbiguousScalar, Code::InsecureUrl, Code::UnknownField, Code::MissingField, Code::MissingClientAuthentication]
    {
        assert!(codes.contains(&code), "{code:?} is not among {codes:?}");
    }
}

#[test]
fn hostile_files_are_refused_without_delay() {
    let deep = "[".repeat(100_000);
    let braces = "{".repeat(100_000);
    let wide = format!("a: [{}]", "1, ".repeat(80_000));
    let huge = "a: b\n".repeat(2_100_000);
    let bomb = "a: &a [x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n";
    for text in [
        "\0",
        "\u{feff}",
        "\t",
        "%YAML 9.9\n---\n",
        "? \n: \n",
        "- - - -",
        "!!binary x",
        "name: \"\\x\"",
        bomb,
        &deep,
        &braces,
        &wide,
        &huge,
    ] {
        let problems = Descriptor::from_yaml(text, "acme.yaml").unwrap_err();
        assert!(problems.iter().next().is_some());
        assert!(problems.to_string().len() < 64 * 1024, "{}", problems.to_string().len());
    }
}
