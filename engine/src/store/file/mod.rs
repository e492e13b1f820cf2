//! A store in a directory: for command line programs, desktop programs and services on one machine.

mod directory;
mod disk;
mod format;
mod lock;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::directory::Directory;
use super::{Record, StoreError, StoreKey, StoreTask, TokenStore, blocking};

/// Keeps each record in a file of its own. Several processes may share the directory.
///
/// A record that is written has reached the disk: it is written beside the old one, synced, renamed and the directory synced, so that
/// after a crash at any moment either the old record is there or the new one. Each file has a checksum; one that does not match is an
/// error ([`StoreError::is_corrupt`]) until [`delete`](TokenStore::delete) removes it. The directory is made with mode 0700, files
/// with 0600; a directory that others may write to, or that another user owns, is refused, and no symbolic link in the place of a file is
/// followed.
///
/// Writers of one key exclude each other by an advisory lock on a file beside it, so the directory has to be on a file system that
/// has such locks for everyone who shares it: a local one. One that is held for ten seconds is an error. Leases run out by the system's time.
///
/// Outside of Unix, files have the modes that the system gives them, links are looked for but may be put in place in between,
/// the directory is not synced, and the small files of the locks stay.
///
/// The content of records is plain text in the files; [`Sealed`](super::Sealed) encrypts it.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: Arc<Directory>,
}

impl FileStore {
    /// Opens the store in this directory, which is made where it is not there. What processes left behind that did not live to finish
    /// is removed.
    ///
    /// # Errors
    /// The directory cannot be made, read or written to, others may write to it, or it is another user's.
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = directory.into();
        let directory = blocking::run(move || Directory::open(&path)).await?;
        Ok(Self { directory: Arc::new(directory) })
    }

    fn run<'a, T: Send + 'static>(
        &self,
        key: &StoreKey,
        work: impl FnOnce(&Directory, &str) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreTask<'a, T> {
        let (directory, key) = (self.directory.clone(), key.clone());
        blocking::run(move || work(&directory, key.as_str()))
    }
}

impl TokenStore for FileStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        self.run(key, |directory, key| directory.load(key))
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        let record = record.clone();
        self.run(key, move |directory, key| directory.compare_and_swap(key, expected, &record))
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        self.run(key, |directory, key| directory.delete(key))
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        let holder = holder.to_owned();
        self.run(key, move |directory, key| directory.lease(key, &holder, ttl))
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        let holder = holder.to_owned();
        self.run(key, move |directory, key| directory.release(key, &holder))
    }
}
