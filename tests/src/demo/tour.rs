use std::io::Write;
use std::time::Instant;

use grantry_engine::{Callback, Client, Compiled, Credential, Descriptor, Error, Session, Status, Transport, supports};
use serde_json::Value;

use super::phrase;
use crate::browser::{Browser, Lost};
use crate::driver::{self, FixedClock};
use crate::emulator::{Emulator, Record};
use crate::fixture::{Application, Call, Fixture, Scenario};

/// A round of sign-ins, told as it goes.
pub(super) struct Tour<'a, W> {
    out: &'a mut W,
    fixtures: Vec<Fixture>,
    emulator: Emulator,
    browser: Browser,
    transport: Transport,
    started: Instant,
    stops: usize,
    failed: usize,
    retired: usize,
    requests: usize,
    deviations: usize,
}

/// What happened at one provider.
struct Story {
    descriptor: Descriptor,
    highlights: Vec<String>,
    records: Vec<Record>,
}

impl<'a, W: Write> Tour<'a, W> {
    pub(super) fn new(fixtures: Vec<Fixture>, out: &'a mut W) -> Self {
        let started = Instant::now();
        let emulator = Emulator::start(fixtures.clone());
        let (browser, transport) = (Browser::new(&emulator), driver::transport(&emulator));
        let count = fixtures.len();
        let _ = writeln!(out, "{count} providers are emulated over HTTPS at {}, under their real host names.\n", emulator.addr());
        Self { out, fixtures, emulator, browser, transport, started, stops: 0, failed: 0, retired: 0, requests: 0, deviations: 0 }
    }

    /// Signs in to a provider and says how it went.
    pub(super) async fn stop<P>(&mut self, id: &str, connect: impl FnOnce(&Application, Credential) -> Result<Client<P>, Error>)
    where
        P: Compiled + supports::AuthorizationCode,
        P::Scope: From<String>,
    {
        self.stops += 1;
        let lines = match self.sign_in(id, connect).await {
            Ok(story) => self.told(&story),
            Err(problem) => {
                self.failed += 1;
                format!("✗ {id}\n    {problem}\n")
            }
        };
        let _ = self.out.write_all(lines.as_bytes());
    }

    /// The last lines; whether everything went well.
    pub(super) fn summary(&mut self) -> bool {
        let others = self.fixtures.len().saturating_sub(self.stops);
        let (signed_in, retired) = (self.stops - self.failed, self.retired);
        let seconds = self.started.elapsed().as_secs_f32();
        let _ = writeln!(
            self.out,
            "\nSigned in to {signed_in} of {} providers ({retired} of them retired): {} requests over TLS, each checked against \
             its wire fixture; {} deviations from the standards, all of them data. {seconds:.1} s.",
            self.stops, self.requests, self.deviations
        );
        if others > 0 {
            let _ = writeln!(self.out, "{others} more in the catalog have no stop here; `cargo test` plays their conversations.");
        }
        self.failed == 0
    }

    async fn sign_in<P>(
        &self,
        id: &str,
        connect: impl FnOnce(&Application, Credential) -> Result<Client<P>, Error>,
    ) -> Result<Story, String>
    where
        P: Compiled + supports::AuthorizationCode,
        P::Scope: From<String>,
    {
        let fixture = self.fixtures.iter().find(|fixture| fixture.id == id).ok_or("there is no wire fixture")?;
        let result = self.converse(fixture, connect).await;
        let records = self.emulator.take_records();
        let refusals: Vec<&str> = records.iter().flat_map(|record| &record.refusal).map(String::as_str).collect();
        match result {
            Ok(highlights) if refusals.is_empty() => Ok(Story { descriptor: P::descriptor().clone(), highlights, records }),
            Ok(_) => Err(refusals.join("; ")),
            Err(problem) => Err([vec![problem.as_str()], refusals].concat().join("; ")),
        }
    }

    async fn converse<P>(
        &self,
        fixture: &Fixture,
        connect: impl FnOnce(&Application, Credential) -> Result<Client<P>, Error>,
    ) -> Result<Vec<String>, String>
    where
        P: Compiled + supports::AuthorizationCode,
        P::Scope: From<String>,
    {
        let readable = |error: Error| error.to_string();
        let settings = &fixture.application;
        let client = driver::credential(settings).and_then(|credential| connect(settings, credential)).map_err(readable)?;
        let client = client.redirect_uri(settings.redirect_uri.clone().unwrap_or_default()).map_err(readable)?;
        let client = client.transport(self.transport.clone()).clock(FixedClock);
        let scopes = settings.scopes.iter().cloned().map(P::Scope::from);
        let (url, pending) = client.authorize().scopes(scopes).start().map_err(readable)?;
        let arrival =
            self.browser.open("authorization", &url, fixture, &Scenario::AsWritten).await.map_err(|lost| match lost {
                Lost::Refused(reason) | Lost::Stranded(reason) => reason,
            })?;
        let session = client.exchange(pending, Callback::from(arrival)).await.map_err(readable)?;
        use_session(fixture, P::descriptor(), session.into()).await.map_err(readable)
    }

    fn told(&mut self, story: &Story) -> String {
        let descriptor = &story.descriptor;
        let retired = matches!(descriptor.status(), Status::Retired(_));
        self.retired += usize::from(retired);
        self.requests += story.records.len();
        self.deviations += descriptor.deviations().len();
        let mark = if retired { " (retired)" } else { "" };
        let deviations = phrase::list(descriptor.deviations(), 4);
        format!("✓ {}{mark}: {}\n    {deviations}\n", descriptor.name(), story.highlights.join(" · "))
    }
}

/// The profile, the first protected resource, the refresh: whatever the provider has.
async fn use_session(fixture: &Fixture, descriptor: &Descriptor, session: Session) -> Result<Vec<String>, Error> {
    let mut highlights = Vec::new();
    if descriptor.__model().userinfo.is_some() {
        let profile = session.profile().await?;
        let name = profile.name().or(profile.preferred_username()).unwrap_or(profile.sub());
        let email = profile.email().map(|email| format!(" <{email}>")).unwrap_or_default();
        highlights.push(format!("{name}{email}"));
    }
    if let Some(call) =
        fixture.exchanges.values().filter(|exchange| exchange.is_of_user()).find_map(|exchange| exchange.call.as_ref())
    {
        highlights.push(fetch(&session, call).await?);
    }
    if fixture.exchanges.get("refresh").is_some() {
        session.refresh().await?;
        highlights.push("token refreshed".to_owned());
    }
    Ok(highlights)
}

async fn fetch(session: &Session, call: &Call) -> Result<String, Error> {
    let response = driver::request(session, call)?.send().await?;
    let status = response.status().as_u16();
    let got = match response.json().await? {
        Value::Array(items) => format!("{} items", items.len()),
        Value::Object(members) => members.keys().take(3).map(String::as_str).collect::<Vec<_>>().join(", "),
        scalar => scalar.to_string(),
    };
    Ok(format!("{} {} → {status} ({got})", call.method, call.path))
}
