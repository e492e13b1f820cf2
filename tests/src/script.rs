//! A server for tests of single behaviours: it answers what the test says and remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantry_engine::{Clock, Transport, TransportBuilder};
use rustls::ServerConfig;
use serde_json::{Map, Value};

use crate::emulator::{Authority, Handler, Received, Sent, Server};
use crate::{NOW, jwt, keys};

/// A running server under every host name; dropping it stops it.
pub struct Script {
    server: Server,
    authority: Arc<Authority>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Script {
    /// Answers each request by a function.
    ///
    /// # Panics
    ///
    /// Where the machine lets it make no key, bind no port or start no thread.
    pub fn start(answer: impl Fn(&Received) -> Sent + Send + Sync + 'static) -> Self {
        let authority = Arc::new(Authority::new().expect("a certificate authority can be made"));
        let config = authority.server_config().expect("the TLS configuration is sound");
        Self::start_with(authority, config, answer)
    }

    /// Answers clients that show a certificate, and no others; the certificate and its private key as PEM.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_mutual(answer: impl Fn(&Received) -> Sent + Send + Sync + 'static) -> (Self, String) {
        let authority = Arc::new(Authority::new().expect("a certificate authority can be made"));
        let config = authority.mutual_config().expect("the TLS configuration is sound");
        let certificate = authority.client_certificate().expect("a certificate can be made");
        (Self::start_with(authority, config, answer), certificate)
    }

    fn start_with(
        authority: Arc<Authority>,
        config: ServerConfig,
        answer: impl Fn(&Received) -> Sent + Send + Sync + 'static,
    ) -> Self {
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let log = Arc::clone(&received);
        let handler: Handler = Arc::new(move |request| {
            let sent = answer(&request);
            lock(&log).push(request);
            sent
        });
        let server = Server::start(config, handler).expect("a loopback port can be bound");
        Self { server, authority, received }
    }

    /// Answers one request after the other; once the answers are used up, with HTTP 599.
    pub fn answers(answers: impl IntoIterator<Item = Sent>) -> Self {
        let answers: Mutex<VecDeque<Sent>> = Mutex::new(answers.into_iter().collect());
        Self::start(move |_| lock(&answers).pop_front().unwrap_or_else(|| Sent::text(599, "no more answers")))
    }

    /// The engine's transport to this server.
    pub fn transport(&self) -> Transport {
        self.transport_builder().build()
    }

    /// The same with options of the test's.
    pub fn transport_builder(&self) -> TransportBuilder {
        Transport::builder().danger_test_network(self.addr(), self.ca_der())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// The certificate of the authority that signs for every host, as DER.
    pub fn ca_der(&self) -> Vec<u8> {
        self.authority.der().to_vec()
    }

    /// What it was asked so far, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// The only request so far.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    pub fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sent {
    /// A JSON answer.
    pub fn json(status: u16, body: impl Into<Value>) -> Self {
        let body: Value = body.into();
        Self { status, headers: vec![("content-type".into(), "application/json".into())], body: body.to_string() }
    }

    /// An answer of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: vec![("content-type".into(), "text/plain".into())], body: body.into() }
    }

    /// The same answer with another header; `content-type` is replaced.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Received {
    /// A parameter of the form body.
    ///
    /// # Panics
    ///
    /// Where it stands there twice.
    pub fn form_value(&self, name: &str) -> Option<String> {
        let mut found = self.form().into_iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let first = found.next();
        assert_eq!(found.next(), None, "{name} stands twice");
        first
    }

    /// The body as text.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// URL path and query, as sent.
    pub fn target(&self) -> String {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", self.url.path())
    }
}

/// A JWT that the provider signed: `RS256` and `ES256` with the keys of [`provider_jwks`], `HS256` with the client secret.
///
/// # Panics
///
/// For another algorithm, or where header or claims are no objects.
pub fn provider_jwt(alg: &str, header: &Value, claims: &Value, client_secret: &str) -> String {
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    jwt::sign(object(header), &object(claims), alg, client_secret).expect("the emulator signs with it")
}

/// The key set of [`provider_jwt`]'s keys.
pub fn provider_jwks() -> Value {
    keys::jwks()
}

/// The S256 challenge of a code verifier (RFC 7636 section 4.2).
pub fn code_challenge(code_verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, code_verifier.as_bytes()))
}

/// Header and claims of a JWT, its signature unchecked.
///
/// # Panics
///
/// Where it is no JWT.
pub fn jwt_parts(jwt: &str) -> (Map<String, Value>, Map<String, Value>) {
    jwt::parts(jwt).expect("a JWT")
}

/// A clock that the test sets; sleeping moves it, and nothing else does. It starts at [`NOW`].
#[derive(Clone)]
pub struct TestClock {
    began: Instant,
    elapsed: Arc<AtomicU64>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { began: Instant::now(), elapsed: Arc::default() }
    }
}

impl TestClock {
    /// Moves the clock on.
    pub fn advance(&self, seconds: u64) {
        self.elapsed.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Seconds since [`NOW`].
    pub fn elapsed(&self) -> u64 {
        self.elapsed.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        NOW + self.elapsed()
    }

    fn monotonic(&self) -> Instant {
        self.began + Duration::from_secs(self.elapsed())
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.advance(duration.as_secs());
        Box::pin(tokio::task::yield_now())
    }
}

/// A wall clock that starts at [`NOW`], goes with tokio's clock, and is put forward and back by the test.
#[derive(Clone)]
pub struct WallClock {
    began: tokio::time::Instant,
    offset: Arc<AtomicI64>,
}

impl Default for WallClock {
    fn default() -> Self {
        Self { began: tokio::time::Instant::now(), offset: Arc::default() }
    }
}

impl WallClock {
    /// Puts the clock forward, or back.
    pub fn put(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for WallClock {
    fn now(&self) -> u64 {
        (NOW + self.began.elapsed().as_secs()).saturating_add_signed(self.offset.load(Ordering::SeqCst))
    }
}
