//! Eight processes with fifty callers each, over one store: one token call.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use grantry_engine::store::{FileStore, PostgresStore, RedisStore, SqliteStore, TokenStore};
use grantry_tests::replicas::{self, RotatingProvider};

use crate::Outcome;

/// The argument that makes this program one of the processes.
pub(crate) const PROCESS: &str = "--process";

const PROCESSES: usize = 8;

const CALLERS: usize = 50;

/// Starts the processes over a store, and counts what the provider sees.
pub(crate) fn run(kind: &str, place: &str) -> Outcome {
    let provider = RotatingProvider::start();
    let run = format!("run-{}-{}", std::process::id(), provider.addr().port());
    let runtime = runtime()?;
    runtime.block_on(async { replicas::sign_in(open(kind, place).await?, &provider, &run).await })?;
    let certificate: String = provider.ca_der().iter().map(|byte| format!("{byte:02x}")).collect();
    let address = provider.addr().to_string();
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let start = |_| {
        let mut command = Command::new(&program);
        command.args([PROCESS, kind, place, &address, &certificate, &run]).stderr(Stdio::piped()).spawn()
    };
    let processes: Vec<Child> = (0..PROCESSES).map(start).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let mut finished = Ok(());
    for mut process in processes {
        // After a failure the others are not left behind, to write into what is another check's by then.
        if finished.is_err() {
            let _ = process.kill();
        }
        finished = finished.and(finish(process));
    }
    finished?;
    match (provider.token_calls(), provider.is_alive()) {
        (1, true) => {
            Ok(format!("{PROCESSES} processes × {CALLERS} callers on an expired session: 1 token call, the family is alive"))
        }
        (calls, true) => Err(format!("{calls} token calls instead of one")),
        (_, false) => Err("a refresh token was used twice: the family is revoked".to_owned()),
    }
}

fn finish(mut process: Child) -> Result<(), String> {
    let mut said = String::new();
    if let Some(mut stderr) = process.stderr.take() {
        stderr.read_to_string(&mut said).map_err(|error| error.to_string())?;
    }
    let status = process.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("a process fails: {}", said.trim())) }
}

/// What one of the processes does.
pub(crate) fn process(kind: &str, place: &str, address: &str, certificate: &str, run: &str) -> ExitCode {
    let work = || {
        let address: SocketAddr = address.parse().map_err(|_| "no address".to_owned())?;
        let digit = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let certificate: Option<Vec<u8>> = certificate.as_bytes().chunks(2).map(digit).collect();
        let certificate = certificate.ok_or("no certificate")?;
        runtime()?.block_on(async { replicas::process(open(kind, place).await?, address, certificate, run, CALLERS).await })
    };
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn open(kind: &str, place: &str) -> Result<Arc<dyn TokenStore>, String> {
    let readable = |error: &dyn std::fmt::Display| error.to_string();
    Ok(match kind {
        "file" => Arc::new(FileStore::open(place).await.map_err(|error| readable(&error))?),
        "sqlite" => Arc::new(SqliteStore::open(place).await.map_err(|error| readable(&error))?),
        "postgres" => Arc::new(PostgresStore::connect(place).await.map_err(|error| readable(&error))?),
        "redis" => Arc::new(RedisStore::connect(place, "replicas").await.map_err(|error| readable(&error))?),
        other => return Err(format!("there is no store `{other}`")),
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}
