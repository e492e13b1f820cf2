//! Two things that do the same, measured against each other: A B A B in one process, the best round of each.

use std::future::{Future, Ready, ready};
use std::hint::black_box;

use tokio::runtime::Runtime;

use crate::{Result, allocations, cpu};

/// What one operation takes.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Nanoseconds of CPU.
    pub nanoseconds: f64,
    pub allocations: f64,
}

impl Cost {
    const MOST: Self = Self { nanoseconds: f64::INFINITY, allocations: f64::INFINITY };

    fn best(self, other: Self) -> Self {
        Self { nanoseconds: self.nanoseconds.min(other.nanoseconds), allocations: self.allocations.min(other.allocations) }
    }
}

/// How often: rounds of so many operations for each candidate.
#[derive(Clone, Copy)]
pub struct Rounds {
    pub rounds: u32,
    pub operations: u32,
}

/// One of those that are compared.
pub trait Candidate {
    /// Runs so many operations.
    fn run(&mut self, runtime: &Runtime, operations: u32) -> Result<Cost>;
}

/// A candidate that makes an operation's input outside of what is measured.
pub struct Prepared<P, R> {
    prepare: P,
    run: R,
}

/// An operation that waits for the network.
pub fn request<R, F, T>(mut run: R) -> impl Candidate
where
    R: FnMut() -> F,
    F: Future<Output = Result<T>>,
{
    prepared(|| Ok(()), move |()| run())
}

/// The same with an input that is made before.
pub fn prepared<P, I, R, F, T>(prepare: P, run: R) -> impl Candidate
where
    P: FnMut() -> Result<I>,
    R: FnMut(I) -> F,
    F: Future<Output = Result<T>>,
{
    Prepared { prepare, run }
}

/// An operation that computes only.
pub fn computation<R, T>(mut run: R) -> impl Candidate
where
    R: FnMut() -> T,
{
    prepared(
        || Ok(()),
        move |()| -> Ready<Result<()>> {
            black_box(run());
            ready(Ok(()))
        },
    )
}

impl<P, I, R, F, T> Candidate for Prepared<P, R>
where
    P: FnMut() -> Result<I>,
    R: FnMut(I) -> F,
    F: Future<Output = Result<T>>,
{
    fn run(&mut self, runtime: &Runtime, operations: u32) -> Result<Cost> {
        let inputs = (0..operations).map(|_| (self.prepare)()).collect::<Result<Vec<I>>>()?;
        runtime.block_on(async {
            let (allocations, nanoseconds) = (allocations::count(), cpu::of_thread());
            for input in inputs {
                black_box((self.run)(input).await?);
            }
            let (nanoseconds, allocations) = (cpu::of_thread() - nanoseconds, allocations::count() - allocations);
            Ok(Cost {
                nanoseconds: nanoseconds as f64 / f64::from(operations),
                allocations: allocations as f64 / f64::from(operations),
            })
        })
    }
}

/// Runs the candidates in turns; the best of each. One round before does not count: it connects and fills caches.
pub fn compare<const N: usize>(runtime: &Runtime, rounds: Rounds, mut candidates: [&mut dyn Candidate; N]) -> Result<[Cost; N]> {
    let mut best = [Cost::MOST; N];
    for candidate in &mut candidates {
        candidate.run(runtime, rounds.operations)?;
    }
    for _ in 0..rounds.rounds {
        for (candidate, best) in candidates.iter_mut().zip(&mut best) {
            *best = best.best(candidate.run(runtime, rounds.operations)?);
        }
    }
    Ok(best)
}
