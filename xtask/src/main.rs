//! Development commands: `cargo xtask <command>`.

mod accept;
mod bench;
mod check;
mod codegen;
mod live;
mod new_provider;
mod quirks;
mod rust_source;
mod score;
mod simulate;
mod stores;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  demo                signs in to every provider of the catalog, over HTTPS on loopback
  live                runs every flow against a real server of OpenID Connect; needs Node.js and npm
  bench [name..]      CPU and allocations beside what Grantry is made of and its peers, with gates; takes minutes
  check <file>        every problem of a descriptor, each with its place
  quirks [id]         where the providers depart from the standards: path, value, standard
  new-provider <id>   a skeleton of a descriptor and of its wire fixture
  codegen [--check]   writes the generated files, or says which are not current
  accept [id]         plays the wire fixtures and accepts what they give as the snapshots
  score authlib       which behaviours of Authlib's client the tests carry, and whether those pass
  simulate --seeds <n> [--from <seed>]
                      faults against sessions that replicas share, n seeds a cell; builds optimized from 500 on
  stores [--allow-missing] [--rounds N]
                      checks the stores of tokens over the servers at GRANTRY_POSTGRES and GRANTRY_REDIS (on this
                      machine if unset), and kills a process that writes to the file store N times (1000)
  tidy                checks the invariants of the code base
  help                this text

exit status: 0 where all is well, 1 where something is wrong, 2 where the command cannot be understood
";

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for does not exist: exit status 2.
    Usage(String),
    /// Something is wrong: exit status 1.
    Failed(String),
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Failed(problem)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(problem)) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
        Err(Failure::Usage(problem)) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["demo"] => Ok(demo()?),
        ["live"] => Ok(live::run()?),
        ["bench", names @ ..] => Ok(bench::run(names)?),
        ["check", file] => Ok(check::run(file)?),
        ["quirks"] => quirks::run(None),
        ["quirks", id] => quirks::run(Some(id)),
        ["new-provider", id] => new_provider::run(id),
        ["codegen"] => Ok(codegen::run()?),
        ["codegen", "--check"] => Ok(codegen::check()?),
        ["accept"] => accept::run(None),
        ["accept", id] => accept::run(Some(id)),
        ["score", "authlib"] => Ok(score::run()?),
        ["simulate", "--seeds", seeds] => simulate(seeds, "0"),
        ["simulate", "--seeds", seeds, "--from", first] => simulate(seeds, first),
        ["stores", options @ ..] => stores::run(options),
        ["tidy"] => Ok(tidy::run()?),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [] => Err(Failure::Usage(format!("there is no command\n\n{USAGE}"))),
        [command, ..] => Err(Failure::Usage(misused(command))),
    }
}

fn simulate(seeds: &str, first: &str) -> Result<(), Failure> {
    match (seeds.parse(), first.parse()) {
        (Ok(seeds), Ok(first)) => simulate::run(seeds, first),
        _ => Err(Failure::Usage("`simulate` takes numbers: cargo xtask simulate --seeds <n> [--from <seed>]".to_owned())),
    }
}

/// What is wrong with a call that is none of the commands.
fn misused(command: &str) -> String {
    let line = USAGE.lines().find(|line| line.starts_with("  ") && line.split_whitespace().next() == Some(command));
    match line.and_then(|line| line.trim_start().split("  ").next()) {
        Some(usage) => format!("`{command}` takes other arguments: cargo xtask {usage}"),
        None => format!("there is no command `{command}`; `cargo xtask help` lists them"),
    }
}

fn demo() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    match runtime.block_on(grantry_tests::demo::demo(&mut std::io::stdout())) {
        true => Ok(()),
        false => Err("not every sign-in worked".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, run};

    fn usage(arguments: &[&str]) -> String {
        match run(arguments) {
            Err(Failure::Usage(problem)) => problem,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn a_call_that_is_no_command_is_named() {
        assert_eq!(usage(&["frobnicate"]), "there is no command `frobnicate`; `cargo xtask help` lists them");
        assert_eq!(usage(&["check"]), "`check` takes other arguments: cargo xtask check <file>");
        assert_eq!(usage(&["codegen", "--chek"]), "`codegen` takes other arguments: cargo xtask codegen [--check]");
        assert_eq!(usage(&["tidy", "now"]), "`tidy` takes other arguments: cargo xtask tidy");
        assert!(usage(&[]).contains("usage: cargo xtask <command>"));
    }

    #[test]
    fn an_unknown_id_is_named() {
        for command in ["quirks", "accept"] {
            assert!(usage(&[command, "nobody"]).starts_with("the catalog has no provider `nobody`; it has: "));
        }
    }
}
