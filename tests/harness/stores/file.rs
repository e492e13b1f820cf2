//! The store in a directory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grantry_engine::store::{FileStore, Record, StoreKey, TokenStore, conformance};
use grantry_tests::store_checks::{Opening, increments, leases};

use crate::Folder;

const LONG: Duration = Duration::from_secs(600);

fn key() -> StoreKey {
    StoreKey::new("acme", ["user"])
}

/// The files of a directory, by name.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(folder: &Folder, extension: &str) -> PathBuf {
    folder.path().join(format!("{}.{extension}", key()))
}

async fn content(store: &FileStore) -> Option<(u64, String)> {
    store.load(&key()).await.unwrap().map(|record| (record.version, record.content.expose().to_owned()))
}

#[tokio::test]
async fn it_conforms_and_leaves_nothing_behind() {
    let folder = Folder::new("file-conformance");
    let store = FileStore::open(folder.path()).await.unwrap();
    conformance::check(&store, "1").await.unwrap();
    conformance::check(&store, "1").await.unwrap();
    let left: Vec<String> = names(folder.path()).into_iter().filter(|name| !name.ends_with(".lock") || cfg!(unix)).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn many_writers_lose_nothing() {
    let folder = Folder::new("file-writers");
    let path = folder.path().to_owned();
    let open = move || -> Opening {
        let path = path.clone();
        Box::pin(async move {
            let store = FileStore::open(path).await.map_err(|error| error.to_string())?;
            Ok(Arc::new(store) as Arc<dyn TokenStore>)
        })
    };
    increments(&open, &StoreKey::new("acme", ["increments"]), 200).unwrap();
    leases(&open, &StoreKey::new("acme", ["leases"]), 20).unwrap();
}

/// The file of the lock comes and goes with the record: nobody must be left with the lock of one that is gone.
#[test]
fn many_writers_may_delete() {
    let folder = Folder::new("file-deletes");
    let path = folder.path();
    let has_failed = AtomicBool::new(false);
    let writer = async |writer: u64| -> Result<(), String> {
        let store = FileStore::open(path).await.map_err(|error| error.to_string())?;
        let mut written = 0;
        while written < 25 && !has_failed.load(Ordering::Relaxed) {
            // Who writes the first record deletes it: at any time there is one at most.
            if store.compare_and_swap(&key(), None, &Record::new(writer, "x")).await.map_err(|error| error.to_string())? {
                let found = store.load(&key()).await.map_err(|error| error.to_string())?.map(|record| record.version);
                store.delete(&key()).await.map_err(|error| error.to_string())?;
                written += 1;
                (found == Some(writer)).then_some(()).ok_or(format!("{found:?} is where {writer} wrote"))?;
            }
        }
        Ok(())
    };
    let run = |number| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(writer(number));
        has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    };
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    });
    assert!(names(path).iter().all(|name| cfg!(not(unix)) && name.ends_with(".lock")), "{:?}", names(path));
}

#[tokio::test]
async fn two_stores_see_each_others_writes() {
    let folder = Folder::new("file-two");
    let one = FileStore::open(folder.path()).await.unwrap();
    let two = FileStore::open(folder.path()).await.unwrap();
    assert!(one.compare_and_swap(&key(), None, &Record::new(1, "one")).await.unwrap());
    assert_eq!(content(&two).await, Some((1, "one".to_owned())));
    assert!(!two.compare_and_swap(&key(), None, &Record::new(1, "two")).await.unwrap());
    assert!(two.compare_and_swap(&key(), Some(1), &Record::new(2, "two")).await.unwrap());
    assert_eq!(content(&one).await, Some((2, "two".to_owned())));
    assert!(one.lease(&key(), "one", LONG).await.unwrap());
    assert!(!two.lease(&key(), "two", LONG).await.unwrap());
    one.delete(&key()).await.unwrap();
    assert_eq!(content(&two).await, None);
    assert!(!two.lease(&key(), "two", LONG).await.unwrap(), "a lease went with its record");
}

#[tokio::test]
async fn a_damaged_file_is_never_a_record() {
    let folder = Folder::new("file-damage");
    let store = FileStore::open(folder.path()).await.unwrap();
    assert!(store.compare_and_swap(&key(), None, &Record::new(1, "hunter2")).await.unwrap());
    let whole = fs::read(file(&folder, "record")).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    for at in 0..whole.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            damaged.push(bytes);
        }
    }
    damaged.push([&whole[..], b"\n"].concat());
    damaged.push([&whole[..], &whole[..]].concat());
    for bytes in &damaged {
        fs::write(file(&folder, "record"), bytes).unwrap();
        let error = store.load(&key()).await.unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for expected in [None, Some(1), Some(2)] {
        let error = store.compare_and_swap(&key(), expected, &Record::new(2, "another")).await.unwrap_err();
        assert!(error.is_corrupt(), "{error}");
    }
    assert_eq!(fs::read(file(&folder, "record")).unwrap(), *damaged.last().unwrap());
    store.delete(&key()).await.unwrap();
    assert!(store.compare_and_swap(&key(), None, &Record::new(1, "again")).await.unwrap());
    assert_eq!(content(&store).await, Some((1, "again".to_owned())));
}

#[tokio::test]
async fn a_file_of_another_key_is_not_taken() {
    let folder = Folder::new("file-moved");
    let store = FileStore::open(folder.path()).await.unwrap();
    let other = StoreKey::new("acme", ["another user"]);
    assert!(store.compare_and_swap(&other, None, &Record::new(1, "another's")).await.unwrap());
    fs::copy(folder.path().join(format!("{other}.record")), file(&folder, "record")).unwrap();
    assert!(store.load(&key()).await.unwrap_err().is_corrupt());
}

#[tokio::test]
async fn a_damaged_lease_is_nobodys() {
    let folder = Folder::new("file-lease");
    let store = FileStore::open(folder.path()).await.unwrap();
    assert!(store.lease(&key(), "one", LONG).await.unwrap());
    let whole = fs::read(file(&folder, "lease")).unwrap();
    fs::write(file(&folder, "lease"), &whole[..whole.len() - 1]).unwrap();
    assert!(store.lease(&key(), "two", LONG).await.unwrap());
    assert!(!store.lease(&key(), "one", LONG).await.unwrap());
}

#[tokio::test]
async fn opening_cleans_up() {
    let folder = Folder::new("file-open");
    let store = FileStore::open(folder.path()).await.unwrap();
    let [kept, leased, dead, busy] = ["kept", "leased", "dead", "busy"].map(|part| StoreKey::new("acme", [part]));
    let named = |key: &StoreKey, extension: &str| format!("{key}.{extension}");
    let write = |name: &str| fs::write(folder.path().join(name), "left behind").unwrap();
    assert!(store.compare_and_swap(&kept, None, &Record::new(1, "kept")).await.unwrap());
    assert!(store.lease(&leased, "one", LONG).await.unwrap());
    for name in [&named(&kept, "tmp"), &named(&dead, "tmp"), &named(&dead, "lease"), &named(&busy, "tmp"), "notes.tmp"] {
        write(name);
    }
    let lock = fs::File::create(folder.path().join(named(&busy, "lock"))).unwrap();
    lock.lock().unwrap();
    FileStore::open(folder.path()).await.unwrap();
    let mut expected = vec![
        named(&kept, "lock"),
        named(&kept, "record"),
        named(&leased, "lease"),
        named(&leased, "lock"),
        named(&busy, "lock"),
        named(&busy, "tmp"),
        "notes.tmp".to_owned(),
    ];
    expected.sort();
    assert_eq!(names(folder.path()).into_iter().filter(|name| *name != named(&dead, "lock")).collect::<Vec<_>>(), expected);
    drop(lock);
    // What a dead writer left is in nobody's way.
    assert!(store.compare_and_swap(&busy, None, &Record::new(1, "busy")).await.unwrap());
    assert!(!names(folder.path()).contains(&named(&busy, "tmp")));
}

#[tokio::test]
async fn what_cannot_be_a_directory_is_an_error() {
    let folder = Folder::new("file-none");
    fs::create_dir_all(folder.path()).unwrap();
    let taken = folder.path().join("file");
    fs::write(&taken, "").unwrap();
    assert!(!FileStore::open(&taken).await.unwrap_err().is_corrupt());
    assert!(FileStore::open(taken.join("below")).await.is_err());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn files_are_the_owners() {
        let folder = Folder::new("file-modes");
        let below = folder.path().join("below");
        let store = FileStore::open(&below).await.unwrap();
        assert!(store.compare_and_swap(&key(), None, &Record::new(1, "one")).await.unwrap());
        assert!(store.lease(&key(), "one", LONG).await.unwrap());
        assert_eq!((mode(folder.path()), mode(&below)), (0o700, 0o700));
        let files = names(&below);
        assert_eq!(files.len(), 3, "{files:?}");
        assert!(files.iter().all(|name| mode(&below.join(name)) == 0o600));
        // A file that was opened to others is closed again by the next write.
        let record = below.join(format!("{}.record", key()));
        fs::set_permissions(&record, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(store.compare_and_swap(&key(), Some(1), &Record::new(2, "two")).await.unwrap());
        assert_eq!(mode(&record), 0o600);
    }

    #[tokio::test]
    async fn a_directory_that_others_write_to_is_refused() {
        let folder = Folder::new("file-open-to-others");
        FileStore::open(folder.path()).await.unwrap();
        for mode in [0o720, 0o702, 0o1777] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            let error = FileStore::open(folder.path()).await.unwrap_err();
            assert!(error.to_string().contains("chmod 700"), "{error}");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        FileStore::open(folder.path()).await.unwrap();
    }

    #[tokio::test]
    async fn links_are_refused() {
        let (folder, outside) = (Folder::new("file-links"), Folder::new("file-links-outside"));
        let [store, other] = [folder.path(), outside.path()].map(FileStore::open);
        let (store, other) = (store.await.unwrap(), other.await.unwrap());
        assert!(other.compare_and_swap(&key(), None, &Record::new(1, "of the other")).await.unwrap());
        let target = file(&outside, "record");
        let before = fs::read(&target).unwrap();
        for extension in ["record", "lease", "lock"] {
            symlink(&target, file(&folder, extension)).unwrap();
            let next = Record::new(2, "written");
            let results = [
                store.compare_and_swap(&key(), Some(1), &next).await.map(|_| ()),
                store.compare_and_swap(&key(), None, &next).await.map(|_| ()),
                store.lease(&key(), "one", LONG).await.map(|_| ()),
            ];
            let refused: Vec<bool> = results.iter().map(Result::is_err).collect();
            let expected = match extension {
                "record" => [true, true, false],
                "lease" => [false, false, true],
                _ => [true, true, true],
            };
            assert_eq!(refused, expected, "{extension}");
            assert_eq!(store.load(&key()).await.is_err(), extension == "record");
            assert_eq!(fs::read(&target).unwrap(), before, "{extension}");
            for entry in fs::read_dir(folder.path()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
        symlink(&target, file(&folder, "tmp")).unwrap();
        assert!(store.compare_and_swap(&key(), None, &Record::new(1, "written")).await.unwrap());
        assert_eq!(fs::read(&target).unwrap(), before, "a link in the place of the temporary file was followed");
        assert!(names(folder.path()).iter().all(|name| Path::new(name).extension() != Some(OsStr::new("tmp"))));
    }

    #[tokio::test]
    async fn the_old_record_stays_where_the_new_one_cannot_be_written() {
        let folder = Folder::new("file-failure");
        let store = FileStore::open(folder.path()).await.unwrap();
        assert!(store.compare_and_swap(&key(), None, &Record::new(1, "old")).await.unwrap());
        // A folder in the place of the temporary file: nothing can be written there.
        fs::create_dir(file(&folder, "tmp")).unwrap();
        let error = store.compare_and_swap(&key(), Some(1), &Record::new(2, "new")).await.unwrap_err();
        assert!(!error.is_corrupt(), "{error}");
        assert_eq!(content(&store).await, Some((1, "old".to_owned())));
        fs::remove_dir(file(&folder, "tmp")).unwrap();
        assert!(store.compare_and_swap(&key(), Some(1), &Record::new(2, "new")).await.unwrap());
    }
}
