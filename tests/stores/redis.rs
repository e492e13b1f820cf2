//! The store in Redis.

use std::sync::Arc;

use grantry_engine::store::{Record, RedisStore, StoreKey, TokenStore, conformance};
use grantry_tests::store_checks::{Opening, WRITERS, increments, leases};
use redis::Connection;
use url::Url;

use crate::Outcome;
use crate::proxy::Proxy;

const EACH: u64 = 200;

/// Checks the store under a prefix of its own. It leaves nothing behind.
pub(crate) fn run(server: &Url) -> Outcome {
    let prefix = format!("grantry-check-{}:", std::process::id());
    increments(&opener(server, &prefix), &StoreKey::new("acme", ["increments"]), EACH)?;
    leases(&opener(server, &prefix), &StoreKey::new("acme", ["leases"]), 50)?;
    let mut connection = redis::Client::open(server.as_str()).and_then(|client| client.get_connection()).map_err(said)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let store = open(server, &prefix).await?;
        for _ in 0..2 {
            conformance::check(&store, "1").await?;
        }
        prefixes(server, &store, &prefix).await?;
        damage(&store, &prefix, &mut connection).await?;
        let proxy = Proxy::to(server).map_err(|error| error.to_string())?;
        crate::proxy::survives(&open(proxy.url(), &prefix).await?, &proxy).await
    })?;
    let left: Vec<String> = redis::cmd("KEYS").arg(format!("{prefix}*")).query(&mut connection).map_err(said)?;
    match left.is_empty() {
        true => Ok(format!("conforms; {WRITERS} writers x {EACH} increments: 0 lost; leases, damaged records, lost connections")),
        false => Err(format!("left behind: {left:?}")),
    }
}

fn said(error: redis::RedisError) -> String {
    error.to_string()
}

fn opener(server: &Url, prefix: &str) -> impl Fn() -> Opening + Sync {
    let (server, prefix) = (server.clone(), prefix.to_owned());
    move || {
        let (server, prefix) = (server.clone(), prefix.clone());
        Box::pin(async move { Ok(Arc::new(open(&server, &prefix).await?) as Arc<dyn TokenStore>) })
    }
}

async fn open(server: &Url, prefix: &str) -> Result<RedisStore, String> {
    RedisStore::connect(server.as_str(), prefix).await.map_err(|error| error.to_string())
}

/// Stores with different prefixes do not meet.
async fn prefixes(server: &Url, store: &RedisStore, prefix: &str) -> Result<(), String> {
    let key = StoreKey::new("acme", ["prefixes"]);
    let other = open(server, &format!("{prefix}other:")).await?;
    let failed = |error: grantry_engine::store::StoreError| error.to_string();
    let is_written = store.compare_and_swap(&key, None, &Record::new(u64::MAX, "a\0b")).await.map_err(failed)?;
    let is_apart = other.load(&key).await.map_err(failed)?.is_none();
    let record = store.load(&key).await.map_err(failed)?.ok_or("nothing was written")?;
    store.delete(&key).await.map_err(failed)?;
    let is_same = record.version == u64::MAX && record.content.expose() == "a\0b";
    if is_written && is_apart && is_same { Ok(()) } else { Err("two prefixes are one, or a record changes".to_owned()) }
}

/// What is not a record is never taken for one.
async fn damage(store: &RedisStore, prefix: &str, connection: &mut Connection) -> Result<(), String> {
    let key = StoreKey::new("acme", ["damage"]);
    let name = format!("{prefix}record:{key}");
    for fields in
        [&["version", "1"][..], &["content", "x"], &["version", "one", "content", "x"], &["version", "-1", "content", "x"]]
    {
        let () = redis::cmd("HSET").arg(&name).arg(fields).query(connection).map_err(said)?;
        match store.load(&key).await {
            Err(error) if error.is_corrupt() => {}
            other => return Err(format!("{fields:?} was loaded as {other:?}")),
        }
        store.delete(&key).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
