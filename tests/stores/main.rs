//! `cargo xtask stores`: the stores of tokens over real servers, and the file store under `kill -9`.

mod folder;
mod kill;
mod postgres;
mod proxy;
mod redis;
mod replicas;
mod server;

use std::process::ExitCode;

use server::Missing;

/// What a check says of itself, or why it fails.
type Outcome = Result<String, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match *arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        [kill::WRITER, folder] => return kill::write(folder),
        [replicas::PROCESS, kind, place, address, certificate, run] => {
            return replicas::process(kind, place, address, certificate, run);
        }
        _ => {}
    }
    let allow_missing = arguments.iter().any(|argument| argument == "--allow-missing");
    let rounds = arguments.iter().skip_while(|argument| *argument != "--rounds").nth(1);
    let rounds = rounds.map_or(Ok(1000), |rounds| rounds.parse());
    let Ok(rounds) = rounds else {
        eprintln!("error: --rounds takes a number");
        return ExitCode::from(2);
    };
    let checks = [
        ("file", Ok(kill::run(rounds))),
        ("file, shared", Ok(shared("file"))),
        ("sqlite, shared", Ok(shared("sqlite"))),
        ("postgres", server::POSTGRES.address().map(|url| postgres::run(&url))),
        ("postgres, shared", server::POSTGRES.address().map(|url| replicas::run("postgres", url.as_str()))),
        ("redis", server::REDIS.address().map(|url| redis::run(&url))),
        ("redis, shared", server::REDIS.address().map(|url| replicas::run("redis", url.as_str()))),
    ];
    let (mut failed, mut skipped, mut passed) = (0, 0, 0);
    for (store, outcome) in checks {
        match outcome {
            Ok(Ok(said)) => {
                passed += 1;
                println!("{store}: {said}");
            }
            Ok(Err(problem)) => {
                failed += 1;
                println!("{store}: FAILED: {problem}");
            }
            Err(Missing(said)) if allow_missing => {
                skipped += 1;
                println!("{store}: skipped: {said}");
            }
            Err(Missing(said)) => {
                failed += 1;
                println!("{store}: FAILED: {said}");
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Processes that share a place on this machine's disk.
fn shared(kind: &str) -> Outcome {
    let folder = folder::Folder::new(kind);
    std::fs::create_dir_all(&folder.0).map_err(|error| error.to_string())?;
    replicas::run(kind, &folder.0.join("store").display().to_string())
}
