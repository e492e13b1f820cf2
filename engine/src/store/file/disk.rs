//! Files that no symbolic link leads to, and writes that happen whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Makes the folder, for its owner only, where it is not there; gives the path that no link is a part of.
///
/// # Errors
/// Also where others may write to the folder, or it is another one's, who may make it so: they can put files of theirs in the place of
/// records.
pub(super) fn folder(path: &Path) -> Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    let path = fs::canonicalize(path)?;
    // So that a new folder is there after a power failure; its parent may be one that cannot be read.
    let _ = sync_folder(&path);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path)?.permissions());
        if mode & 0o022 != 0 {
            return Err(Error::other("others may write to the folder; `chmod 700` makes it the owner's"));
        }
        if owner(&path)? != std::os::unix::fs::MetadataExt::uid(&fs::metadata(&path)?) {
            return Err(Error::other("the folder is another user's; `chown` makes it this process's"));
        }
    }
    Ok(path)
}

/// Whose the files are that this process makes in a folder. The standard library does not tell whose the process is, and on some file
/// systems they are somebody else's.
#[cfg(unix)]
fn owner(folder: &Path) -> Result<u32> {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    // A name like those of other temporary files: should this process die just now, the next that opens the folder removes it.
    let path = folder.join(format!("owner-{:064x}.tmp", RandomState::new().build_hasher().finish()));
    let file = private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
    remove(&path)?;
    Ok(std::os::unix::fs::MetadataExt::uid(&file.metadata()?))
}

/// The content of a file; nothing where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let mut file = match open(path, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let length = usize::try_from(file.metadata()?.len()).map_err(Error::other)?;
    // One byte more than there are: a vector that grows leaves copies of itself behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens a regular file that is where its name says.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(Error::other("it is not a regular file")),
        _ => {}
    }
    // What changed since is met here: a link is not followed, a device is closed again.
    let file = private(options).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(Error::other("it is not a regular file")),
    }
}

/// Writes a file anew: beside it first, then in its place. `is_durable`: so that it is there after a power failure.
///
/// Only one may do so with the same `beside` at a time. Where it fails before the last step, the old file stays.
pub(super) fn replace(path: &Path, beside: &Path, content: &str, is_durable: bool) -> Result<()> {
    // Of a writer who did not live to finish.
    remove(beside)?;
    let written = write_new(beside, content, is_durable).and_then(|()| fs::rename(beside, path));
    if let Err(error) = written {
        // What went wrong first is what to tell.
        let _ = remove(beside);
        return Err(error);
    }
    if is_durable { sync_folder(path) } else { Ok(()) }
}

fn write_new(path: &Path, content: &str, is_durable: bool) -> Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(content.as_bytes())?;
    if is_durable { file.sync_all() } else { Ok(()) }
}

/// Removes a file, or the link in its place. Whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes what happened to the names in a file's folder last.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        // Elsewhere a folder cannot be opened.
        _ => Ok(()),
    }
}

/// `O_NOFOLLOW`, which the standard library does not name; 0 where it is not known.
#[cfg(unix)]
const NO_FOLLOW: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    if cfg!(any(target_arch = "aarch64", target_arch = "arm", target_arch = "powerpc", target_arch = "powerpc64")) {
        0o100_000
    } else {
        0o400_000
    }
} else if cfg!(any(target_os = "macos", target_os = "ios", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd")) {
    0x100
} else {
    0
};

/// Files that are made are their owner's only, and links are not followed.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(NO_FOLLOW);
    }
    options
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// `open` looks before it opens; the flag is for what happens in between.
    #[test]
    fn the_flag_is_the_systems() {
        let folder = std::env::temp_dir().join(format!("grantry-no-follow-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.join(name));
        fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let opened = private(OpenOptions::new().read(true)).open(&link);
        let plain = private(OpenOptions::new().read(true)).open(&file);
        fs::remove_dir_all(&folder).unwrap();
        assert!(opened.is_err());
        assert!(plain.is_ok());
    }
}
