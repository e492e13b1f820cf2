//! Plays the simulation of faults, with as many seeds as one has time for.

use std::collections::BTreeMap;
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use grantry_tests::simulation::{self, Cell, Ending, Fault, Policy};

use crate::{Failure, workspace};

/// From so many seeds on it takes less time to build it optimized first.
const MANY: u64 = 500;

/// Plays every cell with `seeds` seeds, starting at `from`.
pub(crate) fn run(seeds: u64, from: u64) -> Result<(), Failure> {
    if cfg!(debug_assertions) && seeds >= MANY { run_optimized(seeds, from) } else { run_all(seeds, from) }
}

fn run_optimized(seeds: u64, from: u64) -> Result<(), Failure> {
    let status = workspace::cargo()
        .args(["run", "--release", "--quiet", "--locked", "--package", "xtask", "--", "simulate"])
        .args(["--seeds", &seeds.to_string(), "--from", &from.to_string()])
        .status()
        .map_err(|error| format!("cargo run does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(Failure::Failed("not every simulation ended as it must".to_owned())) }
}

fn run_all(seeds: u64, from: u64) -> Result<(), Failure> {
    // Two faults are panics of hooks; they say nothing.
    panic::set_hook(Box::new(|_| {}));
    let cells = Cell::all();
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let played: Mutex<Vec<Played>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = Played::of(*cell, from..from.saturating_add(seeds));
                    if let Ok(mut played) = played.lock() {
                        played.push(result);
                        if seeds >= MANY && played.len() % 16 == 0 {
                            eprintln!("{} of {} cells, {:.0} s", played.len(), cells.len(), started.elapsed().as_secs_f32());
                        }
                    }
                }
            });
        }
    });
    let _ = panic::take_hook();
    let played = played.into_inner().unwrap_or_default();
    print!("{}", table(&played));
    let problems: Vec<&String> = played.iter().flat_map(|played| &played.problems).collect();
    let count = cells.len() as u64 * seeds;
    println!("\n{count} simulations of {} cells, {:.0} s: {} lost", cells.len(), started.elapsed().as_secs_f32(), problems.len());
    match problems.as_slice() {
        [] => Ok(()),
        problems => {
            let first: Vec<&str> = problems.iter().take(10).map(|problem| problem.as_str()).collect();
            Err(Failure::Failed(first.join("\n")))
        }
    }
}

/// A cell, played.
struct Played {
    cell: Cell,
    alive: u64,
    /// Ended by an error that says that the user has to sign in again.
    typed: u64,
    signed_out: u64,
    problems: Vec<String>,
}

impl Played {
    fn of(cell: Cell, seeds: std::ops::Range<u64>) -> Self {
        let mut played = Self { cell, alive: 0, typed: 0, signed_out: 0, problems: Vec::new() };
        for seed in seeds {
            match simulation::run(cell, seed) {
                Ok(Ending::Alive) => played.alive += 1,
                Ok(Ending::Typed) => played.typed += 1,
                Ok(Ending::SignedOut) => played.signed_out += 1,
                Err(problem) => played.problems.push(format!("{cell}, seed {seed}: {problem}")),
            }
        }
        played
    }
}

/// One row a fault, one column a policy: how many sessions ended with a typed error, the replicas taken together.
fn table(played: &[Played]) -> String {
    let mut rows: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (index, fault) in Fault::ALL.into_iter().enumerate() {
        let cells = Policy::ALL.into_iter().map(|policy| {
            let cells = played.iter().filter(|played| played.cell.fault == fault && played.cell.policy == policy);
            let (mut typed, mut lost, mut all, mut out) = (0, 0, 0, 0);
            for cell in cells {
                typed += cell.typed;
                out += cell.signed_out;
                lost += cell.problems.len() as u64;
                all += cell.alive + cell.typed + cell.signed_out + cell.problems.len() as u64;
            }
            match (lost, typed, out) {
                (0, 0, 0) => "alive".to_owned(),
                (0, 0, out) => format!("{out} signed out"),
                (0, typed, _) => format!("{typed} of {all} typed"),
                (lost, ..) => format!("{lost} LOST"),
            }
        });
        rows.insert(index, std::iter::once(format!("{fault:?}")).chain(cells).collect());
    }
    let header = std::iter::once("fault".to_owned()).chain(Policy::ALL.map(|policy| format!("{policy:?}"))).collect();
    let line = |row: &Vec<String>| row.iter().map(|cell| format!("{cell:<24}")).collect::<String>().trim_end().to_owned() + "\n";
    std::iter::once(&header).chain(rows.values()).map(line).collect()
}
