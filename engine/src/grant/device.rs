//! The device authorization grant (RFC 8628).

use std::fmt;
use std::time::Duration;

use grantry_descriptor::model::{Authentication, Endpoint, EngineValue, Grant, Hook};

use super::{Call, exchange};
use crate::client::{Client, Task};
use crate::clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::phase::encode::Pair;
use crate::phase::response::Answer;
use crate::phase::template::Values;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::session::{Session, Source};
use crate::token::{Terms, Token, from_answer, number};

/// Seconds between two polls where the provider does not say (RFC 8628 section 3.2), and by which `slow_down` lengthens them.
const INTERVAL: u64 = 5;

/// Seconds for which the codes are valid where the provider does not say.
const LIFETIME: u64 = 30 * 60;

/// Longest interval, in seconds: a provider that answers nonsense does not stop the polling for good.
const MAX_INTERVAL: u64 = 300;

/// What the user has to do on another device, and the wait for it.
#[must_use = "show the code to the user, then call `.wait()`"]
pub struct DeviceAuthorization<P: Provider> {
    client: Client<P>,
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    scopes: Vec<String>,
    extra: Vec<Pair<'static>>,
    /// Seconds since 1970, like `next_poll`.
    expires_at: u64,
    interval: u64,
    next_poll: u64,
}

/// What a device authorization answer says.
struct Codes {
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: u64,
}

impl<P: Provider> DeviceAuthorization<P> {
    /// Asks for the codes.
    pub(crate) async fn start(client: Client<P>, scopes: Vec<String>, extra: Vec<Pair<'static>>) -> Result<Self> {
        let asked = client.config().clock.now();
        let codes = ask(client.config(), &scopes, extra).await.map_err(|error| error.in_phase(Phase::DeviceAuthorization))?;
        let interval = codes.interval.clamp(1, MAX_INTERVAL);
        Ok(Self {
            client,
            device_code: codes.device_code,
            user_code: codes.user_code,
            verification_uri: codes.verification_uri,
            verification_uri_complete: codes.verification_uri_complete,
            scopes,
            extra: Vec::new(),
            expires_at: clock::after(asked, codes.expires_in),
            interval,
            next_poll: clock::after(asked, interval),
        })
    }

    /// What the user types in at [`verification_uri`](Self::verification_uri).
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where the user goes.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// Where the user goes with the code already typed in, for a QR code; not every provider has it.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.verification_uri_complete.as_deref()
    }

    /// How long the codes are still valid.
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(clock::since(self.client.config().clock.now(), self.expires_at))
    }

    /// The time between two polls, as it is now.
    pub const fn interval(&self) -> Duration {
        Duration::from_secs(self.interval)
    }

    /// A further parameter of the polls.
    pub fn param(mut self, name: impl Into<std::borrow::Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), std::borrow::Cow::Owned(value.into())));
        self
    }

    /// Polls until the user has decided. To stop, drop the future.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) with the code `access_denied` or `expired_token`, and whatever can happen to a request; a poll
    /// without an answer is repeated.
    pub fn wait(mut self) -> Task<'static, Session<P>> {
        Box::pin(async move {
            loop {
                if self.next_poll >= self.expires_at {
                    self.sleep_until(self.expires_at).await;
                    return Err(expired().of_provider(self.client.config().id()));
                }
                if let Some(session) = self.poll().await? {
                    return Ok(session);
                }
            }
        })
    }

    /// Waits for the next poll to be due, and polls once. `None`: the user has not decided yet.
    ///
    /// # Errors
    /// As of [`wait`](Self::wait).
    pub fn poll(&mut self) -> Task<'_, Option<Session<P>>> {
        Box::pin(async move {
            self.sleep_until(self.next_poll).await;
            let config = self.client.config();
            match poll(config, &self.device_code, &self.scopes, self.extra.clone()).await {
                Ok(token) => self.complete(token).await.map(Some).map_err(|error| error.of_provider(self.client.config().id())),
                Err(error) => match self.patience(&error) {
                    Some(interval) => {
                        self.interval = interval.min(MAX_INTERVAL);
                        self.next_poll = clock::after(config.clock.now(), self.interval);
                        Ok(None)
                    }
                    None => Err(error.in_phase(Phase::Token).of_provider(config.id())),
                },
            }
        })
    }

    /// What follows the token. Its code is used up: to poll again would not help.
    async fn complete(&self, mut token: Token) -> Result<Session<P>> {
        let id_token = exchange::complete(self.client.config(), Grant::DeviceCode, &mut token).await?;
        Ok(Session::new(self.client.shared_config(), Some(token), Source::User, None, id_token))
    }

    async fn sleep_until(&self, then: u64) {
        let clock = &self.client.config().clock;
        let wait = clock::since(clock.now(), then);
        if wait > 0 {
            clock.sleep(Duration::from_secs(wait)).await;
        }
    }

    /// The interval with which to go on after an error; `None`: it is final.
    fn patience(&self, error: &Error) -> Option<u64> {
        let longer = |seconds: u64| self.interval.saturating_add(seconds);
        match error.code() {
            Some("authorization_pending") => Some(self.interval),
            Some("slow_down") => Some(longer(INTERVAL)),
            Some(_) => None,
            // No answer, or a busy provider: less often (RFC 8628 section 3.5).
            None if error.is_retryable() => Some(longer(self.interval).max(error.retry_after().unwrap_or_default())),
            None => None,
        }
    }
}

fn expired() -> Error {
    Error::new(ErrorKind::Refused, "the user did not decide in time")
        .in_phase(Phase::Token)
        .with_code(Some("expired_token".to_owned()))
}

async fn ask(config: &Config, scopes: &[String], extra: Vec<Pair<'static>>) -> Result<Codes> {
    let model = config.model();
    let scope = scopes.join(&model.scopes.separator);
    let engine = [(EngineValue::Scope, scope.as_str())];
    let values = Values { engine: &engine, ..Values::new(config) };
    let shape = &model.device_authorization;
    let call = Call {
        pairs: vec![("client_id".into(), config.client_id.as_str().into()), ("scope".into(), scope.as_str().into())],
        extra,
        ..Call::new(&shape.request, values.endpoint(Endpoint::DeviceAuthorization)?)
    };
    let answer = call.send(config, &shape.response, &values).await?;
    codes(&answer)
}

fn codes(answer: &Answer<'_>) -> Result<Codes> {
    let text =
        |name: &str| answer.member(name).and_then(|value| value.as_str().map(str::to_owned)).filter(|text| !text.is_empty());
    let needed = |name: &str| text(name).ok_or_else(|| Error::invalid(format!("the answer has no {name}")));
    let verification_uri = needed("verification_uri").map_err(|error| {
        error.with_hint("where the provider has it elsewhere, the cell is `device_authorization.response.names`")
    })?;
    let seconds = |name: &str| answer.member(name).and_then(|value| number(&value));
    Ok(Codes {
        device_code: Secret::new(needed("device_code")?),
        user_code: needed("user_code")?,
        verification_uri_complete: text("verification_uri_complete").filter(|uri| is_web_page(uri)),
        verification_uri: Some(verification_uri).filter(|uri| is_web_page(uri)).ok_or_else(|| {
            Error::invalid("the verification_uri is no web page").with_hint("it is shown to the user, who would follow it")
        })?,
        expires_in: seconds("expires_in").unwrap_or(LIFETIME),
        interval: seconds("interval").unwrap_or(INTERVAL),
    })
}

fn is_web_page(uri: &str) -> bool {
    uri.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

async fn poll(config: &Config, device_code: &Secret, scopes: &[String], extra: Vec<Pair<'static>>) -> Result<Token> {
    let model = config.model();
    let shape = &model.device_authorization.token;
    let values = Values::new(config);
    let mut pairs: Vec<Pair<'_>> =
        vec![("grant_type".into(), Grant::DeviceCode.as_str().into()), ("device_code".into(), device_code.expose().into())];
    // Nothing else says whose code it is (RFC 8628 section 3.4).
    if shape.request.authentication == Authentication::None {
        pairs.push(("client_id".into(), config.client_id.as_str().into()));
    }
    let call = Call {
        pairs,
        extra,
        before: Some(Hook::AccessTokenRequest),
        after: Some(Hook::AccessTokenResponse),
        secrets: vec![device_code.expose()],
        ..Call::new(&shape.request, values.endpoint(Endpoint::Token)?)
    };
    let answer = call.send(config, &shape.response, &values).await?;
    from_answer(answer, &Terms::of(config, model.token.lifetime, scopes))
}

impl<P: Provider> fmt::Debug for DeviceAuthorization<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("user_code", &self.user_code)
            .field("verification_uri", &self.verification_uri)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
