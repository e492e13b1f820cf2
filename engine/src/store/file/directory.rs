//! The files of each key, and what is done with them under its lock.
//!
//! `<key>.record`, `<key>.lease`, `<key>.lock`, and `<key>.tmp` while one of the first two is being written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::format::{self, Kind};
use super::lock::{self, Lock};
use super::{Record, StoreError, disk};
use crate::store::lease;

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Opens the directory, makes it where it is not there, and removes what processes left behind that did not live to finish.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let directory = Self { path: disk::folder(path).map_err(failed(path))? };
        for key in directory.unfinished()? {
            let path = directory.file(&key, "lock");
            // Whose lock is held is being written to just now.
            if let Some(held) = lock::attempt(&path).map_err(failed(&path))? {
                directory.clean(&key, &held)?;
            }
        }
        Ok(directory)
    }

    pub(super) fn load(&self, key: &str) -> Result<Option<Record>> {
        let path = self.file(key, Kind::Record.extension());
        let Some(bytes) = disk::read(&path).map_err(failed(&path))? else { return Ok(None) };
        match format::decode(Kind::Record, key, &bytes) {
            Some((version, content)) => Ok(Some(Record::new(version, content))),
            None => Err(StoreError::corrupt(format!("{} is damaged, or another key's", path.display()))),
        }
    }

    pub(super) fn compare_and_swap(&self, key: &str, expected: Option<u64>, record: &Record) -> Result<bool> {
        self.locked(key, || {
            let is_expected = self.load(key)?.map(|found| found.version) == expected;
            if is_expected {
                self.write(Kind::Record, key, record.version, record.content.expose())?;
            }
            Ok(is_expected)
        })
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let path = self.file(key, Kind::Record.extension());
        self.locked(key, || {
            if disk::remove(&path).map_err(failed(&path))? {
                disk::sync_folder(&path).map_err(failed(&path))?;
            }
            Ok(())
        })
    }

    pub(super) fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool> {
        self.locked(key, || {
            let now = lease::now();
            let is_others = self.holder(key, now)?.is_some_and(|found| found != holder);
            if !is_others {
                self.write(Kind::Lease, key, lease::end(now, ttl), holder)?;
            }
            Ok(!is_others)
        })
    }

    pub(super) fn release(&self, key: &str, holder: &str) -> Result<()> {
        self.locked(key, || {
            if self.holder(key, lease::now())?.is_some_and(|found| found == holder) {
                self.remove(key, Kind::Lease.extension())?;
            }
            Ok(())
        })
    }

    /// Who has the lease. A damaged one is nobody's: only a failure of the machine damages it, and that ended its holder too.
    fn holder(&self, key: &str, now: u64) -> Result<Option<String>> {
        let path = self.file(key, Kind::Lease.extension());
        let bytes = disk::read(&path).map_err(failed(&path))?;
        let found = bytes.as_ref().and_then(|bytes| format::decode(Kind::Lease, key, bytes));
        Ok(found.filter(|(end, _)| *end > now).map(|(_, holder)| holder.to_owned()))
    }

    /// Writes a file. A lease need not outlive the machine.
    fn write(&self, kind: Kind, key: &str, number: u64, content: &str) -> Result<()> {
        let path = self.file(key, kind.extension());
        let text = format::encode(kind, key, number, content);
        disk::replace(&path, &self.file(key, "tmp"), &text, kind == Kind::Record).map_err(failed(&path))
    }

    /// Does something while nobody else does anything with the key but load its record.
    fn locked<T>(&self, key: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.file(key, "lock");
        let held = lock::wait(&path, PATIENCE).map_err(failed(&path))?;
        let result = work();
        self.discard(key, &held)?;
        result
    }

    /// Removes the file of the lock if the key has no other.
    fn discard(&self, key: &str, held: &Lock) -> Result<()> {
        let is_there = |kind: Kind| self.file(key, kind.extension()).symlink_metadata().is_ok();
        if is_there(Kind::Record) || is_there(Kind::Lease) {
            return Ok(());
        }
        let path = self.file(key, "lock");
        lock::discard(held, &path).map_err(failed(&path))
    }

    /// Removes what nobody needs any more of a key.
    fn clean(&self, key: &str, held: &Lock) -> Result<()> {
        self.remove(key, "tmp")?;
        if self.holder(key, lease::now())?.is_none() {
            self.remove(key, Kind::Lease.extension())?;
        }
        self.discard(key, held)
    }

    /// The keys that have files beside their record and its lock, or no record.
    fn unfinished(&self) -> Result<BTreeSet<String>> {
        let mut keys = BTreeSet::new();
        for entry in self.path.read_dir().map_err(failed(&self.path))? {
            let name = entry.map_err(failed(&self.path))?.file_name();
            let Some((key, extension)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            let is_unfinished = match extension {
                "tmp" | "lease" => true,
                "lock" => self.file(key, Kind::Record.extension()).symlink_metadata().is_err(),
                _ => false,
            };
            if is_unfinished && is_key(key) {
                keys.insert(key.to_owned());
            }
        }
        Ok(keys)
    }

    fn remove(&self, key: &str, extension: &str) -> Result<()> {
        let path = self.file(key, extension);
        disk::remove(&path).map_err(failed(&path))?;
        Ok(())
    }

    fn file(&self, key: &str, extension: &str) -> PathBuf {
        self.path.join(format!("{key}.{extension}"))
    }
}

/// Whether a text has the form of a key's: files of other names are not the store's.
fn is_key(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(_, hash)| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    move |error| StoreError::new(format!("{}: {error}", path.display()))
}
