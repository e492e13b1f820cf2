//! Where things are, and how they are read.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest descriptor that is read, in bytes.
const MAX_LENGTH: u64 = 256 * 1024;

/// A path in the workspace.
pub(crate) fn path(relative: &str) -> PathBuf {
    // As cargo says it at run time: two checkouts may share a target folder, and with it this program.
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&xtask).join("..").join(relative)
}

/// The cargo that runs this program, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(path(""));
    command
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
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names = names.filter(|name| !name.starts_with('.'));
    let mut stems: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(extension)?.strip_suffix('.')?.to_owned())).collect();
    stems.sort();
    Ok(stems)
}

/// The text of a descriptor, whoever wrote it.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    let said = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    // A device has no length to ask for: what is read is what counts.
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| said(&error))?;
    opened.take(MAX_LENGTH + 1).read_to_end(&mut bytes).map_err(|error| said(&error))?;
    if bytes.len() as u64 > MAX_LENGTH {
        return Err(said(&"the file is too large; a descriptor has 256 KiB at most"));
    }
    String::from_utf8(bytes).map_err(|error| said(&format!("the file is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))
}

/// The files under a folder of the workspace (all of it: the empty name), in alphabetic order; no build output, no packages
/// of npm's, no hidden folders.
pub(crate) fn files(folder: &str) -> Result<Vec<String>, String> {
    let root = path("");
    let mut files = Vec::new();
    let mut folders = vec![path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten() {
            let file = entry.path();
            let name = entry.file_name();
            let is_hidden = name.to_string_lossy().starts_with('.');
            let is_source = !is_hidden && name != "node_modules" && !file.join("CACHEDIR.TAG").exists();
            if file.is_dir() && is_source {
                folders.push(file);
            } else if file.is_file() {
                files.push(file.strip_prefix(&root).unwrap_or(&file).display().to_string());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The Rust files under a folder of the workspace, with their text.
pub(crate) fn rust_files(folder: &str) -> Result<Vec<(String, String)>, String> {
    let files = files(folder)?.into_iter().filter(|file| file.ends_with(".rs"));
    files
        .map(|file| {
            let text = text(&file)?;
            Ok((file, text))
        })
        .collect()
}

/// The text of a file of the workspace.
pub(crate) fn text(file: &str) -> Result<String, String> {
    fs::read_to_string(path(file)).map_err(|error| format!("{file}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;

    #[test]
    fn what_cannot_be_a_descriptor_is_one_error() {
        let folder = std::env::temp_dir().join(format!("grantry-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let written = |name: &str, bytes: &[u8]| {
            let file = folder.join(name);
            std::fs::write(&file, bytes).unwrap();
            read(&file).unwrap_err()
        };
        assert!(written("latin.yaml", b"name: \xe4").ends_with("the file is not UTF-8 (byte 6)"));
        assert!(written("large.yaml", &vec![b'#'; 256 * 1024 + 1]).ends_with("a descriptor has 256 KiB at most"));
        assert!(read(&folder).is_err());
        assert!(read(Path::new("no-such-file.yaml")).unwrap_err().starts_with("no-such-file.yaml: "));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
