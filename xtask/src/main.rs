//! Development commands: `cargo xtask <command>`.

mod accept;
mod check;
mod codegen;
mod new_provider;
mod quirks;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  demo                signs in to every provider of the catalog, over HTTPS on loopback
  check <file>        every problem of a descriptor, each with its place
  quirks [id]         where the providers depart from the standards
  new-provider <id>   a skeleton of a descriptor and of its wire fixture
  codegen [--check]   writes the generated files, or says which are not current
  accept [id]         plays the wire fixtures and accepts what they give as the snapshots
  tidy                checks the invariants of the code base
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["demo"] => demo(),
        ["check", file] => check::run(file),
        ["quirks"] => quirks::run(None),
        ["quirks", id] => quirks::run(Some(id)),
        ["new-provider", id] => new_provider::run(id),
        ["codegen"] => codegen::run(),
        ["codegen", "--check"] => codegen::check(),
        ["accept"] => accept::run(None),
        ["accept", id] => accept::run(Some(id)),
        ["tidy"] => tidy::run(),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    match runtime.block_on(grantry_tests::demo::demo(&mut std::io::stdout())) {
        true => Ok(()),
        false => Err("not every sign-in worked".to_owned()),
    }
}
