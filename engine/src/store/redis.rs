//! A store in Redis, or what speaks its protocol: for services of many replicas.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo as _, RedisError};

use super::{Record, StoreError, StoreKey, StoreTask, TokenStore, lease};

/// How long an operation may take, a new connection included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest pause between two attempts to connect anew.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes a record if the version is the expected one; the empty text expects that there is none.
const COMPARE_AND_SWAP: &str = "\
    local found = redis.call('HGET', KEYS[1], 'version') or ''
    if found ~= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[1], 'version', ARGV[2], 'content', ARGV[3])
    return 1";

/// Takes a lease, or prolongs it.
const LEASE: &str = "\
    local found = redis.call('GET', KEYS[1])
    if found and found ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1";

/// Gives a lease back.
const RELEASE: &str = "\
    if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
    return 1";

/// Keeps records in Redis 4.0 or later, each in a hash of its own; leases are keys that run out by the server's time.
///
/// A record lasts as long as the server keeps it: one that must not lose a token that was just rotated has `appendonly yes` and
/// `appendfsync always`, and the `maxmemory-policy` has to be `noeviction`.
///
/// A replica that takes over may lack the last writes. A record is then an older one, with a refresh token that may be used up: a session
/// that has the newer token puts it in place, and where none has it the user may have to sign in again. A lease may be given twice.
/// Nothing here waits for replicas (`WAIT`): `min-replicas-to-write` and `min-replicas-max-lag` limit how much can be lost, and a server
/// that comes back with its own `appendonly` file, instead of a failover, loses nothing.
///
/// A lost connection is made anew; no operation waits longer than ten seconds, for that or for its answer. What can be repeated is repeated
/// once; a [`compare_and_swap`](TokenStore::compare_and_swap) whose answer got lost is an error, and may have had its effect.
///
/// Connections are not encrypted; an application that enables the feature `tokio-rustls-comp` of the crate `redis` may use `rediss://`.
/// The content of records is plain text in the server; [`Sealed`](super::Sealed) encrypts it.
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    prefix: String,
}

type Result<T> = std::result::Result<T, StoreError>;

/// Whether doing it twice is doing it once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeatable {
    Yes,
    No,
}

impl RedisStore {
    /// Connects to a server: `redis://user:password@host:6379/0`. The prefix stands before every key (`"grantry:"`): it tells the store's
    /// keys from others, and several stores from each other.
    ///
    /// # Errors
    /// The URL is none, or the server cannot be reached or does not answer.
    pub async fn connect(url: &str, prefix: impl Into<String>) -> Result<Self> {
        // A server that went without a word is noticed by the system, not by the client, which waits for its answer.
        let keepalive = TcpKeepalive::new().with_time(TIMEOUT).with_interval(Duration::from_secs(2));
        let tcp = TcpSettings::default().set_keepalive(keepalive);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(TIMEOUT);
        let client = Client::open(url.into_connection_info().map_err(failed)?.set_tcp_settings(tcp)).map_err(failed)?;
        let config = ConnectionManagerConfig::new()
            // An operation has its own limit.
            .set_response_timeout(None)
            .set_connection_timeout(Some(TIMEOUT))
            .set_max_delay(PAUSE);
        let connecting = client.get_connection_manager_with_config(config);
        let connection = in_time(async { connecting.await.map_err(failed) }).await?;
        Ok(Self::with_connection(connection, prefix))
    }

    /// The store over a connection of the caller's, with timeouts and whatever else it needs (crate `redis`, version 1).
    pub fn with_connection(connection: ConnectionManager, prefix: impl Into<String>) -> Self {
        Self { connection, prefix: prefix.into() }
    }

    fn record(&self, key: &StoreKey) -> String {
        format!("{}record:{key}", self.prefix)
    }

    fn holder(&self, key: &StoreKey) -> String {
        format!("{}lease:{key}", self.prefix)
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd, repeatable: Repeatable) -> Result<T> {
        in_time(self.attempt(command, repeatable)).await
    }

    async fn attempt<T: FromRedisValue>(&self, command: &Cmd, repeatable: Repeatable) -> Result<T> {
        let mut connection = self.connection.clone();
        let result = command.query_async(&mut connection).await;
        match result {
            // The connection was lost, as one that nobody used for long may be; there is a new one now.
            Err(error) if repeatable == Repeatable::Yes && is_lost(&error) => {
                command.query_async(&mut connection).await.map_err(failed)
            }
            result => result.map_err(failed),
        }
    }
}

impl TokenStore for RedisStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        Box::pin(async move {
            let mut command = redis::cmd("HMGET");
            command.arg(self.record(key)).arg("version").arg("content");
            match self.run(&command, Repeatable::Yes).await? {
                (None, None) => Ok(None),
                (version, content) => {
                    let record = record(version, content);
                    record.map(Some).ok_or_else(|| StoreError::corrupt(format!("{} is not a record", self.record(key))))
                }
            }
        })
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        Box::pin(async move {
            let expected = expected.map(|version| version.to_string()).unwrap_or_default();
            let mut command = script(COMPARE_AND_SWAP, &self.record(key));
            command.arg(expected).arg(record.version.to_string()).arg(record.content.expose());
            self.run(&command, Repeatable::No).await
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("DEL");
            command.arg(self.record(key));
            self.run(&command, Repeatable::Yes).await
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        Box::pin(async move {
            let mut command = script(LEASE, &self.holder(key));
            command.arg(holder).arg(lease::millis(ttl));
            self.run(&command, Repeatable::Yes).await
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        Box::pin(async move {
            let mut command = script(RELEASE, &self.holder(key));
            command.arg(holder);
            self.run(&command, Repeatable::Yes).await
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A script over one key. Scripts are short, and the server keeps them compiled: their text is sent each time.
fn script(text: &str, key: &str) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(text).arg(1).arg(key);
    command
}

fn record(version: Option<String>, content: Option<Vec<u8>>) -> Option<Record> {
    let version = version?.parse().ok()?;
    let content = String::from_utf8(content?).ok()?;
    Some(Record::new(version, content))
}

/// A server that is gone without a word costs one limit, and not one for each attempt to connect anew.
async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| StoreError::new(format!("Redis: no answer in {} seconds", TIMEOUT.as_secs()));
    tokio::time::timeout(TIMEOUT, work).await.map_err(late)?
}

fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped() || (error.is_io_error() && !error.is_timeout())
}

/// The server's words are about commands and keys. Where it names arguments, the first 128 characters, a script comes before them.
fn failed(error: RedisError) -> StoreError {
    StoreError::new(format!("Redis: {error}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;

    /// A place where connections are made, and nobody answers.
    async fn silence() -> (TcpListener, String) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("redis://{}/", listener.local_addr().unwrap());
        (listener, url)
    }

    /// Answers the greeting of the next who comes: two commands that say who it is.
    async fn greet(listener: &TcpListener) -> TcpStream {
        let mut stream = listener.accept().await.unwrap().0;
        let mut greeting = Vec::new();
        while greeting.windows(7).filter(|bytes| bytes == b"SETINFO").count() < 2 {
            assert!(stream.read_buf(&mut greeting).await.unwrap() > 0);
        }
        stream.write_all(b"+OK\r\n+OK\r\n").await.unwrap();
        stream
    }

    async fn connected(listener: &TcpListener, url: &str) -> (RedisStore, TcpStream) {
        let (store, stream) = tokio::join!(RedisStore::connect(url, "grantry:"), greet(listener));
        (store.unwrap(), stream)
    }

    /// The operation fails once its time is over, and may be tried again.
    async fn assert_late<T: fmt::Debug>(operation: impl Future<Output = Result<T>>) {
        let started = Instant::now();
        let result = tokio::time::timeout(100 * TIMEOUT, operation).await.expect("it waits for ever");
        let error = result.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), TIMEOUT.as_secs(), "{error}");
        assert_eq!(error.to_string(), "the token store: Redis: no answer in 10 seconds");
        assert!(crate::Error::from(error).is_retryable());
    }

    #[tokio::test]
    async fn a_server_that_falls_silent_costs_one_limit() {
        let (listener, url) = silence().await;
        let (store, stream) = connected(&listener, &url).await;
        tokio::time::pause();
        let key = StoreKey::new("acme", ["user"]);
        assert_late(store.load(&key)).await;
        assert_late(store.compare_and_swap(&key, None, &Record::new(1, "one"))).await;
        assert_late(store.lease(&key, "one", TIMEOUT)).await;
        // Connecting anew is part of the operation: nobody answers there either.
        drop(stream);
        assert_late(store.load(&key)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answered_is_not_waited_for() {
        let (_listener, url) = silence().await;
        assert_late(RedisStore::connect(&url, "grantry:")).await;
    }
}
