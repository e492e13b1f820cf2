//! Ending the user's session at the provider (OpenID Connect RP-Initiated Logout 1.0).

use std::borrow::Cow;
use std::fmt;

use grantry_descriptor::model::Endpoint;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::Url;

use crate::callback;
use crate::client::Client;
use crate::config::Config;
use crate::entropy;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::phase::encode::{self, Pair};
use crate::phase::request;
use crate::phase::template::Values;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::token::Token;

/// Builds the URL that ends the user's session at the provider. Does no I/O.
#[must_use = "call `.start()`"]
pub struct EndSession<P: Provider> {
    client: Client<P>,
    id_token_hint: Option<Secret>,
    redirect_uri: Option<String>,
    state: Option<String>,
    extra: Vec<Pair<'static>>,
}

impl<P: Provider> EndSession<P> {
    pub(crate) const fn new(client: Client<P>) -> Self {
        Self { client, id_token_hint: None, redirect_uri: None, state: None, extra: Vec::new() }
    }

    /// `id_token_hint`: whose session it is. Many providers ask the user otherwise.
    pub fn token(mut self, token: &Token) -> Self {
        self.id_token_hint = token.id_token.clone();
        self
    }

    /// `post_logout_redirect_uri`: where the provider sends the user afterwards, exactly as it is registered.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// A state of the application's own; by default it is 256 random bits.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// `logout_hint`: who is expected to log out.
    pub fn logout_hint(self, hint: impl Into<String>) -> Self {
        self.param("logout_hint", hint)
    }

    /// `ui_locales`.
    pub fn ui_locales(self, locales: impl Into<String>) -> Self {
        self.param("ui_locales", locales)
    }

    /// Any other parameter. What the callback is checked against is remembered as it is given here: `state`, and with it
    /// `post_logout_redirect_uri`.
    pub fn param(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match name.as_ref() {
            "state" => self.state = Some(value),
            "post_logout_redirect_uri" => self.redirect_uri = Some(value),
            _ => self.extra.push((name, value.into())),
        }
        self
    }

    /// The URL to send the user to, and what must be kept until the user comes back; `None` where no redirect URI was given.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse): the provider has no end session endpoint, the redirect URI is no absolute URI, the state is empty.
    pub fn start(self) -> Result<(Url, Option<PendingLogout>)> {
        let config = self.client.shared_config();
        self.url(&config).map_err(|error| error.in_phase(Phase::Logout).of_provider(config.id()))
    }

    fn url(self, config: &Config) -> Result<(Url, Option<PendingLogout>)> {
        let mut pairs: Vec<Pair<'_>> = Vec::new();
        pairs.extend(self.id_token_hint.iter().map(|hint| ("id_token_hint".into(), hint.expose().to_owned().into())));
        pairs.push(("client_id".into(), config.client_id.as_str().into()));
        let pending = match self.redirect_uri {
            None => None,
            Some(uri) => {
                uri.parse::<Url>().map_err(|_| Error::misuse(format!("the redirect URI {uri:?} is no absolute URI")))?;
                let state = match self.state {
                    Some(state) if state.is_empty() => return Err(Error::misuse("the state is empty")),
                    Some(state) => state,
                    None => entropy::token(config.entropy.as_ref())?,
                };
                pairs.push(("post_logout_redirect_uri".into(), uri.into()));
                pairs.push(("state".into(), state.clone().into()));
                Some(PendingLogout { provider: config.id().to_owned(), logout_state: state, created_at: config.clock.now() })
            }
        };
        request::override_with(&mut pairs, self.extra);
        let mut url = Values::new(config).endpoint(Endpoint::EndSession)?;
        encode::append_query(&mut url, &pairs);
        config.transport.permits(&url)?;
        Ok((url, pending))
    }
}

impl<P: Provider> fmt::Debug for EndSession<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndSession").field("client", &self.client).finish_non_exhaustive()
    }
}

/// What is remembered until the user comes back from a logout. It is another kind than [`Pending`](crate::Pending): neither passes
/// for the other.
#[derive(Serialize, Deserialize)]
#[must_use = "the callback cannot be checked without it"]
pub struct PendingLogout {
    provider: String,
    logout_state: String,
    created_at: u64,
}

impl PendingLogout {
    /// The state, to find the pending logout of a callback among several of one browser.
    pub fn state(&self) -> &str {
        &self.logout_state
    }

    /// Checks where the user came back to.
    pub(crate) fn check(self, config: &Config, callback: &str) -> Result<()> {
        let refused = |why: &str| Err(Error::new(ErrorKind::Callback, why).in_phase(Phase::Logout).of_provider(config.id()));
        if self.provider != config.id() {
            return refused("the logout was started with another provider");
        }
        if crate::clock::since(self.created_at, config.clock.now()) > callback::LIFETIME {
            return refused("the logout was started more than an hour ago");
        }
        let query = callback.split('#').next().unwrap_or_default().split_once('?').map_or("", |(_, query)| query);
        let parameters = encode::parse_form(query).unwrap_or_default();
        match parameters.iter().find(|(name, _)| name == "state") {
            None => refused("the callback has no state"),
            Some((_, state)) if bool::from(state.as_bytes().ct_eq(self.logout_state.as_bytes())) => Ok(()),
            Some(_) => refused("the state of the callback is not that of this logout"),
        }
    }
}

impl fmt::Debug for PendingLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogout").field("provider", &self.provider).finish_non_exhaustive()
    }
}
