//! The file that a macro call names.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The descriptor's limit, checked here as well so that no more is read.
const MAX_BYTES: u64 = 256 * 1024;

/// A descriptor's text.
#[derive(Debug)]
pub(crate) struct Source {
    /// Absolute, symlinks resolved.
    pub(crate) file: PathBuf,
    pub(crate) text: String,
}

/// Reads `path`, which must lie in `folder`, symlinks resolved. Errors are messages.
pub(crate) fn read(folder: &Path, path: &str) -> Result<Source, String> {
    if path.is_empty() {
        return Err("the path of the descriptor is empty; write `provider!(\"acme.yaml\")`".to_owned());
    }
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!("`{path}` does not exist; the path is relative to the folder of the crate's Cargo.toml"),
        _ => format!("`{path}` cannot be read: {error}"),
    };
    let folder = fs::canonicalize(folder).map_err(|error| format!("the crate's folder cannot be read: {error}"))?;
    let file = fs::canonicalize(folder.join(path)).map_err(cannot)?;
    if !file.starts_with(&folder) {
        return Err(format!("`{path}` is outside of the crate; a descriptor must lie in the folder of its Cargo.toml"));
    }
    let metadata = fs::metadata(&file).map_err(cannot)?;
    if !metadata.is_file() {
        return Err(format!("`{path}` is no file; name the descriptor itself"));
    }
    let mut bytes = Vec::new();
    File::open(&file).and_then(|open| open.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("`{path}` is larger than 256 KiB, the limit of a descriptor"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        format!("`{path}` is not UTF-8: the byte at offset {offset} is invalid; save it as UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err(format!("`{path}` is empty; a descriptor starts with `name:` and `documentation:`"));
    }
    Ok(Source { file, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("grantry-codegen-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("crate/sub")).unwrap();
        folder
    }

    fn message(folder: &Path, path: &str) -> String {
        read(&folder.join("crate"), path).unwrap_err()
    }

    #[test]
    fn a_file_of_the_crate_is_read() {
        let folder = folder("good");
        fs::write(folder.join("crate/sub/acme.yaml"), "name: Acme").unwrap();
        let source = read(&folder.join("crate"), "sub/../sub/acme.yaml").unwrap();
        assert_eq!(source.text, "name: Acme");
        assert!(source.file.ends_with("crate/sub/acme.yaml"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn bad_files_have_one_clear_message() {
        let folder = folder("bad");
        fs::write(folder.join("outside.yaml"), "name: Acme").unwrap();
        fs::write(folder.join("crate/latin1.yaml"), b"name: Caf\xe9").unwrap();
        fs::write(folder.join("crate/empty.yaml"), " \n").unwrap();
        fs::write(folder.join("crate/huge.yaml"), vec![b'a'; 10 << 20]).unwrap();
        assert!(message(&folder, "").contains("is empty"));
        assert!(message(&folder, "absent.yaml").contains("does not exist"));
        assert!(message(&folder, "../outside.yaml").contains("outside of the crate"));
        assert!(message(&folder, folder.join("outside.yaml").to_str().unwrap()).contains("outside of the crate"));
        assert!(message(&folder, "sub").contains("is no file"));
        assert!(message(&folder, "latin1.yaml").contains("offset 9"));
        assert!(message(&folder, "empty.yaml").contains("is empty"));
        assert!(message(&folder, "huge.yaml").contains("256 KiB"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_does_not_lead_outside() {
        let folder = folder("symlink");
        fs::write(folder.join("outside.yaml"), "name: Acme").unwrap();
        std::os::unix::fs::symlink(folder.join("outside.yaml"), folder.join("crate/acme.yaml")).unwrap();
        assert!(message(&folder, "acme.yaml").contains("outside of the crate"));
        fs::remove_dir_all(folder).unwrap();
    }
}
