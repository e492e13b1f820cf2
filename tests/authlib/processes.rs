//! Runs a test of this program again, in a process with another environment.

use std::process::Command;

/// Runs the test of that name, which must exist and succeed.
pub(crate) fn run_again(test: &str, environment: &[(&str, &str)]) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args([test, "--exact"]).envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
