//! A store in an SQLite file: for services on one machine that keep many records.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Record, StoreError, StoreKey, StoreTask, TokenStore, blocking, lease};

/// How long a process waits for another one's write.
const BUSY: Duration = Duration::from_secs(10);

/// What brings a file from one version to the next. What has been released is not changed: more is added at the end.
const MIGRATIONS: [&str; 1] = ["\
    CREATE TABLE grantry_records (key TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE grantry_leases (key TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, ends INTEGER NOT NULL) STRICT, WITHOUT ROWID;"];

/// The version of a file that has them all.
const LATEST: u32 = MIGRATIONS.len() as u32;

/// Keeps records in an SQLite file. Several processes may share it, on one machine: the file is in WAL mode, which no network file
/// system can do.
///
/// A record that is written has reached the disk (`synchronous = FULL`). The file and those that SQLite keeps beside it are made with
/// mode 0600; one that is there already keeps its mode. No symbolic link in its place is followed. Leases run out by the system's time.
/// The file's `user_version` is the version of its tables: the file is the store's alone.
///
/// The content of records is plain text in the file, and may stay in its free pages; [`Sealed`](super::Sealed) encrypts it.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
}

type Result<T> = std::result::Result<T, StoreError>;

impl SqliteStore {
    /// Opens the store in this file, which is made where it is not there; its folder has to be. Its tables are brought up to date.
    ///
    /// # Errors
    /// The file cannot be opened, is not a database, is a link, is in use by another process for ten seconds, or was written by a
    /// later release with other tables.
    pub async fn open(file: impl Into<PathBuf>) -> Result<Self> {
        let file = file.into();
        let connection = blocking::run(move || open(&file)).await?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    fn run<'a, T: Send + 'static>(
        &self,
        key: &StoreKey,
        work: impl FnOnce(&Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreTask<'a, T> {
        let (connection, key) = (self.connection.clone(), key.clone());
        blocking::run(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection, key.as_str()).map_err(failed)
        })
    }
}

impl TokenStore for SqliteStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        const LOAD: &str = "SELECT version, content FROM grantry_records WHERE key = ?1";
        self.run(key, |connection, key| {
            connection
                .query_row(LOAD, [key], |row| Ok(Record::new(row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, String>(1)?)))
                .optional()
        })
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        const INSERT: &str = "INSERT INTO grantry_records (key, version, content) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        const UPDATE: &str = "UPDATE grantry_records SET version = ?2, content = ?3 WHERE key = ?1 AND version = ?4";
        let record = record.clone();
        self.run(key, move |connection, key| {
            // SQLite's integers have a sign; what counts is that no two versions are one integer.
            let (version, content) = (record.version.cast_signed(), record.content.expose());
            let written = match expected {
                None => connection.execute(INSERT, params![key, version, content])?,
                Some(expected) => connection.execute(UPDATE, params![key, version, content, expected.cast_signed()])?,
            };
            Ok(written > 0)
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        self.run(key, |connection, key| connection.execute("DELETE FROM grantry_records WHERE key = ?1", [key]).map(drop))
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        const LEASE: &str = "\
            INSERT INTO grantry_leases (key, holder, ends) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET holder = excluded.holder, ends = excluded.ends
            WHERE grantry_leases.holder = excluded.holder OR grantry_leases.ends <= ?4";
        let holder = holder.to_owned();
        self.run(key, move |connection, key| {
            let now = lease::now();
            let taken = connection.execute(LEASE, params![key, holder, lease::end(now, ttl).cast_signed(), now.cast_signed()])?;
            Ok(taken > 0)
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        const RELEASE: &str = "DELETE FROM grantry_leases WHERE key = ?1 AND holder = ?2";
        let holder = holder.to_owned();
        self.run(key, move |connection, key| connection.execute(RELEASE, params![key, holder]).map(drop))
    }
}

fn open(file: &Path) -> Result<Connection> {
    let file = prepare(file).map_err(|error| StoreError::new(format!("{}: {error}", file.display())))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(&file, flags).map_err(failed)?;
    configure(&connection).and_then(|()| migrate(&mut connection)).map_err(failed)?.then_some(connection).ok_or_else(|| {
        StoreError::new(format!("{} was written by a later release, with tables that this one does not know", file.display()))
    })
}

/// Held while a file is made and closed again. A system that locks for whole processes drops all locks that a process has on a file once
/// it closes any descriptor of it: nobody in this process may open the file in between. Other processes' locks are not concerned, so that
/// this does what a file made under another name would, and needs no file system with hard links.
static CREATING: Mutex<()> = Mutex::new(());

/// Makes the file, for its owner only, where it is not there; gives its path without links. SQLite itself would make it for everyone.
fn prepare(file: &Path) -> std::io::Result<PathBuf> {
    let name = file.file_name().ok_or_else(|| std::io::Error::other("this is not the name of a file"))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = folder.canonicalize()?.join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let created = {
        let _one = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
        options.open(&file).map(drop)
    };
    match created {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(file),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    set_journal(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")
}

/// Where several processes open a new file, one changes its journal, and SQLite itself does not wait for that.
fn set_journal(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

/// Brings the tables up to date. Whether this release knows them.
fn migrate(connection: &mut Connection) -> rusqlite::Result<bool> {
    // Of several processes that open a new file, one makes the tables.
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > LATEST {
        return Ok(false);
    }
    let missing = (1..=LATEST).zip(MIGRATIONS).filter(|(version, _)| *version > found);
    for (version, migration) in missing {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// What SQLite says names tables and files, never a content.
fn failed(error: rusqlite::Error) -> StoreError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let is_damaged = matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase));
    let is_foreign =
        matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..));
    match is_damaged || is_foreign {
        true => StoreError::corrupt(format!("SQLite: {error}")),
        false => StoreError::new(format!("SQLite: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a test's own, removed at its end.
    struct File(PathBuf);

    impl File {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("grantry-{test}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder.join("tokens.sqlite"))
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = self.0.parent().map(std::fs::remove_dir_all);
        }
    }

    fn execute(store: &SqliteStore, statement: &str) {
        store.connection.lock().unwrap().execute_batch(statement).unwrap();
    }

    #[tokio::test]
    async fn a_content_that_is_no_text_is_corrupt_and_makes_room() {
        let file = File::new("sqlite-content");
        let store = SqliteStore::open(&file.0).await.unwrap();
        let key = StoreKey::new("acme", ["user"]);
        assert!(store.compare_and_swap(&key, None, &Record::new(1, "one")).await.unwrap());
        execute(&store, "UPDATE grantry_records SET content = CAST(x'ff' AS TEXT)");
        let error = store.load(&key).await.unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        store.delete(&key).await.unwrap();
        assert!(store.compare_and_swap(&key, None, &Record::new(1, "two")).await.unwrap());
        assert!(store.load(&key).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_number_that_is_out_of_range_is_corrupt() {
        let file = File::new("sqlite-number");
        execute(&SqliteStore::open(&file.0).await.unwrap(), "PRAGMA user_version = -1");
        let error = SqliteStore::open(&file.0).await.unwrap_err();
        assert!(error.is_corrupt(), "{error}");
    }
}
