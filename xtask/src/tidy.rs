//! `cargo xtask tidy`: the invariants of the code base, as checks.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::{codegen, workspace};

/// Most crates that a user of `grantry` builds, procedural macros aside.
const MAX_CRATES: usize = 130;

/// What may be named in one place only: a word, the folders that are searched, where it may stand.
const PLACES: [(&str, &[&str], &str); 4] = [
    ("serde_yaml::", &["engine", "macros", "providers/src"], "engine/descriptor/src/yaml/parse.rs"),
    ("jsonwebtoken::", &["engine/src", "providers/src"], "engine/src/jose/"),
    ("reqwest::Client", &["engine/src", "providers/src"], "engine/src/transport/"),
    ("tokio::net", &["engine/src", "providers/src"], "engine/src/transport/"),
];

type Check = fn() -> Result<Vec<String>, String>;

/// Runs every check; says everything that is wrong.
pub(crate) fn run() -> Result<(), String> {
    let checks: [Check; 8] = [places, providers_names, generated, pairs, leftovers, justifications, host_crates, crates];
    let mut problems = Vec::new();
    for check in checks {
        problems.extend(check()?);
    }
    let (exchanges, inferred) = sources()?;
    println!("wire fixtures: {exchanges} answers with a documented source, {inferred} inferred");
    match problems.len() {
        0 => {
            println!("tidy");
            Ok(())
        }
        count => Err(format!("{}\n{count} problems", problems.join("\n"))),
    }
}

fn places() -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for (word, folders, place) in PLACES {
        for folder in folders {
            for (file, text) in workspace::rust_files(folder)? {
                if !file.contains(place) && code(&text).any(|line| line.contains(word)) {
                    problems.push(format!("{file} names `{word}`, which only {place} may"));
                }
            }
        }
    }
    Ok(problems)
}

/// Nothing is written by hand for one provider.
fn providers_names() -> Result<Vec<String>, String> {
    let ids = workspace::ids()?;
    let mut problems = Vec::new();
    for folder in ["engine/src", "engine/descriptor/src", "macros/src", "macros/codegen/src"] {
        for (file, text) in workspace::rust_files(folder)?.into_iter().filter(|(file, _)| !file.ends_with("/tests.rs")) {
            let words: BTreeSet<String> = code(&text).flat_map(words_of_strings).collect();
            problems.extend(
                ids.iter()
                    .filter(|id| words.contains(*id))
                    .map(|id| format!("{file} has the provider's name `{id}` in a string")),
            );
        }
    }
    Ok(problems)
}

/// The lines of code: no comments, no tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    lines.filter(|line| !line.trim_start().starts_with("//"))
}

fn words_of_strings(line: &str) -> Vec<String> {
    let strings = line.split('"').skip(1).step_by(2);
    let words = strings.flat_map(|string| string.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.map(str::to_ascii_lowercase).collect()
}

fn generated() -> Result<Vec<String>, String> {
    Ok(codegen::check().err().into_iter().collect())
}

/// Every descriptor has its fixture and its snapshot, and the other way round.
fn pairs() -> Result<Vec<String>, String> {
    let ids = workspace::ids()?;
    let mut problems = Vec::new();
    for (folder, extension) in [("tests/wire", "yaml"), ("tests/snapshots", "snap")] {
        let stems = workspace::stems(folder, extension)?;
        problems.extend(ids.iter().filter(|id| !stems.contains(id)).map(|id| format!("{folder}/{id}.{extension} is missing")));
        problems.extend(
            stems.iter().filter(|stem| !ids.contains(stem)).map(|stem| format!("{folder}/{stem}.{extension} is of no provider")),
        );
    }
    Ok(problems)
}

/// Snapshots that nobody has accepted.
fn leftovers() -> Result<Vec<String>, String> {
    let folders = ["tests/snapshots", "macros/codegen/tests/snapshots", "engine/descriptor/tests/snapshots"];
    let folders = folders.iter().filter(|folder| workspace::path(folder).exists());
    let mut problems = Vec::new();
    for folder in folders {
        problems.extend(workspace::stems(folder, "new")?.iter().map(|stem| format!("{folder}/{stem}.new is not accepted")));
    }
    Ok(problems)
}

/// Every direct dependency is justified in CONTRIBUTING.md.
fn justifications() -> Result<Vec<String>, String> {
    let read = |file: &str| fs::read_to_string(workspace::path(file)).map_err(|error| format!("{file}: {error}"));
    let (manifest, contributing) = (read("Cargo.toml")?, read("CONTRIBUTING.md")?);
    let section = manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
    let names = section.lines().filter_map(|line| Some(line.split_once('=')?.0.trim()));
    let names = names.filter(|name| !name.starts_with('#') && !name.starts_with("grantry"));
    let missing = names.filter(|name| !contributing.contains(&format!("| `{name}` |")));
    Ok(missing.map(|name| format!("CONTRIBUTING.md does not say what `{name}` is for")).collect())
}

/// The macro's crates know no HTTP, and the UI tests build no cryptography.
fn host_crates() -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for (package, banned) in [
        ("grantry-macros", ["reqwest", "tokio", "hyper", "rustls", "http"].as_slice()),
        ("grantry-ui-tests", ["aws-lc-sys", "ring"].as_slice()),
    ] {
        let crates = tree(&["-p", package, "-e", "normal"])?;
        problems.extend(banned.iter().filter(|name| crates.contains(**name)).map(|name| format!("{package} depends on {name}")));
    }
    Ok(problems)
}

fn crates() -> Result<Vec<String>, String> {
    let count = tree(&["-p", "grantry", "-e", "normal,no-proc-macro"])?.len();
    println!("crates that a user builds: {count} of {MAX_CRATES} at most");
    Ok((count > MAX_CRATES)
        .then(|| format!("grantry has {count} crates in its tree; {MAX_CRATES} are allowed"))
        .into_iter()
        .collect())
}

/// The names of the crates of a tree.
fn tree(arguments: &[&str]) -> Result<BTreeSet<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace::path(""))
        .args(["tree", "--prefix", "none", "--locked"])
        .args(arguments)
        .output();
    let output = output.map_err(|error| format!("cargo tree does not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}

/// How many answers of the fixtures are documented, and how many inferred.
fn sources() -> Result<(usize, usize), String> {
    let (mut documented, mut inferred) = (0, 0);
    for id in workspace::stems("tests/wire", "yaml")? {
        let file = format!("tests/wire/{id}.yaml");
        let text = fs::read_to_string(workspace::path(&file)).map_err(|error| format!("{file}: {error}"))?;
        documented += text.lines().filter(|line| line.trim_start().starts_with("source:")).count();
        inferred += text.lines().filter(|line| line.trim_start().starts_with("inferred:")).count();
    }
    Ok((documented, inferred))
}
