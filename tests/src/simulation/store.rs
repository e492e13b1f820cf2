//! The store as one replica sees it: slow, and sometimes failing.

use std::sync::Arc;
use std::time::Duration;

use grantry_engine::store::{MemoryStore, Record, StoreError, StoreKey, StoreTask, TokenStore};

use super::faults::{Fault, Injector};
use super::random::Random;

pub(super) struct Faulty {
    pub(super) replica: usize,
    pub(super) store: Arc<MemoryStore>,
    pub(super) injector: Arc<Injector>,
    pub(super) random: Arc<Random>,
}

impl Faulty {
    async fn travel(&self) -> Result<(), StoreError> {
        self.injector.step(self.replica).await;
        tokio::time::sleep(Duration::from_millis(self.random.below(40))).await;
        self.injector.step(self.replica).await;
        match self.injector.is_down() {
            true => Err(StoreError::new("down")),
            false => Ok(()),
        }
    }
}

fn failed<T>() -> Result<T, StoreError> {
    Err(StoreError::new("failed"))
}

impl TokenStore for Faulty {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        Box::pin(async move {
            self.travel().await?;
            if self.injector.strikes(Fault::LoadFails) {
                return failed();
            }
            self.store.load(key).await
        })
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        Box::pin(async move {
            self.travel().await?;
            if self.injector.strikes(Fault::StoreDown) {
                self.injector.take_down(Duration::from_secs(30));
                return failed();
            }
            if self.injector.strikes(Fault::WriteFails) {
                return failed();
            }
            let written = self.store.compare_and_swap(key, expected, record).await;
            if self.injector.strikes(Fault::WriteSucceedsAndFails) {
                return failed();
            }
            if record.content.expose().contains("rt-1.") && self.injector.strikes_first(Fault::DiesAfterStoring, 1) {
                self.injector.kill(self.replica);
            }
            self.travel().await?;
            written
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        Box::pin(async move {
            self.travel().await?;
            self.store.delete(key).await
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        Box::pin(async move {
            self.travel().await?;
            if self.injector.strikes(Fault::LeaseFails) {
                return failed();
            }
            self.store.lease(key, holder, ttl).await
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        Box::pin(async move {
            self.travel().await?;
            if self.injector.strikes(Fault::ReleaseFails) {
                return failed();
            }
            self.store.release(key, holder).await
        })
    }
}
