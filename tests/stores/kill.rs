//! The file store under `kill -9`: a process that writes is killed at whatever it does, again and again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use grantry_engine::store::{FileStore, Record, StoreKey, TokenStore as _};

use crate::Outcome;
use crate::folder::Folder;

/// The argument that makes this program the process that is killed.
pub(crate) const WRITER: &str = "--writer";

/// The most that a round waits after the last acknowledgement it wants to see: some writes.
const LONGEST_WAIT: u64 = 4000;

fn key() -> StoreKey {
    StoreKey::new("acme", ["kill"])
}

/// The content of a version: no two are alike, and most are longer than a block.
fn content(version: u64) -> String {
    format!("{version};").repeat(1 + usize::try_from(version % 3000).unwrap_or_default())
}

/// What was seen.
#[derive(Default)]
struct Seen {
    torn: u64,
    lost: u64,
    /// The record was there, and its acknowledgement was not.
    ahead: u64,
    /// A temporary file was there.
    unfinished: u64,
}

/// Kills the writer this often.
pub(crate) fn run(rounds: u64) -> Outcome {
    let folder = Folder::new("kill");
    let (mut seen, mut last) = (Seen::default(), 0);
    for round in 0..rounds {
        let acknowledged = killed(&folder.0, round).map_err(|error| format!("round {round}: {error}"))?.unwrap_or(last);
        seen.unfinished += u64::from(folder.0.join(format!("{}.tmp", key())).exists());
        match block_on(load(&folder.0))? {
            Ok(None) if acknowledged == 0 => {}
            Ok(None) => seen.lost += 1,
            Ok(Some(version)) => {
                seen.lost += u64::from(version < acknowledged || version > acknowledged + 1);
                seen.ahead += u64::from(version == acknowledged + 1);
                last = version;
            }
            Err(problem) => {
                seen.torn += 1;
                eprintln!("round {round}: {problem}");
            }
        }
    }
    let left = std::fs::read_dir(&folder.0).map_or(0, Iterator::count);
    let Seen { torn, lost, ahead, unfinished } = seen;
    let said = format!(
        "{rounds} kills, {last} writes: {torn} torn, {lost} lost; {ahead} written but not acknowledged, {unfinished} broken off, {left} files left"
    );
    // The record and its lock.
    if torn == 0 && lost == 0 && left <= 2 { Ok(said) } else { Err(said) }
}

/// Lets the writer write, and kills it. The last version that it acknowledged.
fn killed(folder: &Path, round: u64) -> Result<Option<u64>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let child = Command::new(program).arg(WRITER).arg(folder).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| error.to_string())?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut last = None;
    let mut line = String::new();
    let mut next = || -> Result<bool, String> {
        line.clear();
        let is_whole = lines.read_line(&mut line).map_err(|error| error.to_string())? > 0 && line.ends_with('\n');
        if is_whole {
            last = Some(line.trim_end().parse().map_err(|_| format!("the writer says {line:?}"))?);
        }
        Ok(is_whole)
    };
    // Now and then before the first write.
    for _ in 0..round % 4 {
        next()?;
    }
    // A stride without common factors: over the rounds, every moment of a write comes up.
    std::thread::sleep(Duration::from_micros(round * 617 % LONGEST_WAIT));
    child.kill().map_err(|error| error.to_string())?;
    while next()? {}
    is_killed(&mut child).map(|()| last)
}

#[cfg(unix)]
fn is_killed(child: &mut Child) -> Result<(), String> {
    use std::os::unix::process::ExitStatusExt as _;
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.signal() == Some(9) { Ok(()) } else { Err(format!("the writer ended by itself: {status}")) }
}

#[cfg(not(unix))]
fn is_killed(child: &mut Child) -> Result<(), String> {
    child.wait().map(drop).map_err(|error| error.to_string())
}

/// The version of the record, which is whole.
async fn load(folder: &Path) -> Result<Option<u64>, String> {
    let store = FileStore::open(folder).await.map_err(|error| error.to_string())?;
    let Some(record) = store.load(&key()).await.map_err(|error| error.to_string())? else { return Ok(None) };
    match record.content.expose() == content(record.version) {
        true => Ok(Some(record.version)),
        false => Err(format!("version {} has another content than was written", record.version)),
    }
}

/// Writes one version after the other, and says so, until it is killed.
pub(crate) fn write(folder: &str) -> ExitCode {
    let work = async {
        let store = FileStore::open(folder).await.map_err(|error| error.to_string())?;
        let mut version = store.load(&key()).await.map_err(|error| error.to_string())?.map(|record| record.version);
        loop {
            let next = version.unwrap_or(0) + 1;
            let record = Record::new(next, content(next));
            if !store.compare_and_swap(&key(), version, &record).await.map_err(|error| error.to_string())? {
                return Err("another one writes".to_owned());
            }
            let mut output = std::io::stdout();
            let said = writeln!(output, "{next}").and_then(|()| output.flush());
            said.map_err(|error: std::io::Error| error.to_string())?;
            version = Some(next);
        }
    };
    let result: Result<Result<(), String>, String> = block_on(work);
    eprintln!("writer: {result:?}");
    ExitCode::FAILURE
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    Ok(runtime.block_on(work))
}
