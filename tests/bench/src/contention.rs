//! Many tasks that read one token, on one thread and on two.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use grantry::Session;

use crate::report::{Gate, Report};
use crate::{Bench, Result, cpu};

const TASKS: usize = 64;
const READS: usize = 1_000;

/// Rounds that count: those in which no thread was interrupted, or waited for another to begin.
const ROUNDS: usize = 40;

/// Fewer say nothing: the machine is too busy.
const LEAST_ROUNDS: usize = 10;

/// How long that is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// By how much a round may be longer than what its threads have computed.
const INTERRUPTED: f64 = 1.15;

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let session = bench.provider.session()?;
    let (mut one, mut two) = (Best::default(), Best::default());
    let began = Instant::now();
    while began.elapsed() < PATIENCE && one.rounds.min(two.rounds) < ROUNDS {
        one.note(round(bench, &session, 1)?);
        two.note(round(bench, &session, 2)?);
    }
    report.title(&format!(
        "{TASKS} tasks that read one token, ns until all is read, per read; {} and {} rounds",
        two.rounds, one.rounds
    ));
    if one.rounds.min(two.rounds) < LEAST_ROUNDS {
        report.unmeasured("two threads: the machine is too busy");
        return Ok(());
    }
    report.ratio("two threads", "ns", two.nanoseconds, ("one thread", one.nanoseconds), Gate::AtMost(1.0));
    Ok(())
}

/// The best of the rounds that count.
struct Best {
    nanoseconds: f64,
    rounds: usize,
}

impl Default for Best {
    fn default() -> Self {
        Self { nanoseconds: f64::INFINITY, rounds: 0 }
    }
}

impl Best {
    fn note(&mut self, round: Option<f64>) {
        if let Some(nanoseconds) = round {
            self.nanoseconds = self.nanoseconds.min(nanoseconds);
            self.rounds += 1;
        }
    }
}

/// When a thread has read, and what it has computed, in nanoseconds.
struct Span {
    from: Instant,
    to: Instant,
    computed: u64,
}

/// The threads share the tasks, begin together, and read until all is read. `None`: the machine had other work.
fn round(bench: &Bench, session: &Session, threads: usize) -> Result<Option<f64>> {
    let waiting = AtomicUsize::new(threads);
    let work = &|number: usize| -> std::io::Result<Span> {
        cpu::stay_on_own(&bench.cpus, number)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let tasks = (0..TASKS / threads).map(|_| runtime.spawn(read(session.clone()))).collect::<Vec<_>>();
        waiting.fetch_sub(1, Ordering::AcqRel);
        while waiting.load(Ordering::Acquire) > 0 {
            std::hint::spin_loop();
        }
        let (from, computed) = (Instant::now(), cpu::of_thread());
        runtime.block_on(async {
            for task in tasks {
                let _outcome = task.await;
            }
        });
        Ok(Span { from, to: Instant::now(), computed: cpu::of_thread() - computed })
    };
    let spans = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut read = Vec::new();
    for span in spans {
        read.push(span.map_err(|_| "a thread panicked")??);
    }
    let from = read.iter().map(|span| span.from).min().ok_or("no thread")?;
    let took = read.iter().map(|span| span.to - from).max().unwrap_or_default().as_nanos() as f64;
    let computed = read.iter().map(|span| span.computed).max().unwrap_or_default() as f64;
    Ok((took <= computed * INTERRUPTED).then_some(took / (TASKS * READS) as f64))
}

async fn read(session: Session) {
    for at in 0..READS {
        black_box(session.authorization());
        if at % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
}
