//! Where things are, and how they are read.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest descriptor that is read, in bytes.
const MAX_LENGTH: u64 = 256 * 1024;

/// A path in the workspace.
pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

/// The path of a descriptor in the catalog.
pub(crate) fn descriptor(id: &str) -> PathBuf {
    path(&format!("providers/catalog/{id}.yaml"))
}

/// The ids of the catalog, in alphabetic order.
pub(crate) fn ids() -> Result<Vec<String>, String> {
    stems("providers/catalog", "yaml")
}

/// The stems of a folder's files of one extension, in alphabetic order.
pub(crate) fn stems(folder: &str, extension: &str) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(path(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = files.filter(|file| file.extension().is_some_and(|found| found == extension));
    let mut stems: Vec<String> = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
    stems.sort();
    Ok(stems)
}

/// The text of a descriptor, whoever wrote it.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    let said = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let length = fs::metadata(file).map_err(|error| said(&error))?.len();
    if length > MAX_LENGTH {
        return Err(said(&format!("the file has {length} bytes; a descriptor has 256 KiB at most")));
    }
    let bytes = fs::read(file).map_err(|error| said(&error))?;
    String::from_utf8(bytes).map_err(|error| said(&format!("the file is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))
}

/// The Rust files under a folder of the workspace, with their text.
pub(crate) fn rust_files(folder: &str) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    let mut folders = vec![path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten() {
            let file = entry.path();
            if file.is_dir() {
                folders.push(file);
            } else if file.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                let root = path("");
                let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
                files.push((name, text));
            }
        }
    }
    files.sort();
    Ok(files)
}
