//! Stores of tokens: where sessions outlive the process, and where replicas meet.
//!
//! A store keeps opaque records by key, each with a version, and leases. What is in a record, and the order of the steps that make a
//! rotation safe, is the engine's affair; a store has to be atomic in what [`TokenStore`] says, and nothing more.
//! [`conformance`] holds the tests that every implementation passes.

mod blocking;
pub mod conformance;
mod entry;
mod file;
mod key;
mod lease;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "jose")]
mod sealed;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

pub(crate) use entry::{Begun, Entry};
pub use file::FileStore;
pub use key::StoreKey;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "jose")]
pub use sealed::{Sealed, SealingKeys};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use crate::secret::Secret;

/// An operation of a store in progress.
pub type StoreTask<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A record: opaque text, and the version that it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// Grows with each write. The engine chooses it; a store compares it and keeps it.
    pub version: u64,
    /// Text of the engine's, secrets included. A store keeps it as it is.
    pub content: Secret,
}

impl Record {
    /// A record of this version.
    pub fn new(version: u64, content: impl Into<Secret>) -> Self {
        Self { version, content: content.into() }
    }
}

/// Keeps tokens beyond a session's life, for one process or many.
///
/// Every method may be called at any time from any task of any process that shares the store. A future that is dropped may have had
/// its effect or not, but never half of it.
pub trait TokenStore: Send + Sync + 'static {
    /// The record of a key, if there is one: the last that was written, by whoever wrote it.
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>>;

    /// Writes a record if the key's version is still `expected` (`None`: the key has no record). Whether it was written.
    ///
    /// Comparing and writing are one step: of several callers with the same `expected`, one writes. When it returns `true`, the record
    /// has reached the place from which [`load`](Self::load) reads in every process, and survives whatever the store is meant to.
    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool>;

    /// Deletes the record of a key, if there is one. Its lease stays.
    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()>;

    /// Takes the lease of a key for `holder`, or prolongs it, for as long as `ttl`. Whether `holder` has it now: `false` where another
    /// holder's has not run out. A key without a record has a lease too.
    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool>;

    /// Gives a lease back; nothing happens where `holder` does not have it.
    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()>;
}

/// Why a store failed. Neither `Display` nor `Debug` shows a record.
#[derive(Clone, Debug)]
pub struct StoreError {
    message: String,
    is_corrupt: bool,
    is_key_missing: bool,
}

impl StoreError {
    /// The store cannot be reached or does not do what it is asked; later it may.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_corrupt: false, is_key_missing: false }
    }

    /// The record is damaged, or sealed with a key that is not there: trying again does not help.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self { is_corrupt: true, ..Self::new(message) }
    }

    /// The record is sealed with a key that is not there: other processes may have it.
    #[cfg(feature = "jose")]
    pub(super) fn key_missing(message: impl Into<String>) -> Self {
        Self { is_key_missing: true, ..Self::corrupt(message) }
    }

    /// Whether the record itself is damaged, or sealed with a key that is not there.
    pub const fn is_corrupt(&self) -> bool {
        self.is_corrupt
    }

    pub(crate) const fn is_key_missing(&self) -> bool {
        self.is_key_missing
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token store: {}", self.message)
    }
}

impl std::error::Error for StoreError {}
