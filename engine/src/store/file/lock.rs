//! One at a time for each key, in this process and every other.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Result};
use std::path::Path;

use super::disk;

/// Holds the lock until it is dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Waits for the lock of this file, which is made where it is not there.
pub(super) fn wait(path: &Path) -> Result<Lock> {
    loop {
        let file = open(path)?;
        match file.lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            locked => locked?,
        }
        if is_at(&file, path)? {
            return Ok(Lock { _file: file });
        }
    }
}

/// The lock of this file if nobody has it.
pub(super) fn attempt(path: &Path) -> Result<Option<Lock>> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(is_at(&file, path)?.then_some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the file of a lock that is held. Who waits for it finds that it is gone, and begins anew.
pub(super) fn discard(_held: &Lock, path: &Path) -> Result<()> {
    // Only where `is_at` can tell.
    if cfg!(unix) {
        disk::remove(path)?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<File> {
    disk::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// Whether a file is still the one of its name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(identity(found) == identity(file.metadata()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> Result<bool> {
    fs::symlink_metadata(path).map(|_| true)
}
