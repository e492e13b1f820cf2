//! `cargo xtask bench`.

use crate::workspace;

/// Builds the package of the benchmarks, which is outside of the workspace, and runs those that are named, or all.
pub(crate) fn run(names: &[&str]) -> Result<(), String> {
    let manifest = workspace::path("tests/bench/Cargo.toml");
    let mut command = workspace::cargo();
    command.args(["run", "--release", "--quiet", "--manifest-path"]).arg(manifest).arg("--").args(names);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("a gate was missed, or the benchmarks do not run".to_owned()),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}
