//! Refreshes whose answer was lost, was a refusal or could not be used, and what an earlier renewal left behind.

mod afterwards;
mod gone;
mod keeping;
mod left_behind;
mod others;
mod replay;

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_descriptor::Node;
use grantry_engine::store::{MemoryStore, StoreKey};
use grantry_engine::{
    Client, Clock, Descriptor, Dynamic, Error, ErrorKind, HttpRequest, HttpResponse, Lost, Session, Token, Transport,
};
use grantry_tests::NOW;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

/// The application's key.
pub(crate) const KEY: &str = "user-1";

/// In place of a status: no answer comes while the process lives.
pub(crate) const HANGS: u16 = 0;

/// Beside a status: after a second.
pub(crate) const SLOWLY: u16 = 1000;

/// Where its record is.
pub(crate) fn store_key() -> StoreKey {
    StoreKey::new("acme", ["https://acme.example/token", "dev", KEY])
}

/// What becomes of a request.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// The tokens of this generation are issued.
    Issued(u32),
    /// After a second.
    Slowly(u32),
    /// With a token type that nobody asked for.
    Odd(u32),
    /// An access token alone.
    NotRotated(u32),
    /// With an id token that no key has signed.
    WithIdToken(u32),
    RequestLost,
    AnswerLost,
    /// After so many seconds.
    LostAfter(u64),
    /// No answer comes while the process lives.
    Hangs,
    Busy,
    Fails,
    InvalidGrant,
    /// With this code, after a second.
    Refused(&'static str),
}

/// `{"alg":"RS256","kid":"unknown"}`, `{}` and a signature of nothing.
const UNSIGNED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InVua25vd24ifQ.e30.AAAA";

fn tokens(n: u32) -> String {
    format!(r#""access_token":"at-{n}","token_type":"bearer","expires_in":60,"refresh_token":"rt-{n}""#)
}

/// A provider with an answer for each request, and what it was asked: when, in milliseconds since the process started, and with which
/// refresh token.
pub(crate) struct Provider {
    fates: Mutex<VecDeque<Fate>>,
    /// How the first requests for anything else are answered.
    afterwards: Mutex<VecDeque<u16>>,
    asked: Mutex<Vec<(u128, String)>>,
    revoked: Mutex<Vec<String>>,
}

impl Provider {
    pub(crate) fn new(fates: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        Self::with_afterwards([], fates)
    }

    pub(crate) fn with_afterwards(statuses: impl IntoIterator<Item = u16>, fates: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        let afterwards = Mutex::new(statuses.into_iter().collect());
        Arc::new(Self {
            fates: Mutex::new(fates.into_iter().collect()),
            afterwards,
            asked: Mutex::default(),
            revoked: Mutex::default(),
        })
    }

    async fn answer(&self, request: HttpRequest, started: Instant) -> Result<HttpResponse, Lost> {
        let answer =
            |status: u16, body: String| HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.into());
        let form = String::from_utf8_lossy(request.body.as_bytes().unwrap_or_default()).into_owned();
        let value = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(name)).map(ToOwned::to_owned);
        if request.url.path() == "/revoke" {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.revoked.lock().unwrap().extend(value("token="));
            return Ok(answer(200, String::new()));
        }
        if request.url.path() != "/token" {
            let status = self.afterwards.lock().unwrap().pop_front();
            let status = match status.unwrap_or(200) {
                HANGS => std::future::pending().await,
                status if status >= SLOWLY => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    status - SLOWLY
                }
                status => status,
            };
            let body = match status {
                400 => r#"{"error":"access_denied"}"#,
                _ => r#"{"access_token":"long","expires_in":60,"keys":[]}"#,
            };
            return Ok(answer(status, body.to_owned()));
        }
        let refresh_token = value("refresh_token=").unwrap_or_else(|| "none".to_owned());
        self.asked.lock().unwrap().push((started.elapsed().as_millis(), refresh_token));
        let fate = self.fates.lock().unwrap().pop_front().expect("no more requests");
        match fate {
            Fate::Issued(n) => Ok(answer(200, format!("{{{}}}", tokens(n)))),
            Fate::Slowly(n) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(answer(200, format!("{{{}}}", tokens(n))))
            }
            Fate::Odd(n) => Ok(answer(200, format!("{{{}}}", tokens(n).replace("bearer", "mac")))),
            Fate::NotRotated(n) => Ok(answer(200, format!(r#"{{"access_token":"at-{n}","expires_in":60}}"#))),
            Fate::WithIdToken(n) => Ok(answer(200, format!(r#"{{{},"id_token":"{UNSIGNED}"}}"#, tokens(n)))),
            Fate::RequestLost => Err(Lost::Request),
            Fate::AnswerLost => Err(Lost::Answer),
            Fate::LostAfter(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Err(Lost::Answer)
            }
            Fate::Hangs => std::future::pending().await,
            Fate::Busy => Ok(answer(503, "busy".to_owned())),
            Fate::Fails => Ok(answer(500, "<html>".to_owned())),
            Fate::InvalidGrant => Ok(answer(400, r#"{"error":"invalid_grant"}"#.to_owned())),
            Fate::Refused(code) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(answer(200, format!(r#"{{"error":"{code}"}}"#)))
            }
        }
    }

    /// The refresh tokens that were sent.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, token)| token.clone()).collect()
    }

    /// The tokens that were given back.
    pub(crate) fn revoked(&self) -> Vec<String> {
        self.revoked.lock().unwrap().clone()
    }

    /// The seconds since the process started at which the last request came.
    pub(crate) fn last_asked_at(&self) -> u128 {
        self.asked.lock().unwrap().last().unwrap().0 / 1000
    }
}

/// Runs a process on a clock of its own, which moves only while everybody waits. At its end it dies, whatever is under way.
pub(crate) fn process<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// Starts at [`NOW`].
struct ProcessClock(Instant);

impl Clock for ProcessClock {
    fn now(&self) -> u64 {
        NOW + self.0.elapsed().as_secs()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A client in a process, of a descriptor with these cells.
pub(crate) fn client(provider: &Arc<Provider>, cells: &[(&str, Node)]) -> Client<Dynamic> {
    let descriptor = Descriptor::builder("acme")
        .authorization_endpoint("https://acme.example/authorize")
        .token_endpoint("https://acme.example/token")
        .client_authentication_method("client_secret_post")
        .grant_types(["authorization_code", "refresh_token", "client_credentials"]);
    let descriptor = cells.iter().fold(descriptor, |descriptor, (path, value)| descriptor.set(path, value.clone()));
    let (provider, started) = (Arc::clone(provider), Instant::now());
    let transport = Transport::builder().danger_in_process(move |request| {
        let provider = Arc::clone(&provider);
        async move { provider.answer(request, started).await }
    });
    let client = Client::from_descriptor(descriptor.build().unwrap(), BTreeMap::new(), "dev", "secret").unwrap();
    client.transport(transport.build()).clock(ProcessClock(started))
}

/// The tokens of the first generation, expired.
pub(crate) fn expired() -> Token {
    let mut token = Token::new("at-1");
    token.refresh_token = Some("rt-1".into());
    token.expires_at = Some(NOW - 1);
    token
}

/// A session that is kept nowhere.
pub(crate) fn session(provider: &Arc<Provider>, cells: &[(&str, Node)]) -> Session {
    client(provider, cells).session(expired())
}

pub(crate) fn store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    process(async {
        let client = client(&Provider::new([]), &[]).shared_token_store(Arc::clone(&store) as _);
        client.session(expired()).keep(KEY).await.unwrap();
    });
    store
}

/// What a process gets from the session in the store.
pub(crate) async fn stored(
    provider: &Arc<Provider>,
    cells: &[(&str, Node)],
    store: &Arc<MemoryStore>,
) -> Result<Arc<Token>, Error> {
    let client = client(provider, cells).shared_token_store(Arc::clone(store) as _);
    client.session_for(KEY).await.unwrap().unwrap().token().await
}

/// A process that dies while the provider has its refresh request.
pub(crate) fn dies(provider: &Arc<Provider>, cells: &[(&str, Node)], store: &Arc<MemoryStore>) {
    let outcome = process(async { tokio::time::timeout(Duration::from_secs(1), stored(provider, cells, store)).await });
    assert!(outcome.is_err(), "the process lives");
}

pub(crate) fn access_token(token: &Token) -> &str {
    token.access_token.expose()
}

pub(crate) fn assert_outcome_is_unknown(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::RefreshOutcomeUnknown, "{error}");
    assert!(error.needs_login() && !error.is_retryable(), "{error}");
}
