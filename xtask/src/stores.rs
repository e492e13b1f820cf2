//! `cargo xtask stores`: the stores of tokens over real servers.

use crate::{Failure, workspace};

/// Runs the program that checks them. It is another one because of what it needs: the clients of the servers.
pub(crate) fn run(options: &[&str]) -> Result<(), Failure> {
    check(options)?;
    let status = workspace::cargo()
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "grantry-tests",
            "--features",
            "postgres,redis",
            "--bin",
            "stores",
            "--",
        ])
        .args(options)
        .status()
        .map_err(|error| format!("cargo run does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(Failure::Failed("not every store is as it must be".to_owned())) }
}

/// Whether the options can be understood.
fn check(options: &[&str]) -> Result<(), Failure> {
    match options {
        [] => Ok(()),
        ["--allow-missing", rest @ ..] => check(rest),
        ["--rounds", rounds, rest @ ..] if rounds.parse::<u64>().is_ok() => check(rest),
        ["--rounds", ..] => Err(Failure::Usage("--rounds takes a number".to_owned())),
        [option, ..] => Err(Failure::Usage(format!("`stores` has no option `{option}`: --allow-missing, --rounds N"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood_or_named() {
        for options in [&[][..], &["--allow-missing"], &["--rounds", "5", "--allow-missing"]] {
            assert!(check(options).is_ok(), "{options:?}");
        }
        for options in [&["--rounds"][..], &["--rounds", "many"], &["--allow-missing", "--all"]] {
            assert!(matches!(check(options), Err(Failure::Usage(_))), "{options:?}");
        }
    }
}
