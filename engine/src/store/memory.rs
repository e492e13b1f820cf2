//! A store in this process's memory: for tests, and for services that run once and sign users in anew after a restart.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Record, StoreError, StoreKey, StoreTask, TokenStore, lease};

/// Keeps records in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    records: HashMap<StoreKey, Record>,
    leases: HashMap<StoreKey, Lease>,
}

#[derive(Debug)]
struct Lease {
    holder: String,
    ends: Instant,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<'a, T: Send + 'a>(&'a self, work: impl FnOnce(&mut Content) -> T) -> StoreTask<'a, T> {
        let result = work(&mut self.content.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok::<T, StoreError>(result)))
    }
}

impl TokenStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        self.with(|content| content.records.get(key).cloned())
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        self.with(|content| {
            let is_expected = content.records.get(key).map(|record| record.version) == expected;
            if is_expected {
                content.records.insert(key.clone(), record.clone());
            }
            is_expected
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        self.with(|content| {
            content.records.remove(key);
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        let now = Instant::now();
        self.with(|content| {
            let is_others = content.leases.get(key).is_some_and(|lease| lease.holder != holder && lease.ends > now);
            if !is_others {
                let ends = now.checked_add(Duration::from_millis(lease::millis(ttl))).unwrap_or(now);
                content.leases.insert(key.clone(), Lease { holder: holder.to_owned(), ends });
            }
            !is_others
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        self.with(|content| {
            if content.leases.get(key).is_some_and(|lease| lease.holder == holder) {
                content.leases.remove(key);
            }
        })
    }
}
