//! Runs the engine through the conversation of a fixture: the same for every provider.

mod drift;
mod machine;
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
use crate::fixture::{Application, Call, Exchange, Fixture, Json, Ordered, Scenario};
use crate::{NOW, keys};
use drift::Drift;
use machine::Machines;
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

    /// One conversation, from the authorization URL to the logout. What depends on a step that failed is left out.
    pub async fn run(&self, descriptor: &Descriptor, scenario: &Scenario) -> Outcome {
        let drift = Drift::default();
        self.emulator.begin(&self.fixture.id, scenario);
        let application = self.fixture.application(scenario);
        let run = Run { stage: self, scenario, application, descriptor, drift: drift.clone(), outcome: Outcome::default() };
        run.play().with_subscriber(drift).await
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
    let client = match &application.redirect_uri {
        Some(uri) => client.redirect_uri(uri.as_str())?,
        None => client,
    };
    Ok(client
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
    match (&application.client_secret, signing_key(application)?) {
        (Some(secret), _) => Ok(Credential::Secret(secret.as_str().into())),
        (None, Some(key)) => Ok(Credential::Key(key)),
        (None, None) => Ok(Credential::None),
    }
}

fn signing_key(application: &Application) -> Result<Option<SigningKey>, Error> {
    let Some(pem) = application.private_key.as_deref().and_then(keys::private_key_pem) else { return Ok(None) };
    let key = match pem.contains("ENCRYPTED") {
        true => SigningKey::from_encrypted_pem(pem, keys::PASSPHRASE)?,
        false => SigningKey::from_pem(pem)?,
    };
    Ok(Some(match &application.key_id {
        Some(id) => key.key_id(id),
        None => key,
    }))
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

impl Counter {
    /// Numbers that a counter from 0 reaches late.
    pub fn starting_at(count: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(count))
    }
}

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
    application: Application,
    descriptor: &'a Descriptor,
    drift: Drift,
    outcome: Outcome,
}

impl Run<'_> {
    async fn play(mut self) -> Outcome {
        let session = match self.application.redirect_uri {
            Some(_) => self.sign_in().await,
            None => None,
        };
        if let Some(session) = &session {
            self.use_session(session).await;
        }
        let mut machines = Machines::default();
        self.use_machines(&mut machines).await;
        self.give_back(session.as_ref(), &machines).await;
        self.outcome
    }

    fn client(&self) -> Result<Client, Error> {
        client(self.descriptor, &self.application, self.stage.transport.clone())
    }

    async fn sign_in(&mut self) -> Option<Session> {
        let (client, pending, arrival) = self.authorize().await?;
        self.exchange(&client, pending, arrival).await
    }

    async fn authorize(&mut self) -> Option<(Client, Pending, Arrival)> {
        let scopes = self.application.scopes.clone();
        let started = self.client().and_then(|client| Ok((client.authorize().scopes(scopes).start()?, client)));
        let ((url, pending), client) = match started {
            Ok(started) => started,
            Err(error) => return self.failed("authorization", &error),
        };
        self.outcome.authorization_url = Some(url.clone());
        let arrival = self.open("authorization", &url).await?;
        Some((client, pending, arrival))
    }

    /// The user opens a URL of the provider's, and comes back.
    async fn open(&mut self, exchange: &str, url: &Url) -> Option<Arrival> {
        match self.stage.browser.open(exchange, url, &self.stage.fixture, self.scenario).await {
            Ok(arrival) => {
                let value = match &arrival {
                    Arrival::Query(url) => json!({ "callback": url.as_str() }),
                    Arrival::FormPost(body) => json!({ "form_post": body }),
                };
                self.step(exchange, Ok(value));
                Some(arrival)
            }
            Err(lost) => self.lost(exchange, url, lost),
        }
    }

    async fn exchange(&mut self, client: &Client, pending: Pending, arrival: Arrival) -> Option<Session> {
        match client.exchange(pending, Callback::from(arrival)).await {
            Ok(session) => {
                self.step("token", Ok(issued(&session)));
                Some(session)
            }
            Err(error) => self.failed("token", &error),
        }
    }

    async fn use_session(&mut self, session: &Session) {
        let exchanges = &self.stage.fixture.exchanges;
        for (name, exchange) in exchanges.iter().filter(|(_, exchange)| exchange.is_of_user()) {
            if let Some(call) = &exchange.call {
                let answer = self.call(session, call).await;
                self.finish(name, answer);
            }
        }
        if exchanges.get("userinfo").is_some() || self.descriptor.__model().userinfo.is_some() {
            let profile = session.profile().await.map(|profile| json!({ "claims": profile.claims(), "raw": profile.raw() }));
            self.finish("profile", profile);
        }
        if exchanges.get("introspection").is_some_and(Exchange::is_of_user) {
            self.introspect(session).await;
        }
        if exchanges.get("refresh").is_some() {
            let refreshed = session.refresh().await.map(|refreshed| token(&refreshed));
            self.finish("refresh", refreshed);
        }
    }

    async fn introspect(&mut self, session: &Session) {
        let introspection = async {
            let token = session.token().await?;
            let introspection = self.client()?.introspect(&token).await?;
            Ok(json!({
                "active": introspection.is_active(),
                "scopes": introspection.scopes(),
                "members": introspection.members(),
            }))
        };
        let introspection = introspection.await;
        self.finish("introspection", introspection);
    }

    /// The end of everything: the token is revoked, the user logs out.
    async fn give_back(&mut self, session: Option<&Session>, machines: &Machines) {
        let exchanges = &self.stage.fixture.exchanges;
        // The fixture says which token is revoked: the refreshed one.
        let is_current = self.outcome.step("refresh").is_none_or(|refresh| refresh.result.is_ok());
        let session = session.filter(|_| is_current);
        let revocation = exchanges.get("revocation");
        if let Some(session) = revocation.and_then(|exchange| machines.session(exchange).or(session)) {
            let revoked = session.revoke().await.map(|()| json!("revoked"));
            self.finish("revocation", revoked);
        }
        if let Some(session) = session.filter(|_| exchanges.get("end_session").is_some()) {
            self.log_out(session).await;
        }
    }

    async fn log_out(&mut self, session: &Session) {
        let started = self.client().and_then(|client| {
            let mut logout = client.end_session();
            if let Some(token) = session.current_token() {
                logout = logout.token(&token);
            }
            if let Some(uri) = &self.application.post_logout_redirect_uri {
                logout = logout.redirect_uri(uri.as_str());
            }
            Ok((logout.start()?, client))
        });
        let ((url, pending), client) = match started {
            Ok(started) => started,
            Err(error) => return self.finish("end_session", Err(error)),
        };
        let Some(Arrival::Query(arrival)) = self.open("end_session", &url).await else { return };
        if let Some(pending) = pending {
            let checked = client.end_session_callback(pending, arrival.as_str()).map(|()| json!("logged out"));
            self.finish("end_session_callback", checked);
        }
    }

    async fn call(&self, session: &Session, call: &Call) -> Result<Value, Error> {
        let response = request(session, call)?.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::from(text));
        Ok(json!({ "status": status, "body": body }))
    }

    fn lost<T>(&mut self, exchange: &str, url: &Url, lost: Lost) -> Option<T> {
        match lost {
            Lost::Refused(reason) => {
                self.outcome.refused_by_browser.push(format!("{reason} ({url})"));
                self.step(exchange, Err(format!("refused: {reason}")));
            }
            Lost::Stranded(reason) => self.step(exchange, Err(reason)),
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

/// What a session has: its token, and the claims of the id token that came with it.
fn issued(session: &Session) -> Value {
    let mut value = session.current_token().map_or(Value::Null, |current| token(&current));
    value["id_token_claims"] = json!(session.id_token().map(|id_token| id_token.claims()));
    value
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
    facts.extend(error.provider_code().map(|code| format!("provider's {code}")));
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
