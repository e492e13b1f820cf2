//! `cargo xtask live`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::workspace;

/// The oldest Node.js that runs the server.
const NODE: (u32, u32) = (20, 19);

/// What to do where Node.js or npm is missing.
const INSTALL: &str = "install Node.js 20.19 or later with npm: `apt-get install nodejs npm`, `brew install node`, or https://nodejs.org/en/download";

/// Installs the server's packages and runs every flow against it.
pub(crate) fn run() -> Result<(), String> {
    check_node(&version("node")?)?;
    let folder = workspace::path("tests/servers");
    install(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    match runtime.block_on(grantry_tests::live::run(&folder, &mut std::io::stdout())) {
        true => Ok(()),
        false => Err("not every flow works".to_owned()),
    }
}

fn version(program: &str) -> Result<String, String> {
    let missing = |why: String| format!("`{program}` does not run ({why}); {INSTALL}");
    let output = Command::new(program).arg("--version").output().map_err(|error| missing(error.to_string()))?;
    if !output.status.success() {
        return Err(missing(output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a version such as `v22.1.0` is new enough.
fn check_node(version: &str) -> Result<(), String> {
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= NODE => Ok(()),
        _ => Err(format!("Node.js is {version:?}, which is too old; {INSTALL}")),
    }
}

/// `npm ci`, unless what is installed is what the lock file says.
fn install(folder: &Path) -> Result<(), String> {
    let lock = fs::read(folder.join("package-lock.json")).map_err(|error| format!("tests/servers/package-lock.json: {error}"))?;
    let installed = folder.join("node_modules/.installed-package-lock.json");
    if fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    version("npm")?;
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    match npm.status() {
        Ok(status) if status.success() => {
            fs::write(&installed, lock).map_err(|error| format!("{}: {error}", installed.display()))
        }
        Ok(status) => Err(format!("`npm ci` in tests/servers fails ({status}); it needs the npm registry")),
        Err(error) => Err(format!("`npm` does not start: {error}; {INSTALL}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_node, version};

    #[test]
    fn an_old_or_missing_node_names_the_way_to_a_new_one() {
        for version in ["v20.19.0", "v20.20.2", "v22.0.0", "v24.1.0-nightly"] {
            assert_eq!(check_node(version), Ok(()), "{version}");
        }
        for version in ["v20.18.3", "v18.20.0", "v8.0.0", "", "v21"] {
            let problem = check_node(version).unwrap_err();
            assert!(problem.contains("too old; install Node.js 20.19 or later"), "{problem}");
        }
        let problem = version("no-such-program").unwrap_err();
        assert!(
            problem.starts_with("`no-such-program` does not run (") && problem.contains("`apt-get install nodejs npm`"),
            "{problem}"
        );
    }
}
