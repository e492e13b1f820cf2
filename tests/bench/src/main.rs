//! Grantry measured against what it is made of, and against its peers: see `cargo xtask bench`.

mod allocations;
mod contention;
mod cpu;
mod id_token;
mod measure;
mod memory;
mod provider;
mod read;
mod report;
mod requests;
mod server;
mod signing;
mod start;

use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::provider::Provider;
use crate::report::Report;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the benchmarks share.
struct Bench {
    /// Those that the process may run on; all but the contended reads stay on one.
    cpus: cpu::Cpus,
    /// Of the main thread: all of a client's work is done there.
    runtime: Runtime,
    provider: Provider,
}

type Run = fn(&Bench, &mut Report) -> Result<()>;

const BENCHES: [(&str, Run); 8] = [
    ("get", requests::protected_get),
    ("token", requests::token_fetch),
    ("read", read::run),
    ("id-token", id_token::run),
    ("signing", signing::run),
    ("contention", contention::run),
    ("memory", memory::run),
    ("start", start::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == [start::CHILD] {
        return start::child();
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs those that are named, or all; whether every gate holds.
fn run(names: &[String]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no benchmark `{unknown}`; there is: {}", known.join(", ")).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cpus = cpu::stay_on_one()?;
    let bench = Bench { cpus, runtime, provider: Provider::start()? };
    let mut report = Report::new();
    for (_, run) in BENCHES.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        run(&bench, &mut report)?;
    }
    Ok(report.end())
}
