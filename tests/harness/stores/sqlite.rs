//! The store in an SQLite file.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use grantry_engine::store::{Record, SqliteStore, StoreKey, TokenStore, conformance};
use grantry_tests::store_checks::{Opening, increments, leases};

use crate::Folder;

const LONG: Duration = Duration::from_secs(600);

/// How many open a file at once.
const OPENERS: usize = 8;

fn key() -> StoreKey {
    StoreKey::new("acme", ["user"])
}

/// A folder of a test's own, and the path of a file in it.
fn place(test: &str) -> (Folder, PathBuf) {
    let folder = Folder::new(test);
    fs::create_dir_all(folder.path()).unwrap();
    let file = folder.path().join("tokens.sqlite");
    (folder, file)
}

#[tokio::test]
async fn it_conforms() {
    let (_folder, file) = place("sqlite-conformance");
    let store = SqliteStore::open(&file).await.unwrap();
    conformance::check(&store, "1").await.unwrap();
    conformance::check(&store, "1").await.unwrap();
}

#[test]
fn many_writers_lose_nothing() {
    let (_folder, file) = place("sqlite-writers");
    // Each opens the file itself, and the first ones make it.
    let open = move || -> Opening {
        let file = file.clone();
        Box::pin(async move {
            let store = SqliteStore::open(file).await.map_err(|error| error.to_string())?;
            Ok(Arc::new(store) as Arc<dyn TokenStore>)
        })
    };
    increments(&open, &StoreKey::new("acme", ["increments"]), 200).unwrap();
    leases(&open, &StoreKey::new("acme", ["leases"]), 20).unwrap();
}

/// One of them changes the journal of the new file, and SQLite itself makes the others wait for the tables only.
#[test]
fn of_many_that_open_a_new_file_at_once_none_gives_up() {
    let (folder, _) = place("sqlite-new");
    for round in 0..50 {
        let file = folder.path().join(format!("{round}.sqlite"));
        let start = Barrier::new(OPENERS);
        let open = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            start.wait();
            runtime.block_on(SqliteStore::open(&file)).map(drop).map_err(|error| error.to_string())
        };
        let opened: Vec<_> = thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect()
        });
        assert_eq!(opened, vec![Ok(()); OPENERS], "{round}");
    }
}

#[tokio::test]
async fn what_is_written_is_there_for_another_process() {
    let (_folder, file) = place("sqlite-two");
    let one = SqliteStore::open(&file).await.unwrap();
    assert!(one.compare_and_swap(&key(), None, &Record::new(u64::MAX, "one")).await.unwrap());
    assert!(one.lease(&key(), "one", LONG).await.unwrap());
    let two = SqliteStore::open(&file).await.unwrap();
    drop(one);
    assert!(!two.lease(&key(), "two", LONG).await.unwrap());
    assert!(!two.compare_and_swap(&key(), Some(u64::MAX >> 1), &Record::new(1, "two")).await.unwrap());
    let record = two.load(&key()).await.unwrap().unwrap();
    assert_eq!((record.version, record.content.expose()), (u64::MAX, "one"));
}

#[tokio::test]
async fn what_is_no_database_is_an_error() {
    let (folder, file) = place("sqlite-none");
    fs::write(&file, "hunter2 ".repeat(200)).unwrap();
    let error = SqliteStore::open(&file).await.unwrap_err();
    assert!(error.is_corrupt() && !error.to_string().contains("hunter2"), "{error}");
    assert!(!SqliteStore::open(folder.path().join("none/tokens.sqlite")).await.unwrap_err().is_corrupt());
    assert!(SqliteStore::open(folder.path()).await.is_err());
}

/// Where SQLite's header keeps `user_version` (file format, section 1.3.13).
const USER_VERSION: usize = 60;

#[tokio::test]
async fn tables_of_a_later_release_are_refused() {
    let (_folder, file) = place("sqlite-later");
    drop(SqliteStore::open(&file).await.unwrap());
    let mut bytes = fs::read(&file).unwrap();
    assert_eq!(bytes[USER_VERSION..USER_VERSION + 4], 1_u32.to_be_bytes());
    bytes[USER_VERSION..USER_VERSION + 4].copy_from_slice(&2_u32.to_be_bytes());
    fs::write(&file, bytes).unwrap();
    let error = SqliteStore::open(&file).await.unwrap_err();
    assert!(error.to_string().contains("later release"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_the_owners_and_no_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let (folder, file) = place("sqlite-modes");
    let store = SqliteStore::open(&file).await.unwrap();
    assert!(store.compare_and_swap(&key(), None, &Record::new(1, "one")).await.unwrap());
    let modes: Vec<u32> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o600; 3], "the file, its log and the log's index");
    let link = folder.path().join("link.sqlite");
    symlink(&file, &link).unwrap();
    assert!(SqliteStore::open(&link).await.is_err());
    // A folder may be reached by a link.
    let way = folder.path().join("way");
    symlink(folder.path(), &way).unwrap();
    assert!(SqliteStore::open(way.join("tokens.sqlite")).await.unwrap().load(&key()).await.unwrap().is_some());
}
