//! The providers of the fixtures, emulated over HTTPS on loopback under their real host names.
//!
//! Every request is compared with the fixture. One that is not exactly as written there is answered with HTTP 418 and
//! the list of what differs; it is recorded, like every other.

mod answer;
mod check;
mod record;
mod server;
mod tls;
mod values;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fixture::{Exchange, Fixture, Response, Scenario};
use check::Findings;
pub use record::{Received, Record, Sent};
pub(crate) use server::{Handler, Server};
pub(crate) use tls::Authority;
use values::Captured;

/// A running emulator; dropping it stops it.
pub struct Emulator {
    server: Server,
    authority: Arc<Authority>,
    state: Arc<Mutex<State>>,
}

impl Emulator {
    /// Serves the fixtures on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// Where the machine lets it make no key, bind no port or start no thread.
    pub fn start(fixtures: Vec<Fixture>) -> Self {
        let authority = Arc::new(Authority::new().expect("a certificate authority can be made"));
        let config = authority.server_config().expect("the TLS configuration is sound");
        let conversations = fixtures.into_iter().map(Conversation::new).collect();
        let state = Arc::new(Mutex::new(State { conversations, records: Vec::new() }));
        let shared = state.clone();
        let server = Server::start(config, Arc::new(move |received| lock(&shared).receive(received)));
        Self { server: server.expect("a loopback port can be bound"), authority, state }
    }

    /// Where it listens: resolve every host to this address.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// The certificate of the authority that signs for every host, as DER.
    pub fn ca_der(&self) -> Vec<u8> {
        self.authority.der().to_vec()
    }

    /// The same as PEM.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// Starts a new conversation with a provider: forgets its captured values and chooses the variant that answers.
    pub fn begin(&self, id: &str, scenario: &Scenario) {
        for conversation in lock(&self.state).conversations.iter_mut().filter(|conversation| conversation.fixture.id == id) {
            conversation.scenario = scenario.clone();
            conversation.captured = Captured::default();
        }
    }

    /// Takes what went over the wire since the last call.
    pub fn take_records(&self) -> Vec<Record> {
        std::mem::take(&mut lock(&self.state).records)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct State {
    conversations: Vec<Conversation>,
    records: Vec<Record>,
}

struct Conversation {
    fixture: Fixture,
    scenario: Scenario,
    captured: Captured,
}

impl Conversation {
    fn new(fixture: Fixture) -> Self {
        Self { fixture, scenario: Scenario::AsWritten, captured: Captured::default() }
    }

    /// Compares the request with an exchange.
    fn candidate(&self, name: &str, exchange: &Exchange, received: &Received) -> Candidate {
        let (request, response) = self.fixture.expected(name, exchange, &self.scenario);
        let captured = match response {
            Response::Callback(_) => check::capture(request, received),
            Response::Answer(_) => self.captured.clone(),
        };
        let application = self.fixture.application_for(exchange, &self.scenario);
        let findings = check::compare(request, received, &application, &captured);
        Candidate { name: name.to_owned(), captured, findings }
    }

    fn candidates(&self, received: &Received) -> Vec<Candidate> {
        let here = |(name, exchange): &(&str, &Exchange)| {
            let application = self.fixture.application_for(exchange, &self.scenario);
            let (request, _) = self.fixture.expected(name, exchange, &self.scenario);
            request.url(&application).is_ok_and(|url| url.origin() == received.url.origin() && url.path() == received.url.path())
        };
        self.fixture.exchanges.iter().filter(here).map(|(name, exchange)| self.candidate(name, exchange, received)).collect()
    }
}

/// An exchange at the URL of a request, compared with it.
struct Candidate {
    name: String,
    captured: Captured,
    findings: Findings,
}

impl State {
    /// Answers a request: the exchange that it matches, else a refusal that says what the nearest one expects.
    fn receive(&mut self, received: Received) -> Sent {
        let candidates = self.conversations.iter().enumerate().flat_map(|(index, conversation)| {
            conversation.candidates(&received).into_iter().map(move |candidate| (index, candidate))
        });
        let nearest = candidates.min_by_key(|(_, candidate)| candidate.findings.mismatches.len());
        let record = match nearest {
            Some((index, candidate)) => self.answer(index, candidate, received),
            None => self.unknown(received),
        };
        let response = record.response.clone();
        self.records.push(record);
        response
    }

    fn answer(&mut self, index: usize, candidate: Candidate, received: Received) -> Record {
        let conversation = &mut self.conversations[index];
        let (fixture, scenario) = (&conversation.fixture, &conversation.scenario);
        let mut refusal = candidate.findings.mismatches;
        let mut secrets = candidate.findings.secrets;
        let mut sent = None;
        if refusal.is_empty() {
            conversation.captured = candidate.captured;
            let reply = fixture.exchanges.get(&candidate.name).map(|exchange| {
                let response = fixture.expected(&candidate.name, exchange, scenario).1;
                let application = fixture.application_for(exchange, scenario);
                answer::reply(&candidate.name, response, &application, &conversation.captured)
            });
            match reply {
                Some(Ok(reply)) => {
                    secrets.extend(reply.secrets);
                    sent = Some(reply.sent);
                }
                Some(Err(problem)) => refusal.push(problem),
                None => refusal.push("the exchange is gone".to_owned()),
            }
        }
        let response = sent.unwrap_or_else(|| answer::refusal(&refusal));
        let (fixture, scenario) = (fixture.id.clone(), scenario.clone());
        Record { fixture, exchange: candidate.name, scenario, request: received, response, refusal, secrets }
    }

    fn unknown(&self, received: Received) -> Record {
        let mut url = received.url.clone();
        url.set_query(None);
        let mut refusal = vec![format!("no exchange of the fixtures has the URL {url}")];
        if let [conversation] = self.conversations.as_slice() {
            let known = conversation.fixture.exchanges.iter().map(|(name, exchange)| {
                let request = conversation.fixture.expected(name, exchange, &conversation.scenario).0;
                format!("known: {name} = {} {}", request.method, request.url)
            });
            refusal.extend(known);
        }
        let response = answer::refusal(&refusal);
        let (fixture, exchange) = (String::new(), String::new());
        Record { fixture, exchange, scenario: Scenario::AsWritten, request: received, response, refusal, secrets: Vec::new() }
    }
}
