//! The store in memory.

use std::sync::Arc;

use grantry_engine::store::{MemoryStore, StoreKey, TokenStore};
use grantry_tests::store_checks::{Opening, increments, leases};

#[test]
fn many_writers_lose_nothing() {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    let open = move || -> Opening { Box::pin(std::future::ready(Ok(store.clone()))) };
    increments(&open, &StoreKey::new("acme", ["increments"]), 200).unwrap();
    leases(&open, &StoreKey::new("acme", ["leases"]), 20).unwrap();
}
