//! Sessions without a browser: of service accounts, and of the grants that need no callback.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use grantry_engine::{DeviceAuthorization, Dynamic, Error, ServiceAccount, Session, TokenRequest};
use serde_json::json;

use super::{Counter, Run, client, issued, signing_key};
use crate::fixture::{Exchange, Grant, GrantInput, OneOrMore};
use crate::keys;

/// The sessions that a conversation has so far, by account or grant; `None` where there was no token to have.
#[derive(Default)]
pub(super) struct Machines(BTreeMap<String, Option<Session>>);

impl Machines {
    /// The session of an exchange that is not the user's.
    pub(super) fn session(&self, exchange: &Exchange) -> Option<&Session> {
        self.0.get(&label(exchange)?)?.as_ref()
    }
}

/// The name of the step that gets the token.
fn label(exchange: &Exchange) -> Option<String> {
    let of_account = exchange.account.as_ref().map(|profile| format!("account {profile}"));
    of_account.or_else(|| exchange.grant.map(|grant| format!("grant {}", grant.short_name())))
}

impl Run<'_> {
    /// Every exchange of an account or a grant, in the order of the file.
    pub(super) async fn use_machines(&mut self, machines: &mut Machines) {
        for (name, exchange) in self.stage.fixture.exchanges.iter() {
            let Some(label) = label(exchange) else { continue };
            if let Entry::Vacant(vacant) = machines.0.entry(label.clone()) {
                vacant.insert(self.start(&label, exchange).await);
            }
            let Some(session) = machines.session(exchange) else { continue };
            if let Some(call) = &exchange.call {
                let answer = self.call(session, call).await;
                self.finish(name, answer);
            }
            if name == "introspection" {
                self.introspect(session).await;
            }
        }
    }

    async fn start(&mut self, label: &str, exchange: &Exchange) -> Option<Session> {
        let started = match (&exchange.account, exchange.grant) {
            (Some(profile), _) => self.of_account(profile).await.map(Some),
            (None, Some(grant)) => self.of_grant(grant).await,
            (None, None) => Ok(None),
        };
        match started {
            Ok(Some(session)) => {
                self.step(label, Ok(issued(&session)));
                Some(session)
            }
            Ok(None) => None,
            Err(error) => self.failed(label, &error),
        }
    }

    async fn of_account(&self, profile: &str) -> Result<Session, Error> {
        let application = self.application.of_account(profile);
        let settings = self.application.accounts.get(profile).cloned().unwrap_or_default();
        let client = client(self.descriptor, &application, self.stage.transport.clone())?;
        // Its assertions have other ids than the user's state.
        let client = client.danger_entropy(Counter::starting_at(1 << 32));
        let mut account = ServiceAccount::<Dynamic>::of(client, profile)?;
        if let Some(text) = &settings.key_file {
            account = account.key_file(&keys::key_file(text).map_err(Error::custom)?)?;
        }
        if let Some(key) = signing_key(&application)? {
            account = account.key(key);
        }
        if let Some(subject) = settings.subject {
            account = account.subject(subject);
        }
        if let Some(audience) = settings.audience {
            account = account.audience(audience);
        }
        let account = pairs(&settings.parameters).fold(account, |account, (name, value)| account.param(name, value));
        let session = account.scopes(application.scopes).session()?;
        session.token().await?;
        Ok(session)
    }

    /// The session of a grant; `None` while the user of another device has not decided.
    async fn of_grant(&mut self, grant: Grant) -> Result<Option<Session>, Error> {
        let (application, input) = (self.application.of_grant(grant), self.application.grant(grant));
        let client = client(self.descriptor, &application, self.stage.transport.clone())?;
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        let of_client = input.scopes.clone().unwrap_or_default();
        let of_user = input.scopes.clone().unwrap_or_else(|| self.application.scopes.clone());
        match grant {
            Grant::ClientCredentials => asked(client.client_credentials(), &input, of_client).await.map(Some),
            Grant::Password => {
                let request = client.password(text(&input.username), text(&input.password));
                asked(request, &input, of_user).await.map(Some)
            }
            Grant::JwtBearer => asked(client.jwt_bearer(text(&input.assertion)), &input, of_client).await.map(Some),
            Grant::TokenExchange => {
                let mut request = client.token_exchange(text(&input.subject_token));
                if let Some(kind) = &input.subject_token_type {
                    request = request.subject_token_type(kind.clone());
                }
                let exchanged = asked(request, &input, of_client).await?;
                Ok(Some(client.session(exchanged)))
            }
            Grant::DeviceCode => {
                let device = asked(client.device(), &input, of_user).await?;
                self.poll(device).await
            }
        }
    }

    /// Polls once: the conversation's clock stands still, and an answer that asks for patience never changes.
    async fn poll(&mut self, mut device: DeviceAuthorization<Dynamic>) -> Result<Option<Session>, Error> {
        self.step(
            "device codes",
            Ok(json!({
                "user_code": device.user_code(),
                "verification_uri": device.verification_uri(),
                "verification_uri_complete": device.verification_uri_complete(),
                "expires_in": device.expires_in().as_secs(),
                "interval": device.interval().as_secs(),
            })),
        );
        let session = device.poll().await?;
        if session.is_none() {
            let interval = device.interval().as_secs();
            self.step("grant device_code", Ok(json!({ "pending": true, "interval": interval })));
        }
        Ok(session)
    }
}

fn asked<F>(request: TokenRequest<Dynamic, F>, input: &GrantInput, scopes: Vec<String>) -> TokenRequest<Dynamic, F> {
    let request = pairs(&input.parameters).fold(request, |request, (name, value)| request.param(name, value));
    if scopes.is_empty() { request } else { request.scopes(scopes) }
}

fn pairs(parameters: &BTreeMap<String, OneOrMore>) -> impl Iterator<Item = (String, String)> {
    parameters.iter().flat_map(|(name, values)| values.values().iter().map(|value| (name.clone(), value.clone())))
}
