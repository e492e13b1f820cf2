//! The store in PostgreSQL.

use std::sync::Arc;

use grantry_engine::store::{PostgresStore, Record, StoreKey, TokenStore, conformance};
use grantry_tests::store_checks::{Opening, WRITERS, increments, leases};
use tokio::time::Duration;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::Outcome;
use crate::proxy::Proxy;

const EACH: u64 = 200;

/// Checks the store in a schema of its own, which is dropped at the end.
pub(crate) fn run(server: &Url) -> Outcome {
    let name = format!("grantry_check_{}", std::process::id());
    let admin = |statements: String| block_on(async { execute(&admin(server).await?, &statements).await });
    admin(format!("CREATE SCHEMA {name}; CREATE ROLE {name} NOLOGIN"))?;
    let outcome = check(server, &name);
    admin(format!("DROP SCHEMA {name} CASCADE; DROP OWNED BY {name}; DROP ROLE {name}"))?;
    outcome
}

fn check(server: &Url, schema: &str) -> Outcome {
    let url = with(server, &[("search_path", schema)]);
    // The first thing that happens to the schema: of the writers who open it, one makes the tables.
    increments(&opener(&url), &StoreKey::new("acme", ["increments"]), EACH)?;
    let serializable = with(server, &[("search_path", schema), ("default_transaction_isolation", "serializable")]);
    increments(&opener(&serializable), &StoreKey::new("acme", ["serializable"]), EACH)?;
    leases(&opener(&url), &StoreKey::new("acme", ["leases"]), 50)?;
    block_on(async {
        let store = open(&url).await?;
        for _ in 0..2 {
            conformance::check(&store, schema).await?;
        }
        versions(&store).await?;
        lost_connections(&url).await?;
        roles(server, schema).await?;
        later_release(server, schema).await
    })?;
    Ok(format!("conforms; {WRITERS} writers x {EACH} increments, twice: 0 lost; leases, lost connections, roles, later releases"))
}

/// The URL with settings of the server's.
fn with(server: &Url, settings: &[(&str, &str)]) -> Url {
    let mut url = server.clone();
    let options: Vec<String> = settings.iter().map(|(name, value)| format!("-c {name}={value}")).collect();
    // What a form encodes as `+` this query does not.
    let options: String = percent_encoding::utf8_percent_encode(&options.join(" "), percent_encoding::NON_ALPHANUMERIC).collect();
    url.set_query(Some(&format!("options={options}")));
    url
}

fn opener(url: &Url) -> impl Fn() -> Opening + Sync {
    let url = url.clone();
    move || {
        let url = url.clone();
        Box::pin(async move { Ok(Arc::new(open(&url).await?) as Arc<dyn TokenStore>) })
    }
}

async fn open(url: &Url) -> Result<PostgresStore, String> {
    PostgresStore::connect(url.as_str()).await.map_err(|error| error.to_string())
}

async fn admin(server: &Url) -> Result<Client, String> {
    let (client, connection) = tokio_postgres::connect(server.as_str(), NoTls).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(client)
}

async fn execute(client: &Client, statements: &str) -> Result<(), String> {
    client.batch_execute(statements).await.map_err(|error| format!("{statements}: {error:?}"))
}

/// The database has no unsigned numbers.
async fn versions(store: &PostgresStore) -> Result<(), String> {
    let key = StoreKey::new("acme", ["versions"]);
    let failed = |error: grantry_engine::store::StoreError| error.to_string();
    let is_written = store.compare_and_swap(&key, None, &Record::new(u64::MAX, "a\0b")).await.map_err(failed)?;
    let record = store.load(&key).await.map_err(failed)?.ok_or("nothing was written")?;
    let is_same = record.version == u64::MAX && record.content.expose() == "a\0b";
    let is_replaced = store.compare_and_swap(&key, Some(u64::MAX), &Record::new(0, "")).await.map_err(failed)?;
    store.delete(&key).await.map_err(failed)?;
    if is_written && is_same && is_replaced { Ok(()) } else { Err("the largest version does not come back".to_owned()) }
}

/// What is lost between two operations is made anew.
async fn lost_connections(url: &Url) -> Result<(), String> {
    let proxy = Proxy::to(url).map_err(|error| error.to_string())?;
    let store = open(proxy.url()).await?;
    crate::proxy::survives(&store, &proxy).await?;
    // One that is lost while nobody uses it is found out before the next write.
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let key = StoreKey::new("acme", ["idle"]);
    let written = store.compare_and_swap(&key, None, &Record::new(1, "one")).await;
    store.delete(&key).await.map_err(|error| error.to_string())?;
    written.map(drop).map_err(|error| format!("after a rest: {error}"))
}

/// A role that may not make tables opens the store where they are, and not where they are not.
async fn roles(server: &Url, schema: &str) -> Result<(), String> {
    let role = with(server, &[("search_path", schema), ("role", schema)]);
    if open(&role).await.is_ok() {
        return Err("a role without any rights opens the store".to_owned());
    }
    let rights = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {schema}; GRANT SELECT ON {schema}.grantry_schema TO {schema};
         GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.grantry_records, {schema}.grantry_leases TO {schema}"
    );
    execute(&admin(server).await?, &rights).await?;
    conformance::check(&open(&role).await?, "roles").await
}

async fn later_release(server: &Url, schema: &str) -> Result<(), String> {
    execute(&admin(server).await?, &format!("INSERT INTO {schema}.grantry_schema VALUES (1000)")).await?;
    match open(&with(server, &[("search_path", schema)])).await {
        Err(error) if error.contains("later release") => Ok(()),
        other => Err(format!("tables of a later release: {other:?}")),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let result = runtime.block_on(work);
    // Connections say goodbye.
    runtime.shutdown_timeout(Duration::from_secs(5));
    result
}
