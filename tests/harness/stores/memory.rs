//! The store in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use grantry_engine::store::{MemoryStore, StoreKey, TokenStore};
use grantry_tests::store_checks::{Opening, increments, leases};

#[test]
fn many_writers_lose_nothing() {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    let open = move || -> Opening { Box::pin(std::future::ready(Ok(store.clone()))) };
    increments(&open, &StoreKey::new("acme", ["increments"]), 200).unwrap();
    leases(&open, &StoreKey::new("acme", ["leases"]), 20).unwrap();
}

/// Nobody waits for a writer who has no store.
#[test]
fn a_store_that_cannot_be_opened_ends_the_check() {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    let opened = AtomicUsize::new(0);
    let open = || -> Opening {
        let is_refused = opened.fetch_add(1, Ordering::Relaxed) == 2;
        let result = if is_refused { Err("refused".to_owned()) } else { Ok(store.clone()) };
        Box::pin(std::future::ready(result))
    };
    assert_eq!(leases(&open, &StoreKey::new("acme", ["leases"]), 1), Err("refused".to_owned()));
}
