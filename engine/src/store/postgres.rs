//! A store in PostgreSQL: for services of many replicas.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, IsolationLevel, NoTls, Row};

use super::{Record, StoreError, StoreKey, StoreTask, TokenStore, lease};

/// How long an operation may take, a new connection included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections an operation is tried on.
const ATTEMPTS: usize = 4;

/// What keeps apart those who make the tables: a number that nothing else uses as an advisory lock.
const MIGRATION_LOCK: i64 = 0x6772_616e_7472_7901;

/// What brings the tables from one version to the next. What has been released is not changed: more is added at the end.
const MIGRATIONS: [&str; 1] = ["\
    CREATE TABLE grantry_records (key text PRIMARY KEY, version bigint NOT NULL, content bytea NOT NULL);
    CREATE TABLE grantry_leases (key text PRIMARY KEY, holder text NOT NULL, ends timestamptz NOT NULL);"];

/// The version of tables that have them all.
const LATEST: i32 = MIGRATIONS.len() as i32;

type Result<T> = std::result::Result<T, StoreError>;
type Connecting = Pin<Box<dyn Future<Output = std::result::Result<Client, tokio_postgres::Error>> + Send>>;
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Keeps records in PostgreSQL 9.5 or later, in tables `grantry_records` and `grantry_leases` of the connection's schema.
///
/// The tables are made when the store is opened; where they are there already the role needs no more than to read and write them.
/// Leases run out by the server's time. A record that is written lasts as the server is set up (`synchronous_commit`).
///
/// One connection serves all tasks, which PostgreSQL answers in turn; it is made anew when it is lost. What can be repeated is repeated; a
/// [`compare_and_swap`](TokenStore::compare_and_swap) whose answer got lost is an error, and may have had its effect. Nothing is kept in the
/// connection, so a pool between store and server may hand out another one for each transaction.
///
/// [`connect`](Self::connect) does not encrypt the connection; [`connect_with`](Self::connect_with) takes one that is. The content of
/// records is plain text in the database; [`Sealed`](super::Sealed) encrypts it.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Box<dyn Fn() -> Connecting + Send + Sync>,
    client: Mutex<Option<Arc<Client>>>,
}

/// Whether doing it twice is doing it once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeatable {
    Yes,
    No,
}

impl PostgresStore {
    /// Connects without TLS: `postgres://user:password@host:5432/database` or `host=.. user=.. dbname=..`.
    ///
    /// # Errors
    /// The text cannot be read, the server cannot be reached, the tables cannot be made or are a later release's.
    pub async fn connect(config: &str) -> Result<Self> {
        // The cause is not told: it may hold parts of the text, and the text a password.
        let unreadable = |_| {
            StoreError::new(
                "PostgreSQL: the connection string cannot be read; it looks like `postgresql://user:password@host/database`, or is pairs \
                 `key=value`",
            )
        };
        let mut config: Config = config.parse().map_err(unreadable)?;
        // A peer that is gone without a word is found out, at the latest when something is sent to it.
        config.get_connect_timeout().is_none().then(|| config.connect_timeout(TIMEOUT));
        config.get_tcp_user_timeout().is_none().then(|| config.tcp_user_timeout(TIMEOUT));
        Self::connect_with(move || {
            let config = config.clone();
            async move {
                let (client, connection) = config.connect(NoTls).await?;
                // What ends it is said to whoever waits for an answer.
                tokio::spawn(connection);
                Ok(client)
            }
        })
        .await
    }

    /// Connects as the caller says, now and whenever the connection is lost (crate `tokio-postgres`, version 0.7). What it gives is used by
    /// the store alone; its other half, the `Connection`, has to be running on a task of its own.
    ///
    /// # Errors
    /// As those of [`connect`](Self::connect).
    pub async fn connect_with<F>(connector: impl Fn() -> F + Send + Sync + 'static) -> Result<Self>
    where
        F: Future<Output = std::result::Result<Client, tokio_postgres::Error>> + Send + 'static,
    {
        let connector = move || -> Connecting { Box::pin(connector()) };
        let opening = async {
            let mut client = connector().await.map_err(|error| failed(&error))?;
            migrate(&mut client).await?;
            Ok(client)
        };
        let client = tokio::time::timeout(TIMEOUT, opening).await.map_err(|_| late())??;
        Ok(Self { inner: Arc::new(Inner { connector: Box::new(connector), client: Mutex::new(Some(Arc::new(client))) }) })
    }

    /// Runs one statement, which is a transaction of its own.
    async fn query(&self, statement: &str, parameters: &[Parameter<'_>], repeatable: Repeatable) -> Result<Vec<Row>> {
        let attempts = async {
            let mut attempts = 1..ATTEMPTS;
            loop {
                let client = self.inner.client().await?;
                match client.query_typed(statement, parameters).await {
                    Ok(rows) => return Ok(rows),
                    // As often as it takes: each time another one's statement was done.
                    Err(error) if is_undone(&error) => {}
                    Err(error) if is_lost(&client, &error) => {
                        self.inner.forget();
                        if repeatable == Repeatable::No || attempts.next().is_none() {
                            return Err(failed(&error));
                        }
                    }
                    Err(error) => return Err(failed(&error)),
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, attempts).await {
            Ok(result) => result,
            Err(_) => {
                // A connection that does not answer: the next operation makes another.
                self.inner.forget();
                Err(late())
            }
        }
    }
}

impl Inner {
    /// The connection, which is made anew where it is lost. Of many tasks that wait for it, one makes it.
    async fn client(&self) -> Result<Arc<Client>> {
        let mut client = self.client.lock().await;
        if let Some(client) = client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(client.clone());
        }
        let made = Arc::new((self.connector)().await.map_err(|error| failed(&error))?);
        *client = Some(made.clone());
        Ok(made)
    }

    /// Lets the connection go. If somebody is making another one just now there is nothing to let go.
    fn forget(&self) {
        if let Ok(mut client) = self.client.try_lock() {
            *client = None;
        }
    }
}

impl TokenStore for PostgresStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        const LOAD: &str = "SELECT version, content FROM grantry_records WHERE key = $1";
        Box::pin(async move {
            let rows = self.query(LOAD, &[(&key.as_str(), Type::TEXT)], Repeatable::Yes).await?;
            let Some(row) = rows.first() else { return Ok(None) };
            let record = record(row).ok_or_else(|| StoreError::corrupt(format!("what is stored for {key} is not a record")));
            record.map(Some)
        })
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        const INSERT: &str = "\
            INSERT INTO grantry_records (key, version, content) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING RETURNING 1";
        const UPDATE: &str = "\
            UPDATE grantry_records SET version = $2, content = $3 WHERE key = $1 AND version = $4 RETURNING 1";
        Box::pin(async move {
            // PostgreSQL's integers have a sign; what counts is that no two versions are one integer.
            let version = record.version.cast_signed();
            let (key, content) = (key.as_str(), record.content.expose().as_bytes());
            let mut parameters: Vec<Parameter<'_>> = vec![(&key, Type::TEXT), (&version, Type::INT8), (&content, Type::BYTEA)];
            let expected = expected.map(u64::cast_signed);
            let written = match &expected {
                None => self.query(INSERT, &parameters, Repeatable::No).await?,
                Some(expected) => {
                    parameters.push((expected, Type::INT8));
                    self.query(UPDATE, &parameters, Repeatable::No).await?
                }
            };
            Ok(!written.is_empty())
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        const DELETE: &str = "DELETE FROM grantry_records WHERE key = $1";
        Box::pin(async move { self.query(DELETE, &[(&key.as_str(), Type::TEXT)], Repeatable::Yes).await.map(drop) })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        const LEASE: &str = "\
            INSERT INTO grantry_leases (key, holder, ends) VALUES ($1, $2, now() + $3 * interval '1 millisecond')
            ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, ends = excluded.ends
            WHERE grantry_leases.holder = excluded.holder OR grantry_leases.ends <= now()
            RETURNING 1";
        Box::pin(async move {
            let millis = lease::millis(ttl) as f64;
            let parameters: [Parameter<'_>; 3] = [(&key.as_str(), Type::TEXT), (&holder, Type::TEXT), (&millis, Type::FLOAT8)];
            Ok(!self.query(LEASE, &parameters, Repeatable::Yes).await?.is_empty())
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        const RELEASE: &str = "DELETE FROM grantry_leases WHERE key = $1 AND holder = $2";
        Box::pin(async move {
            let parameters: [Parameter<'_>; 2] = [(&key.as_str(), Type::TEXT), (&holder, Type::TEXT)];
            self.query(RELEASE, &parameters, Repeatable::Yes).await.map(drop)
        })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresStore(..)")
    }
}

fn record(row: &Row) -> Option<Record> {
    let version: i64 = row.try_get(0).ok()?;
    let content: Vec<u8> = row.try_get(1).ok()?;
    Some(Record::new(version.cast_unsigned(), String::from_utf8(content).ok()?))
}

/// Brings the tables up to date. A role that may not make any needs not to where there is nothing to do.
async fn migrate(client: &mut Client) -> Result<()> {
    const IS_THERE: &str = "SELECT to_regclass('grantry_schema') IS NOT NULL";
    let row = client.query_typed_one(IS_THERE, &[]).await.map_err(|error| failed(&error))?;
    if row.try_get(0).map_err(|error| failed(&error))? && version(client).await? == LATEST {
        return Ok(());
    }
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start();
    let transaction = transaction.await.map_err(|error| failed(&error))?;
    // Of several who open the store at once, one makes the tables.
    let begin = format!(
        "SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); CREATE TABLE IF NOT EXISTS grantry_schema (version integer PRIMARY KEY)"
    );
    transaction.batch_execute(&begin).await.map_err(|error| failed(&error))?;
    let found = version(transaction.client()).await?;
    for (version, migration) in (1..=LATEST).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let step = format!("{migration} INSERT INTO grantry_schema (version) VALUES ({version})");
        transaction.batch_execute(&step).await.map_err(|error| failed(&error))?;
    }
    transaction.commit().await.map_err(|error| failed(&error))
}

/// The version of the tables.
async fn version(client: &Client) -> Result<i32> {
    const VERSION: &str = "SELECT coalesce(max(version), 0) FROM grantry_schema";
    let row = client.query_typed_one(VERSION, &[]).await.map_err(|error| failed(&error))?;
    let found = row.try_get(0).map_err(|error| failed(&error))?;
    match found > LATEST {
        true => Err(StoreError::new("the tables in PostgreSQL are of a later release, and this one does not know them")),
        false => Ok(found),
    }
}

/// Whether the server undid a statement because of another one, and it may be done again.
fn is_undone(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code))
}

fn is_lost(client: &Client, error: &tokio_postgres::Error) -> bool {
    client.is_closed() || error.is_closed() || error.code().is_some_and(|code| *code == SqlState::ADMIN_SHUTDOWN)
}

fn late() -> StoreError {
    StoreError::new(format!("PostgreSQL: no answer in {} seconds", TIMEOUT.as_secs()))
}

/// What happened, without the server's details: they may show values.
fn failed(error: &tokio_postgres::Error) -> StoreError {
    let said = match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("{} (SQLSTATE {})", said.message(), said.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    };
    StoreError::new(format!("PostgreSQL: {said}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;

    /// What a server says that lets everybody in and is ready: `AuthenticationOk`, `ReadyForQuery`.
    const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

    /// A place where connections are made, and nobody answers.
    async fn silence() -> (TcpListener, String) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("postgres://user@{}/test", listener.local_addr().unwrap());
        (listener, url)
    }

    /// The store of a connection that is yet to be made.
    fn unconnected(url: &str) -> PostgresStore {
        let config: Config = url.parse().unwrap();
        let connector = move || -> Connecting {
            let config = config.clone();
            Box::pin(async move {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            })
        };
        PostgresStore { inner: Arc::new(Inner { connector: Box::new(connector), client: Mutex::default() }) }
    }

    /// The operation fails once its time is over, and may be tried again.
    async fn assert_late<T: fmt::Debug>(operation: impl Future<Output = Result<T>>) {
        let started = Instant::now();
        let result = tokio::time::timeout(100 * TIMEOUT, operation).await.expect("it waits for ever");
        let error = result.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), TIMEOUT.as_secs(), "{error}");
        assert_eq!(error.to_string(), "the token store: PostgreSQL: no answer in 10 seconds");
        assert!(crate::Error::from(error).is_retryable());
    }

    #[tokio::test]
    async fn a_connection_string_that_cannot_be_read_is_not_shown() {
        for text in
            ["postgresql+asyncpg://app:hunter2@db/app?sslmode=disable", "\"postgresql://app:hunter2@db/app?sslmode=disable"]
        {
            let error = PostgresStore::connect(text).await.unwrap_err();
            assert!(error.to_string().contains("cannot be read"), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answered_is_not_waited_for() {
        let (_listener, url) = silence().await;
        assert_late(PostgresStore::connect(&url)).await;
        let key = StoreKey::new("acme", ["user"]);
        assert_late(unconnected(&url).load(&key)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_falls_silent_is_given_up() {
        let (listener, url) = silence().await;
        let greeting = tokio::spawn(async move {
            let mut open: Vec<TcpStream> = Vec::new();
            while open.len() < 2 {
                let mut stream = listener.accept().await.unwrap().0;
                stream.write_all(READY).await.unwrap();
                open.push(stream);
            }
            open
        });
        let store = unconnected(&url);
        let key = StoreKey::new("acme", ["user"]);
        assert_late(store.compare_and_swap(&key, None, &Record::new(1, "one"))).await;
        assert!(!greeting.is_finished());
        // The next operation makes another.
        assert_late(store.load(&key)).await;
        assert!(greeting.is_finished());
    }
}
