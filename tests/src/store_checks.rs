//! What stores of tokens must do for several writers at once. `grantry_engine::store::conformance` has what they do for one.

use std::pin::Pin;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use grantry_engine::store::{Record, StoreKey, TokenStore};
use tokio::runtime::Runtime;

/// A store that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn TokenStore>, String>>>>;

/// Opens a store, or gives one that is open: the writers' own connections, or one that they share.
pub type Open<'a> = &'a (dyn Fn() -> Opening + Sync);

/// How many write at once.
pub const WRITERS: usize = 8;

/// Every writer increments a number `each` times: no increment is lost, and none is made twice.
///
/// # Errors
/// What went wrong, in words.
pub fn increments(open: Open<'_>, key: &StoreKey, each: u64) -> Result<(), String> {
    let written = at_once(open, |store, _| Box::pin(increment(store, key.clone(), each)))?;
    let mut versions: Vec<u64> = written.into_iter().flatten().collect();
    versions.sort_unstable();
    let count = each * WRITERS as u64;
    if !versions.iter().copied().eq(1..=count) {
        return Err(format!("{count} increments were made, {} versions were acknowledged, some of them twice", versions.len()));
    }
    let last = block_on(async {
        let store = open().await?;
        let last = load(&*store, key).await?;
        store.delete(key).await.map_err(|error| error.to_string())?;
        Ok(last)
    })?;
    let is_last = last.is_some_and(|record| record.version == count && record.content.expose() == count.to_string());
    if is_last { Ok(()) } else { Err("the last record is not the last that was written".to_owned()) }
}

/// Of all who want a lease at the same time, one gets it.
///
/// # Errors
/// What went wrong, in words.
pub fn leases(open: Open<'_>, key: &StoreKey, rounds: usize) -> Result<(), String> {
    let barrier = Barrier::new(WRITERS);
    let counts = at_once(open, |store, writer| Box::pin(take(store, key.clone(), format!("writer {writer}"), &barrier, rounds)))?;
    for round in 0..rounds {
        let count = counts.iter().filter(|taken| taken[round]).count();
        if count != 1 {
            return Err(format!("{count} writers had the lease at the same time"));
        }
    }
    Ok(())
}

type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + 'a>>;

/// Does the same on a thread for each writer. Each has a runtime of its own, as a process would.
///
/// All stores are opened, at once, before the first writer begins: those who meet in their work must not wait for one who has none.
fn at_once<'a, T: Send>(
    open: Open<'_>,
    work: impl Fn(Arc<dyn TokenStore>, usize) -> Work<'a, T> + Sync,
) -> Result<Vec<T>, String> {
    let opened = on_threads(vec![(); WRITERS], |_, ()| {
        let runtime = runtime()?;
        let store = runtime.block_on(open())?;
        Ok((runtime, store))
    })?;
    on_threads(opened, |writer, (runtime, store)| runtime.block_on(work(store, writer)))
}

fn on_threads<I: Send, T: Send>(items: Vec<I>, work: impl Fn(usize, I) -> Result<T, String> + Sync) -> Result<Vec<T>, String> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> =
            items.into_iter().enumerate().map(|(writer, item)| scope.spawn(move || work(writer, item))).collect();
        // Every thread is waited for, then the first failure told.
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        results.into_iter().map(|result| result.unwrap_or_else(|_| Err("a writer panicked".to_owned()))).collect()
    })
}

fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    runtime()?.block_on(work)
}

fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}

async fn load(store: &dyn TokenStore, key: &StoreKey) -> Result<Option<Record>, String> {
    store.load(key).await.map_err(|error| error.to_string())
}

async fn increment(store: Arc<dyn TokenStore>, key: StoreKey, times: u64) -> Result<Vec<u64>, String> {
    let mut written = Vec::new();
    while (written.len() as u64) < times {
        let found = load(&*store, &key).await?;
        let number: u64 = match &found {
            Some(record) => record.content.expose().parse().map_err(|_| "a content is not the one that was written")?,
            None => 0,
        };
        let next = Record::new(number + 1, (number + 1).to_string());
        let expected = found.map(|record| record.version);
        if store.compare_and_swap(&key, expected, &next).await.map_err(|error| error.to_string())? {
            written.push(next.version);
        }
    }
    Ok(written)
}

async fn take(
    store: Arc<dyn TokenStore>,
    key: StoreKey,
    holder: String,
    barrier: &Barrier,
    rounds: usize,
) -> Result<Vec<bool>, String> {
    let mut taken = Vec::new();
    // Everyone comes to every barrier, whatever happens: nobody must wait for one who has failed.
    let mut failed = None;
    for _ in 0..rounds {
        barrier.wait();
        let result = store.lease(&key, &holder, Duration::from_secs(600)).await;
        barrier.wait();
        taken.push(*result.as_ref().unwrap_or(&false));
        failed = failed.or(result.err()).or(store.release(&key, &holder).await.err());
    }
    match failed {
        Some(error) => Err(error.to_string()),
        None => Ok(taken),
    }
}
