//! The stores of tokens that need no server. `cargo xtask stores` checks the others.

mod file;
mod memory;
mod records;
mod sqlite;

use std::path::{Path, PathBuf};

/// A folder of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("grantry-{test}-{}", std::process::id()));
        // Of a process with the same id that did not live to remove it.
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
