//! Runs the engine through the conversation of a fixture: the same for every provider.

mod drift;
mod outcome;

use std::collections::BTreeMap;

use grantry_descriptor::Descriptor;
use grantry_engine::{
    Callback, Client, Clock, Credential, Dynamic, Entropy, Error, Pending, RequestBuilder, Session, SigningKey, Token, Transport,
};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber as _;
use url::Url;

use crate::browser::{Arrival, Browser, Lost};
use crate::emulator::Emulator;
use crate::fixture::{Application, Call, Fixture, Json, Ordered, Scenario};
use crate::{NOW, keys};
use drift::Drift;
pub use outcome::{Outcome, Step};

/// An emulator of one provider, and what talks to it. Connections are kept from one conversation to the next.
pub struct Stage {
    fixture: Fixture,
    emulator: Emulator,
    browser: Browser,
    transport: Transport,
}

impl Stage {
    /// Starts the emulator.
    pub fn new(fixture: Fixture) -> Self {
        let emulator = Emulator::start(vec![fixture.clone()]);
        let browser = Browser::new(&emulator);
        let transport = transport(&emulator);
        Self { fixture, emulator, browser, transport }
    }

    /// The fixture that is played.
    pub fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    /// One conversation, from the authorization URL to the refresh. What depends on a step that failed is left out.
    pub async fn run(&self, descriptor: &Descriptor, scenario: &Scenario) -> Outcome {
        let drift = Drift::default();
        self.emulator.begin(&self.fixture.id, scenario);
        let run = Run { stage: self, scenario, drift: drift.clone(), outcome: Outcome::default() };
        run.play(descriptor).with_subscriber(drift).await
    }
}

/// The engine's transport to an emulator.
pub fn transport(emulator: &Emulator) -> Transport {
    Transport::builder().danger_test_network(emulator.addr(), emulator.ca_der()).build()
}

/// A client with the application's settings, the tests' clock and its own random numbers.
///
/// # Errors
///
/// As of the engine.
pub fn client(descriptor: &Descriptor, application: &Application, transport: Transport) -> Result<Client, Error> {
    let variables: BTreeMap<String, String> = application.variables.clone();
    let client: Client<Dynamic> =
        Client::from_descriptor(descriptor.clone(), variables, application.client_id.as_str(), credential(application)?)?;
    Ok(client
        .redirect_uri(application.redirect_uri.as_str())?
        .transport(transport)
        // The conversation says when; a 401 is one of its answers.
        .without_automatic_refresh()
        .clock(FixedClock)
        .danger_entropy(Counter::default()))
}

/// The application's credential.
///
/// # Errors
///
/// As of the engine.
pub fn credential(application: &Application) -> Result<Credential, Error> {
    let pem = application.private_key.as_deref().and_then(keys::private_key_pem);
    match (&application.client_secret, pem) {
        (Some(secret), _) => Ok(Credential::Secret(secret.as_str().into())),
        (None, Some(pem)) => Ok(Credential::Key(signing_key(pem, application.key_id.as_deref())?)),
        (None, None) => Ok(Credential::None),
    }
}

fn signing_key(pem: &str, key_id: Option<&str>) -> Result<SigningKey, Error> {
    let key = SigningKey::from_pem(pem)?;
    Ok(match key_id {
        Some(id) => key.key_id(id),
        None => key,
    })
}

impl From<Arrival> for Callback {
    fn from(arrival: Arrival) -> Self {
        match arrival {
            Arrival::Query(url) => Self::from(url),
            Arrival::FormPost(body) => Self::form_post(body),
        }
    }
}

/// The tests' clock: it stands still.
pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> u64 {
        NOW
    }

    fn sleep(&self, _: std::time::Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

/// Random numbers that are the same in every run.
#[derive(Default)]
pub struct Counter(std::sync::atomic::AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &count.to_be_bytes());
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

struct Run<'a> {
    stage: &'a Stage,
    scenario: &'a Scenario,
    drift: Drift,
    outcome: Outcome,
}

impl Run<'_> {
    async fn play(mut self, descriptor: &Descriptor) -> Outcome {
        let application = self.stage.fixture.application(self.scenario);
        if let Some((client, pending, arrival)) = self.authorize(descriptor, &application).await
            && let Some(session) = self.exchange(&client, pending, arrival).await
        {
            self.use_session(descriptor, &session).await;
        }
        self.outcome
    }

    async fn authorize(&mut self, descriptor: &Descriptor, application: &Application) -> Option<(Client, Pending, Arrival)> {
        let started = client(descriptor, application, self.stage.transport.clone())
            .and_then(|client| Ok((client.authorize().scopes(application.scopes.iter().cloned()).start()?, client)));
        let ((url, pending), client) = match started {
            Ok(started) => started,
            Err(error) => return self.failed("authorization", &error),
        };
        self.outcome.authorization_url = Some(url.clone());
        match self.stage.browser.open(&url, &self.stage.fixture, self.scenario).await {
            Ok(arrival) => {
                let value = match &arrival {
                    Arrival::Query(url) => json!({ "callback": url.as_str() }),
                    Arrival::FormPost(body) => json!({ "form_post": body }),
                };
                self.step("authorization", Ok(value));
                Some((client, pending, arrival))
            }
            Err(lost) => self.lost(&url, lost),
        }
    }

    async fn exchange(&mut self, client: &Client, pending: Pending, arrival: Arrival) -> Option<Session> {
        match client.exchange(pending, Callback::from(arrival)).await {
            Ok(session) => {
                let mut value = session.current_token().map_or(Value::Null, |current| token(&current));
                value["id_token_claims"] = json!(session.id_token().map(|id_token| id_token.claims()));
                self.step("token", Ok(value));
                Some(session)
            }
            Err(error) => self.failed("token", &error),
        }
    }

    async fn use_session(&mut self, descriptor: &Descriptor, session: &Session) {
        let exchanges = &self.stage.fixture.exchanges;
        for (name, exchange) in exchanges.iter() {
            if let Some(call) = &exchange.call {
                let answer = self.call(session, call).await;
                self.finish(name, answer);
            }
        }
        if exchanges.get("userinfo").is_some() || descriptor.__model().userinfo.is_some() {
            let profile = session.profile().await.map(|profile| json!({ "claims": profile.claims(), "raw": profile.raw() }));
            self.finish("profile", profile);
        }
        if exchanges.get("refresh").is_some() {
            let refreshed = session.refresh().await.map(|refreshed| token(&refreshed));
            self.finish("refresh", refreshed);
        }
    }

    async fn call(&self, session: &Session, call: &Call) -> Result<Value, Error> {
        let response = request(session, call)?.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::from(text));
        Ok(json!({ "status": status, "body": body }))
    }

    fn lost<T>(&mut self, url: &Url, lost: Lost) -> Option<T> {
        match lost {
            Lost::Refused(reason) => {
                self.outcome.refused_by_browser.push(format!("{reason} ({url})"));
                self.step("authorization", Err(format!("refused: {reason}")))
            }
            Lost::Stranded(reason) => self.step("authorization", Err(reason)),
        }
        None
    }

    fn failed<T>(&mut self, name: &str, error: &Error) -> Option<T> {
        self.step(name, Err(describe(error)));
        None
    }

    fn finish(&mut self, name: &str, result: Result<Value, Error>) {
        self.step(name, result.map_err(|error| describe(&error)));
    }

    fn step(&mut self, name: &str, result: Result<Value, String>) {
        let (records, drift) = (self.stage.emulator.take_records(), self.drift.take());
        self.outcome.steps.push(Step { name: name.to_owned(), records, result, drift });
    }
}

/// The call of a fixture, as the application makes it.
///
/// # Errors
///
/// Where the method is none.
pub fn request(session: &Session, call: &Call) -> Result<RequestBuilder, Error> {
    let method = call.method.parse().map_err(|_| Error::custom(format!("`{}` is no HTTP method", call.method)))?;
    let pairs = |pairs: &Ordered<String>| pairs.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect::<Vec<_>>();
    let mut request = session.request(method, &call.path).query(&pairs(&call.query));
    for (name, value) in call.headers.iter() {
        request = request.header(name, value);
    }
    if let Some(form) = &call.form {
        request = request.form(&pairs(form));
    }
    if let Some(json) = &call.json {
        request = request.json(&literal(json));
    }
    Ok(request)
}

fn token(token: &Token) -> Value {
    json!({
        "access_token": token.access_token.expose(),
        "token_type": token.token_type,
        "expires_at": token.expires_at,
        "refresh_token": token.refresh_token.as_ref().map(|secret| secret.expose()),
        "refresh_token_expires_at": token.refresh_token_expires_at,
        "scopes": token.scopes,
        "id_token": token.id_token.as_ref().map(|secret| secret.expose()),
        "extra": token.extra,
    })
}

/// The error as people read it, and what programs read from it.
fn describe(error: &Error) -> String {
    let mut facts = vec![format!("{:?}", error.kind())];
    facts.extend(error.code().map(|code| format!("code {code}")));
    facts.extend(error.status().map(|status| format!("status {status}")));
    facts.extend(error.retry_after().map(|seconds| format!("retry after {seconds} s")));
    facts.extend(error.is_retryable().then(|| "retryable".to_owned()));
    facts.extend(error.needs_login().then(|| "needs login".to_owned()));
    format!("{error}\n({})", facts.join(", "))
}

/// A call's JSON body: it has no values of the conversation's.
fn literal(json: &Json) -> Value {
    match json {
        Json::Scalar(value) => value.clone(),
        Json::Text(text) => Value::from(text.to_string()),
        Json::List(values) => values.iter().map(literal).collect(),
        Json::Object(members) => Value::Object(members.iter().map(|(name, value)| (name.to_owned(), literal(value))).collect()),
    }
}
