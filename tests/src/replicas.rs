//! Replicas as real processes: a provider that rotates refresh tokens and detects their reuse, and what each process does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use grantry_engine::store::TokenStore;
use grantry_engine::{Client, Descriptor, Token, Transport};
use serde_json::json;

use crate::emulator::{Received, Sent};
use crate::script::Script;

/// The application's key of the session that everybody shares.
const KEY: &str = "user-1";

/// A provider on loopback. It replaces each refresh token when it is used, and revokes everything when one is used twice.
pub struct RotatingProvider {
    script: Script,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    generation: u64,
    token_calls: u64,
    is_revoked: bool,
}

impl RotatingProvider {
    /// Starts it.
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let script = Script::start(move |request| shared.lock().unwrap_or_else(PoisonError::into_inner).answer(request));
        Self { script, state }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.script.addr()
    }

    /// Its certificate authority, as DER.
    pub fn ca_der(&self) -> Vec<u8> {
        self.script.ca_der()
    }

    /// How often a token was asked for.
    pub fn token_calls(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).token_calls
    }

    /// Whether no refresh token was used twice.
    pub fn is_alive(&self) -> bool {
        !self.state.lock().unwrap_or_else(PoisonError::into_inner).is_revoked
    }
}

impl State {
    fn answer(&mut self, request: &Received) -> Sent {
        match request.url.path() {
            "/token" => self.token(request),
            _ => {
                let bearer = format!("Bearer at-{}", self.generation);
                let is_valid = !self.is_revoked && request.header("authorization") == Some(&bearer);
                Sent::json(if is_valid { 200 } else { 401 }, json!({}))
            }
        }
    }

    fn token(&mut self, request: &Received) -> Sent {
        self.token_calls += 1;
        let is_current = request.form_value("refresh_token") == Some(format!("rt-{}", self.generation));
        self.is_revoked |= !is_current;
        if self.is_revoked {
            return Sent::json(400, json!({ "error": "invalid_grant" }));
        }
        self.generation += 1;
        let (access_token, refresh_token) = (format!("at-{}", self.generation), format!("rt-{}", self.generation));
        Sent::json(
            200,
            json!({ "access_token": access_token, "token_type": "bearer", "expires_in": 3600, "refresh_token": refresh_token }),
        )
    }
}

/// A client of the provider's.
fn client(store: Arc<dyn TokenStore>, addr: SocketAddr, ca_der: Vec<u8>, run: &str) -> Result<Client, String> {
    let readable = |error: &dyn std::fmt::Display| error.to_string();
    let descriptor = Descriptor::builder("replicas")
        .authorization_endpoint("https://replicas.example/authorize")
        .token_endpoint("https://replicas.example/token")
        .client_authentication_method("client_secret_post")
        .base_url("https://api.replicas.example/")
        .build()
        .map_err(|problems| readable(&problems))?;
    // The run is part of the key: a store may be used again.
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), run, "secret").map_err(|error| readable(&error))?;
    let transport = Transport::builder().danger_test_network(addr, ca_der).build();
    Ok(client.transport(transport).shared_token_store(store))
}

/// Stores a session whose token has expired.
///
/// # Errors
///
/// Where the store fails.
pub async fn sign_in(store: Arc<dyn TokenStore>, provider: &RotatingProvider, run: &str) -> Result<(), String> {
    let mut token = Token::new("at-0");
    token.refresh_token = Some("rt-0".into());
    token.expires_at = Some(1);
    let client = client(store, provider.addr(), provider.ca_der(), run)?;
    client.session(token).keep(KEY).await.map_err(|error| error.to_string())
}

/// What a process does: many callers, each of whom wants the session and makes a request with it.
///
/// # Errors
///
/// The first caller's that fails.
pub async fn process(
    store: Arc<dyn TokenStore>,
    addr: SocketAddr,
    ca_der: Vec<u8>,
    run: &str,
    callers: usize,
) -> Result<(), String> {
    let client = client(store, addr, ca_der, run)?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let client = client.clone();
        tasks.spawn(async move {
            let session = client.session_for(KEY).await.map_err(|error| error.to_string())?;
            let session = session.ok_or("the store has no session")?;
            session.get("items").await.map(|_| ()).map_err(|error| error.to_string())
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.map_err(|error| error.to_string())??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use grantry_engine::HttpResponse;
    use grantry_engine::store::{MemoryStore, Record, StoreKey};
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[tokio::test]
    async fn ten_thousand_callers_make_one_token_call() {
        let provider = RotatingProvider::start();
        let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
        sign_in(Arc::clone(&store), &provider, "test").await.unwrap();
        let client = client(store, provider.addr(), provider.ca_der(), "test").unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..10_000 {
            let client = client.clone();
            tasks.spawn(async move { client.session_for(KEY).await.unwrap().unwrap().token().await.unwrap() });
        }
        while let Some(token) = tasks.join_next().await {
            assert_eq!(token.unwrap().access_token.expose(), "at-1");
        }
        assert_eq!(provider.token_calls(), 1);
        assert!(provider.is_alive());
    }

    #[tokio::test]
    async fn eight_replicas_in_one_process_make_one_token_call() {
        let provider = RotatingProvider::start();
        let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
        sign_in(Arc::clone(&store), &provider, "test").await.unwrap();
        let replicas = (0..8).map(|_| process(Arc::clone(&store), provider.addr(), provider.ca_der(), "test", 50));
        for outcome in futures_all(replicas).await {
            outcome.unwrap();
        }
        assert_eq!(provider.token_calls(), 1);
        assert!(provider.is_alive());
    }

    /// While the provider refuses one process, another has the session's new token written down.
    #[tokio::test]
    async fn a_refused_process_looks_at_the_store_before_it_gives_up() {
        let store = Arc::new(MemoryStore::new());
        let provider = RotatingProvider::start();
        sign_in(Arc::clone(&store) as _, &provider, "test").await.unwrap();
        let key = StoreKey::new("replicas", ["https://replicas.example/token", "test", KEY]);
        let other = (Arc::clone(&store), key);
        let transport = Transport::builder().danger_in_process(move |_| {
            let (store, key) = other.clone();
            async move {
                let record = store.load(&key).await.unwrap().unwrap();
                let content = record.content.expose().replace("at-0", "at-9").replace("rt-0", "rt-9");
                let content = content.replace("\"expires_at\":1,", "");
                let newer = Record::new(record.version + 1, content);
                assert!(store.compare_and_swap(&key, Some(record.version), &newer).await.unwrap());
                Ok(HttpResponse::new(StatusCode::BAD_REQUEST, HeaderMap::new(), r#"{"error":"invalid_grant"}"#.into()))
            }
        });
        let client = client(store, provider.addr(), provider.ca_der(), "test").unwrap().transport(transport.build());
        let session = client.session_for(KEY).await.unwrap().unwrap();
        assert_eq!(session.token().await.unwrap().access_token.expose(), "at-9");
    }

    async fn futures_all<T: Send + 'static>(futures: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
        let tasks: Vec<_> = futures.map(tokio::spawn).collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        results
    }
}
