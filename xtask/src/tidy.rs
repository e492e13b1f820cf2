//! `cargo xtask tidy`: the invariants of the code base, as checks.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust_source::Source;
use crate::{codegen, workspace};

/// Most crates that a user of `grantry` builds, procedural macros aside.
const MAX_CRATES: usize = 130;

/// The folders of the code that users run.
const CODE: [&str; 3] = ["engine", "macros", "providers"];

/// Crates that are named in one place only.
const PLACES: [(&str, &str); 7] = [
    ("serde_yaml", "engine/descriptor/src/yaml/parse.rs"),
    ("serde_saphyr", "engine/descriptor/src/yaml/parse.rs"),
    ("granit_parser", "engine/descriptor/src/yaml/parse.rs"),
    ("jsonwebtoken", "engine/src/jose/"),
    ("redis", "engine/src/store/"),
    ("rusqlite", "engine/src/store/sqlite.rs"),
    ("tokio_postgres", "engine/src/store/postgres.rs"),
];

/// Where the network is.
const TRANSPORT: &str = "engine/src/transport/";

/// What does network I/O by itself.
const SOCKETS: [&str; 8] =
    ["TcpStream", "TcpListener", "TcpSocket", "UdpSocket", "UnixStream", "UnixListener", "ToSocketAddrs", "lookup_host"];

/// What the rest of the engine may name of the HTTP client: values that the transport takes and gives.
const HTTP_VALUES: [&str; 2] = ["Body", "Response"];

type Check = fn() -> Result<Vec<String>, String>;

/// Runs every check; says everything that is wrong.
pub(crate) fn run() -> Result<(), String> {
    let checks: [Check; 10] =
        [places, network, provider_names, generated, pairs, orphans, leftovers, justifications, host_crates, crates];
    let mut problems = Vec::new();
    for check in checks {
        problems.extend(check()?);
    }
    let (documented, inferred) = sources()?;
    println!("wire fixtures: {documented} answers with a documented source, {inferred} inferred");
    match problems.len() {
        0 => {
            println!("tidy");
            Ok(())
        }
        1 => Err(problems.concat()),
        count => Err(format!("{count} problems\n{}", problems.join("\n"))),
    }
}

fn code() -> Result<Vec<(String, Source)>, String> {
    let mut files = Vec::new();
    for folder in CODE {
        let read = workspace::rust_files(folder)?.into_iter();
        files.extend(read.map(|(file, text)| (file, Source::of(&text))));
    }
    Ok(files)
}

fn places() -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for (file, source) in code()? {
        let wrong = PLACES.iter().filter(|(name, place)| !file.starts_with(place) && source.names(name));
        problems.extend(wrong.map(|(name, place)| format!("{file} names `{name}`, which only {place} may")));
    }
    Ok(problems)
}

/// Only the transport does network I/O; what the clients of stores do is theirs, see [`PLACES`].
fn network() -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for (file, source) in code()?.into_iter().filter(|(file, _)| !file.starts_with(TRANSPORT)) {
        let mut names: BTreeSet<&str> = SOCKETS.into_iter().filter(|name| source.names(name)).collect();
        if source.items_of("reqwest").any(|item| !HTTP_VALUES.contains(&item)) {
            names.insert("reqwest");
        }
        problems.extend(names.iter().map(|name| format!("{file} uses `{name}`; only {TRANSPORT} does network I/O")));
    }
    Ok(problems)
}

/// Nothing is written by hand for one provider.
fn provider_names() -> Result<Vec<String>, String> {
    let ids = workspace::ids()?;
    let mut problems = Vec::new();
    for folder in ["engine/src", "engine/descriptor/src", "macros/src", "macros/codegen/src"] {
        for (file, text) in workspace::rust_files(folder)?.into_iter().filter(|(file, _)| !file.ends_with("/tests.rs")) {
            let strings = Source::of(&text).strings;
            let named = ids.iter().filter(|id| strings.iter().any(|string| is_of_provider(string, id)));
            problems.extend(named.map(|id| format!("{file} has the provider `{id}` in a string")));
        }
    }
    Ok(problems)
}

/// Whether a string is about a provider: its id by itself, or as a part of a host name. As a word of a sentence an id is just a
/// word (`line`, `box`): a new provider must not make an old message wrong.
fn is_of_provider(string: &str, id: &str) -> bool {
    let string = string.to_ascii_lowercase();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_host = |(at, _): (usize, &str)| {
        let after = string[at + id.len()..].strip_prefix('.').is_some_and(|rest| rest.starts_with(is_word));
        after && !string[..at].ends_with(is_word)
    };
    string == id || string.match_indices(id).any(is_host)
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

/// Snapshots of messages, of generated code and of the compiler's words, each of something that is still there.
fn orphans() -> Result<Vec<String>, String> {
    let mut orphans = Vec::new();
    let folder = "engine/descriptor/tests/snapshots";
    let invalid = workspace::stems("tests/invalid", "yaml")?;
    let is_known = |stem: &String| invalid.contains(stem) || invalid.contains(&stem.replace('-', "_"));
    orphans.extend(
        workspace::stems(folder, "snap")?.iter().filter(|stem| !is_known(stem)).map(|stem| format!("{folder}/{stem}.snap")),
    );
    let folder = "macros/codegen/tests/snapshots";
    let golden = workspace::text("macros/codegen/tests/golden.rs")?;
    let is_test = |stem: &String| stem.strip_prefix("golden__").is_some_and(|test| golden.contains(&format!("fn {test}()")));
    orphans.extend(
        workspace::stems(folder, "snap")?.iter().filter(|stem| !is_test(stem)).map(|stem| format!("{folder}/{stem}.snap")),
    );
    let cases = workspace::files("tests/ui/cases")?;
    let is_case = |file: &String| file.strip_suffix(".stderr").is_none_or(|stem| cases.contains(&format!("{stem}.rs")));
    orphans.extend(cases.iter().filter(|file| !is_case(file)).cloned());
    Ok(orphans.iter().map(|file| format!("{file} is of nothing that is still there")).collect())
}

/// Snapshots that nobody has accepted.
fn leftovers() -> Result<Vec<String>, String> {
    let files = workspace::files("")?.into_iter().filter(|file| file.ends_with(".snap.new"));
    Ok(files.map(|file| format!("{file} is not accepted")).collect())
}

/// Every direct dependency is justified in CONTRIBUTING.md, and nothing else is.
fn justifications() -> Result<Vec<String>, String> {
    let contributing = workspace::text("CONTRIBUTING.md")?;
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    for file in workspace::files("")?.into_iter().filter(|file| file == "Cargo.toml" || file.ends_with("/Cargo.toml")) {
        for name in dependencies(&workspace::text(&file)?) {
            used.entry(name).or_insert_with(|| file.clone());
        }
    }
    let justified: BTreeSet<&str> = contributing.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let missing = used.iter().filter(|(name, _)| !justified.contains(name.as_str()));
    let mut problems: Vec<String> =
        missing.map(|(name, file)| format!("CONTRIBUTING.md does not say what `{name}` is for ({file})")).collect();
    let stale = justified.iter().filter(|name| !used.contains_key(**name));
    problems.extend(stale.map(|name| format!("CONTRIBUTING.md justifies `{name}`, which nothing depends on")));
    Ok(problems)
}

/// The names under which a manifest depends on crates that are not the workspace's own.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_table = false;
    for line in manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(table) = line.strip_prefix('[').map(|line| line.trim_end_matches(']')) {
            is_table = table.ends_with("dependencies");
            // `[dependencies.name]`
            names.extend(table.split_once("dependencies.").map(|(_, name)| name.to_owned()));
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_table) {
            let name = name.trim().trim_matches('"');
            let is_own = name.starts_with("grantry") || value.contains("path = ");
            names.extend((!is_own).then(|| name.split('.').next().unwrap_or(name).to_owned()));
        }
    }
    names
}

/// The macro's crates know no HTTP, and the UI tests build no cryptography.
fn host_crates() -> Result<Vec<String>, String> {
    let http: &[&str] = &["reqwest", "tokio", "hyper", "rustls", "http"];
    let mut problems = Vec::new();
    for (package, edges, banned) in
        [("grantry-macros", "normal", http), ("grantry-ui-tests", "normal,build,dev", &["aws-lc-sys", "ring"])]
    {
        let crates = tree(&["-p", package, "-e", edges])?;
        let is_there = |name: &&&str| crates.iter().any(|(found, _)| found == **name);
        problems.extend(banned.iter().filter(is_there).map(|name| format!("{package} depends on {name}")));
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

/// The crates of a tree, each with its version.
fn tree(arguments: &[&str]) -> Result<BTreeSet<(String, String)>, String> {
    let output = workspace::cargo().args(["tree", "--prefix", "none", "--locked"]).args(arguments).output();
    let output = output.map_err(|error| format!("cargo tree does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {}", said.trim().trim_start_matches("error: ")));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let crates = text.lines().filter_map(|line| line.split_once(' '));
    Ok(crates.map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap_or_default().to_owned())).collect())
}

/// How many answers of the fixtures are documented, and how many inferred.
fn sources() -> Result<(usize, usize), String> {
    let (mut documented, mut inferred) = (0, 0);
    for id in workspace::stems("tests/wire", "yaml")? {
        let text = workspace::text(&format!("tests/wire/{id}.yaml"))?;
        documented += text.lines().filter(|line| line.trim_start().starts_with("source:")).count();
        inferred += text.lines().filter(|line| line.trim_start().starts_with("inferred:")).count();
    }
    Ok((documented, inferred))
}

#[cfg(test)]
mod tests {
    use super::{dependencies, is_of_provider};

    #[test]
    fn a_provider_is_named_by_its_id_or_its_host() {
        for string in ["acme", "Acme", "https://acme.example/x", "api.acme.example"] {
            assert!(is_of_provider(string, "acme"), "{string}");
        }
        for string in ["acme is a word", "the acme.", "acmeist.example", "my-acme.example"] {
            assert!(!is_of_provider(string, "acme"), "{string}");
        }
    }

    #[test]
    fn dependencies_are_read_in_every_form() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\n# b = \"1\"\nc.workspace = true\n\
            grantry-engine.workspace = true\ng = { package = \"grantry\", path = \"..\" }\n[features]\nd = []\n\
            [target.'cfg(unix)'.dev-dependencies]\ne = { version = \"1\" }\n[dependencies.f]\nversion = \"1\"\n";
        assert_eq!(dependencies(manifest), ["a", "c", "e", "f"]);
    }
}
