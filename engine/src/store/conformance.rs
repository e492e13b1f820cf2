//! What every [`TokenStore`] must do, as checks that an implementation's own tests call.
//!
//! ```
//! # use grantry_engine::store::{MemoryStore, conformance};
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! conformance::check(&MemoryStore::new(), "run-1").await.expect("a store");
//! # });
//! ```

use std::time::Duration;

use futures_util::future::try_join_all;

use super::{Record, StoreError, StoreKey, TokenStore};

/// A lease that does not run out during a check.
const LONG: Duration = Duration::from_secs(600);

/// A lease that does.
const SHORT: Duration = Duration::from_millis(50);

/// Between two looks at such a lease.
const PAUSE: Duration = Duration::from_millis(10);

/// How many write the same record at once.
const RACERS: u8 = 8;

/// Runs every check against a store. `run` makes the keys of this run its own, so that a store may be checked again.
///
/// # Errors
/// The first check that fails, in words.
pub async fn check(store: &dyn TokenStore, run: &str) -> Result<(), String> {
    records(store, &StoreKey::new("conformance", [run, "records"])).await?;
    versions(store, &StoreKey::new("conformance", [run, "versions"])).await?;
    contents(store, &StoreKey::new("conformance", [run, "contents"])).await?;
    keys(store, run).await?;
    race(store, &StoreKey::new("conformance", [run, "race"])).await?;
    leases(store, &StoreKey::new("conformance", [run, "leases"])).await
}

fn failed(what: &'static str) -> impl Fn(StoreError) -> String {
    move |error| format!("{what}: {error}")
}

fn expect(condition: bool, what: &str) -> Result<(), String> {
    if condition { Ok(()) } else { Err(what.to_owned()) }
}

async fn load(store: &dyn TokenStore, key: &StoreKey) -> Result<Option<(u64, String)>, String> {
    let record = store.load(key).await.map_err(failed("load"))?;
    Ok(record.map(|record| (record.version, record.content.expose().to_owned())))
}

async fn swap(store: &dyn TokenStore, key: &StoreKey, expected: Option<u64>, record: &Record) -> Result<bool, String> {
    store.compare_and_swap(key, expected, record).await.map_err(failed("compare_and_swap"))
}

async fn records(store: &dyn TokenStore, key: &StoreKey) -> Result<(), String> {
    expect(load(store, key).await?.is_none(), "a key that was never written has a record")?;
    store.delete(key).await.map_err(failed("delete of what is not there"))?;
    expect(!swap(store, key, Some(1), &Record::new(2, "x")).await?, "a record was written over one that is not there")?;
    expect(swap(store, key, None, &Record::new(7, "first")).await?, "the first record was not written")?;
    expect(load(store, key).await? == Some((7, "first".to_owned())), "a record does not come back as it was written")?;
    store.delete(key).await.map_err(failed("delete"))?;
    expect(load(store, key).await?.is_none(), "a deleted record is still there")?;
    expect(swap(store, key, None, &Record::new(1, "again")).await?, "nothing can be written after a delete")?;
    store.delete(key).await.map_err(failed("delete"))
}

async fn versions(store: &dyn TokenStore, key: &StoreKey) -> Result<(), String> {
    expect(swap(store, key, None, &Record::new(1, "a")).await?, "the first record was not written")?;
    expect(!swap(store, key, None, &Record::new(9, "b")).await?, "a record was written as the first one twice")?;
    expect(!swap(store, key, Some(2), &Record::new(3, "b")).await?, "a record was written over another version")?;
    expect(load(store, key).await? == Some((1, "a".to_owned())), "a refused write changed the record")?;
    let mut expected = 1;
    for large in [u64::MAX >> 1, u64::MAX - 1, u64::MAX] {
        expect(swap(store, key, Some(expected), &Record::new(large, "c")).await?, "a write with the right version was refused")?;
        expect(load(store, key).await? == Some((large, "c".to_owned())), "a large version does not come back")?;
        expect(!swap(store, key, Some(expected), &Record::new(1, "d")).await?, "two large versions are one")?;
        expected = large;
    }
    store.delete(key).await.map_err(failed("delete"))
}

async fn contents(store: &dyn TokenStore, key: &StoreKey) -> Result<(), String> {
    let large = "0123456789abcdef".repeat(16 * 1024);
    let mut expected = None;
    for (version, content) in
        ["", "{\"a\":\"\\u0000 é \u{1f511} ' \\\" %\"}", "line\nline\r\n\ttab", &large].into_iter().enumerate()
    {
        let version = version as u64;
        expect(swap(store, key, expected, &Record::new(version, content)).await?, "a content was not written")?;
        expect(load(store, key).await? == Some((version, content.to_owned())), "a content does not come back as it was written")?;
        expected = Some(version);
    }
    store.delete(key).await.map_err(failed("delete"))
}

async fn keys(store: &dyn TokenStore, run: &str) -> Result<(), String> {
    let [one, two] = ["a", "A"].map(|part| StoreKey::new("conformance", [run, part]));
    expect(swap(store, &one, None, &Record::new(1, "one")).await?, "the first key was not written")?;
    expect(swap(store, &two, None, &Record::new(2, "two")).await?, "the second key was not written")?;
    expect(load(store, &one).await? == Some((1, "one".to_owned())), "one key's record is another's")?;
    store.delete(&one).await.map_err(failed("delete"))?;
    expect(load(store, &two).await? == Some((2, "two".to_owned())), "deleting one key's record deleted another's")?;
    store.delete(&two).await.map_err(failed("delete"))
}

/// Of several callers who expect the same, one writes: the first record, and the one after it.
async fn race(store: &dyn TokenStore, key: &StoreKey) -> Result<(), String> {
    let mut expected = None;
    for version in 1..=2 {
        let records: Vec<_> = (0..RACERS).map(|racer| Record::new(version, racer.to_string())).collect();
        let written = try_join_all(records.iter().map(|record| swap(store, key, expected, record))).await?;
        let mut winners = records.iter().zip(written).filter(|(_, is_written)| *is_written).map(|(record, _)| record);
        let (winner, another) = (winners.next(), winners.next());
        expect(winner.is_some(), "of several writes at once none was made")?;
        expect(another.is_none(), "of several writes that expect the same version two were made")?;
        let won = winner.map(|record| (version, record.content.expose().to_owned()));
        expect(load(store, key).await? == won, "of several writes at once another one is there than was said to be made")?;
        expected = Some(version);
    }
    store.delete(key).await.map_err(failed("delete"))
}

async fn leases(store: &dyn TokenStore, key: &StoreKey) -> Result<(), String> {
    let lease = async |holder: &str, ttl| store.lease(key, holder, ttl).await.map_err(failed("lease"));
    let release = async |holder: &str| store.release(key, holder).await.map_err(failed("release"));
    release("nobody").await?;
    expect(lease("a", LONG).await?, "a free lease was not given")?;
    expect(!lease("b", LONG).await?, "a lease was given twice")?;
    expect(lease("a", LONG).await?, "a holder cannot prolong its lease")?;
    release("b").await?;
    expect(!lease("b", LONG).await?, "a lease was given back by somebody else")?;
    release("a").await?;
    expect(lease("b", Duration::MAX).await?, "a lease that was given back is not free")?;
    expect(!lease("a", LONG).await?, "the longest lease was given twice")?;
    release("b").await?;
    expect(swap(store, key, None, &Record::new(1, "a")).await?, "the first record was not written")?;
    expect(lease("a", LONG).await?, "a record's lease is not free")?;
    store.delete(key).await.map_err(failed("delete"))?;
    expect(!lease("b", LONG).await?, "deleting a record ended its lease")?;
    release("a").await?;
    expect(lease("a", SHORT).await?, "a lease that was given back is not free")?;
    expect(lease("a", LONG).await?, "a holder cannot prolong its lease")?;
    tokio::time::sleep(SHORT.saturating_mul(2)).await;
    expect(!lease("b", LONG).await?, "a lease that was prolonged ran out as if it was not")?;
    release("a").await?;
    expect(lease("b", SHORT).await?, "a lease that was given back is not free")?;
    for _ in 0..200 {
        if lease("a", LONG).await? {
            release("a").await?;
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err("a lease does not run out".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{MemoryStore, StoreTask};
    use super::*;

    #[tokio::test]
    async fn the_memory_store_conforms() {
        let store = MemoryStore::new();
        check(&store, "1").await.unwrap();
        check(&store, "1").await.unwrap();
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Flaw {
        RoundedVersion,
        WriteInTwoSteps,
        DeletedLease,
        ShortLease,
        NoLongestLease,
    }

    /// The store in memory with a flaw.
    struct Flawed(MemoryStore, Flaw);

    impl TokenStore for Flawed {
        fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
            self.0.load(key)
        }

        fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
            Box::pin(async move {
                match self.1 {
                    Flaw::RoundedVersion => {
                        let rounded = |version: u64| (version as f64) as u64;
                        let record = Record::new(rounded(record.version), record.content.clone());
                        self.0.compare_and_swap(key, expected.map(rounded), &record).await
                    }
                    Flaw::WriteInTwoSteps if self.0.load(key).await?.map(|found| found.version) == expected => {
                        tokio::task::yield_now().await;
                        self.0.delete(key).await?;
                        self.0.compare_and_swap(key, None, record).await
                    }
                    _ => self.0.compare_and_swap(key, expected, record).await,
                }
            })
        }

        fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
            Box::pin(async move {
                if self.1 == Flaw::DeletedLease {
                    self.0.release(key, "a").await?;
                }
                self.0.delete(key).await
            })
        }

        fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
            match self.1 {
                Flaw::ShortLease => self.0.lease(key, holder, ttl.min(SHORT)),
                Flaw::NoLongestLease if ttl == Duration::MAX => Box::pin(async { Ok(true) }),
                _ => self.0.lease(key, holder, ttl),
            }
        }

        fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
            self.0.release(key, holder)
        }
    }

    #[tokio::test]
    async fn a_store_with_a_flaw_does_not_conform() {
        for (flaw, found) in [
            (Flaw::RoundedVersion, "a large version does not come back"),
            (Flaw::WriteInTwoSteps, "of several writes that expect the same version two were made"),
            (Flaw::DeletedLease, "deleting a record ended its lease"),
            (Flaw::ShortLease, "a lease that was prolonged ran out as if it was not"),
            (Flaw::NoLongestLease, "the longest lease was given twice"),
        ] {
            let result = check(&Flawed(MemoryStore::new(), flaw), "1").await;
            assert_eq!(result, Err(found.to_owned()), "{flaw:?}");
        }
    }
}
