//! One at a time for each key, in this process and every other.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::time::{Duration, Instant};

use super::disk;

/// Between two attempts to get a lock. It is held for the time of a write to the disk, and may be taken again at once by whoever had it:
/// a longer pause would miss the moment in between too often.
const PAUSE: Duration = Duration::from_micros(250);

/// Holds the lock until it is dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Waits for the lock of this file, which is made where it is not there.
///
/// # Errors
/// Somebody has it for longer than `patience`: a process that was stopped, say. To wait in the system's queue would be to wait for ever.
pub(super) fn wait(path: &Path, patience: Duration) -> Result<Lock> {
    let begun = Instant::now();
    loop {
        if let Some(lock) = attempt(path)? {
            return Ok(lock);
        }
        if begun.elapsed() >= patience {
            return Err(Error::new(ErrorKind::TimedOut, format!("another process has it for {} seconds", patience.as_secs())));
        }
        std::thread::sleep(PAUSE);
    }
}

/// The lock of this file if nobody has it.
pub(super) fn attempt(path: &Path) -> Result<Option<Lock>> {
    let file = disk::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
    match file.try_lock() {
        // Whoever had it may have discarded the file in between.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_but_not_for_ever() {
        let path = std::env::temp_dir().join(format!("grantry-lock-{}", std::process::id()));
        let held = wait(&path, Duration::ZERO).unwrap();
        assert!(attempt(&path).unwrap().is_none());
        assert_eq!(wait(&path, Duration::ZERO).unwrap_err().kind(), ErrorKind::TimedOut);
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || wait(&path, Duration::from_secs(600)).map(drop)
        });
        // Who waits begins anew with the file that is there then.
        discard(&held, &path).unwrap();
        drop(held);
        waiting.join().unwrap().unwrap();
        fs::remove_file(path).unwrap();
    }
}
