//! What the clones of a session share.

use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use grantry_descriptor::Str;
use grantry_descriptor::model::{Grant, Location, Template};
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::timeout;

use super::bound::{self, Binding};
use super::header::Prepared;
use super::id_token::Claims;
use super::outcome::Outcome;
use super::renewal::{Renewal, Running};
use crate::clock::{self, Clock};
use crate::config::{Config, Refreshing};
use crate::entropy;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::grant::direct;
use crate::grant::refresh_token::{self, Keep, Renewed};
#[cfg(feature = "jose")]
use crate::grant::service_account;
use crate::placement;
use crate::revocation;
use crate::token::Token;

/// Longest time for which a failed renewal is not tried again by itself, in seconds.
const LONGEST_PAUSE: u64 = 30;

/// How long a request whose token is still valid waits for a newer one.
const SOON: Duration = Duration::from_secs(5);

pub(super) fn nothing_to_renew_with() -> Error {
    let error = Error::new(ErrorKind::ReauthRequired, "the token has expired, and there is nothing to renew it with");
    error.in_phase(Phase::Refresh)
}

pub(crate) struct SessionInner {
    pub(crate) config: Arc<Config>,
    current: ArcSwapOption<Current>,
    pub(super) source: Source,
    renewal: Arc<Renewal>,
    /// Held by whoever renews the token or binds it to a key.
    pub(super) alone: tokio::sync::Mutex<()>,
    /// Where the token is kept, if anywhere.
    pub(super) binding: OnceLock<Arc<Binding>>,
    pause: Mutex<Pause>,
    /// The parameters of the callback, where the session comes from one.
    pub(crate) callback: Option<Value>,
    pub(super) id_token: Claims,
}

/// Where a session gets a token from, besides a refresh token.
#[derive(Clone)]
pub(crate) enum Source {
    /// Nowhere: the user has to sign in.
    User,
    /// The grant is run again.
    Direct(Grant, direct::Parameters),
    #[cfg(feature = "jose")]
    ServiceAccount(service_account::Account),
}

/// A token, and the header that carries it where one does.
pub(crate) struct Current {
    pub(crate) token: Arc<Token>,
    /// Made when it is first wanted.
    header: OnceLock<Option<Prepared>>,
    /// When it was put in place, by the wall clock and by the one that nobody sets.
    since: (u64, Instant),
    /// The last second of the wall clock that was found right.
    checked: AtomicU64,
    /// Seconds before the leeway from which it is renewed in the background: of many sessions, each has a time of its own.
    ahead: u64,
}

impl Current {
    fn new(config: &Config, token: Arc<Token>) -> Self {
        Self::at((config.clock.now(), config.clock.monotonic()), config, token)
    }

    fn at(since: (u64, Instant), config: &Config, token: Arc<Token>) -> Self {
        let ahead = config.refreshing.ahead;
        let jitter = if ahead == 0 { 0 } else { entropy::below(config.entropy.as_ref(), ahead / 2) };
        Self { token, header: OnceLock::new(), since, checked: AtomicU64::default(), ahead: clock::since(jitter, ahead) }
    }

    /// The header that carries the token, if one does. A token that no header can hold is refused when it is sent.
    pub(crate) fn header(&self, config: &Config) -> Option<&Prepared> {
        self.header.get_or_init(|| prepared(config, &self.token)).as_ref()
    }

    /// What time it is for the token: if the wall clock was put back, as much has passed all the same. Reading a clock is most of what
    /// a cached read takes, so the other one is asked once for each second of this one. To remember the latest time would not do: a
    /// clock that was put back while nobody looked has passed it again.
    fn now(&self, clock: &dyn Clock) -> u64 {
        let now = clock.now();
        if self.token.expires_at.is_none() || self.checked.load(Ordering::Relaxed) == now {
            return now;
        }
        let (then, at) = self.since;
        let passed = clock::after(then, clock.monotonic().saturating_duration_since(at).as_secs());
        if passed <= now {
            self.checked.store(now, Ordering::Relaxed);
        }
        now.max(passed)
    }
}

fn prepared(config: &Config, token: &Token) -> Option<Prepared> {
    let place = &config.model().requests.access_token;
    let secret = token.access_token.expose();
    let is_sent = place.location == Location::Header && !secret.is_empty() && placement::check_type(config, token).is_ok();
    if is_sent { placement::header(place, secret).ok().map(Prepared::new) } else { None }
}

/// A session that is kept nowhere keeps its refresh token in mind: its runtime may end, too.
struct InMind<'a>(&'a SessionInner);

impl Keep for InMind<'_> {
    fn keep(&self, token: Token) -> BoxFuture<'_, ()> {
        self.0.publish(token);
        ready(()).boxed()
    }
}

/// The last renewal that failed, and until when none is tried by itself.
#[derive(Default)]
struct Pause {
    error: Option<Error>,
    until: Option<Instant>,
    seconds: u64,
    /// When a refresh was sent that may have used its token up.
    lost_at: Option<u64>,
}

impl SessionInner {
    pub(super) fn new(
        config: Arc<Config>,
        token: Option<Token>,
        source: Source,
        callback: Option<Value>,
        id_token: Option<Value>,
    ) -> Self {
        let current = ArcSwapOption::from(token.map(|token| Arc::new(Current::new(&config, Arc::new(token)))));
        Self {
            config,
            current,
            source,
            renewal: Arc::default(),
            alone: tokio::sync::Mutex::default(),
            binding: OnceLock::new(),
            pause: Mutex::default(),
            callback,
            id_token: id_token.into(),
        }
    }

    /// The token as it is now, if there is one.
    pub(crate) fn current(&self) -> arc_swap::Guard<Option<Arc<Current>>> {
        self.current.load()
    }

    pub(crate) fn token(&self) -> Option<Arc<Token>> {
        self.current().as_ref().map(|current| Arc::clone(&current.token))
    }

    /// The header of a token that is sent as it is.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let current = self.current();
        let current = current.as_deref()?;
        let token = &current.token;
        let now = current.now(self.config.clock.as_ref());
        let Refreshing { is_automatic, leeway, .. } = self.config.refreshing;
        let is_renewed_first = || token.is_expired(now, 0) || (is_automatic && self.can_renew(token));
        if token.is_due(now, leeway) && is_renewed_first() { None } else { current.header(&self.config).map(Prepared::pair) }
    }

    /// Puts a token in place for every clone. The next pause is longer than the last one all the same, until a renewal succeeds.
    pub(super) fn publish(&self, mut token: Token) -> Arc<Token> {
        self.remind(&mut token);
        let token = Arc::new(token);
        let current = match self.current.load().as_deref() {
            Some(known) if !token.is_renewal_of(&known.token) => Current::at(known.since, &self.config, Arc::clone(&token)),
            _ => Current::new(&self.config, Arc::clone(&token)),
        };
        self.current.store(Some(Arc::new(current)));
        let mut pause = self.pause();
        *pause = Pause { seconds: pause.seconds, ..Pause::default() };
        drop(pause);
        token
    }

    /// Tells a token what was learned for the one before it, from the user's profile.
    pub(super) fn remind(&self, token: &mut Token) {
        for (name, value) in self.token().iter().flat_map(|known| &known.learned) {
            if !token.learned.iter().any(|(learned, _)| learned == name) {
                token.learn(name, value.clone());
            }
        }
    }

    /// Remembers values of variables that were learned after sign-in. It is the same token still: what is known of its renewal stays.
    pub(crate) fn learn(&self, found: &[(String, String)]) {
        if found.is_empty() {
            return;
        }
        self.current.rcu(|current| {
            let current = current.as_ref()?;
            let mut token = Token::clone(&current.token);
            for (name, value) in found {
                token.learn(name, value.clone());
            }
            Some(Arc::new(Current::at(current.since, &self.config, Arc::new(token))))
        });
    }

    /// The token, renewed first where that is due.
    pub(crate) async fn active(self: &Arc<Self>) -> Result<Arc<Token>> {
        match self.ready() {
            Some(token) => Ok(token),
            // Renewing takes room that a request with a valid token need not make.
            None => Box::pin(self.made_active()).await,
        }
    }

    /// The token, where nothing is to be done first.
    fn ready(&self) -> Option<Arc<Token>> {
        let Refreshing { is_automatic, leeway, .. } = self.config.refreshing;
        let current = self.current();
        let current = current.as_deref()?;
        let is_due = |leeway| current.token.is_due(current.now(self.config.clock.as_ref()), leeway);
        (!is_automatic || !is_due(clock::after(leeway, current.ahead))).then(|| Arc::clone(&current.token))
    }

    async fn made_active(self: &Arc<Self>) -> Result<Arc<Token>> {
        let Some(current) = self.current.load_full() else { return self.renew(None).await };
        let token = Arc::clone(&current.token);
        let now = current.now(self.config.clock.as_ref());
        if !token.is_due(now, self.config.refreshing.leeway) {
            self.renew_ahead(&token);
            return Ok(token);
        }
        match self.can_renew(&token) || self.is_kept() {
            false if token.is_expired(now, 0) => Err(nothing_to_renew_with()),
            false => Ok(token),
            true => self.renewed_or_valid(&current).await,
        }
    }

    /// A newer token. One that is still valid is used on where there is none soon, for whatever reason: a provider or a store that is down
    /// must not stop what works.
    async fn renewed_or_valid(self: &Arc<Self>, current: &Current) -> Result<Arc<Token>> {
        let (token, clock) = (&current.token, self.config.clock.as_ref());
        let is_valid = || !token.is_expired(current.now(clock), 0);
        let mut renewing = pin!(self.renew(Some(token)));
        let renewed = match timeout(SOON, renewing.as_mut()).await {
            Ok(renewed) => renewed,
            Err(_) if is_valid() => return Ok(Arc::clone(token)),
            Err(_) => renewing.await,
        };
        let is_final = |error: &Error| error.needs_login() && self.can_renew(token);
        match renewed {
            // An error that comes with a newer token is the application's own.
            Err(error) if is_valid() && !is_final(&error) && self.newer(Some(token)).is_none() => Ok(Arc::clone(token)),
            renewed => renewed,
        }
    }

    /// Starts a renewal without waiting for it.
    fn renew_ahead(self: &Arc<Self>, token: &Arc<Token>) {
        if self.can_renew(token) && !self.renewal.is_running() && self.paused().is_none() {
            let _under_way = self.run_renewal(Some(token), false);
        }
    }

    /// Whether there is a way to another token than this, besides that another process may have put one into the store.
    pub(super) fn can_renew(&self, token: &Token) -> bool {
        refresh_token::is_possible(&self.config, token) || !matches!(self.source, Source::User)
    }

    fn is_kept(&self) -> bool {
        self.binding.get().is_some()
    }

    /// A newer token than one that the API refused. `None`: there is no way to one.
    pub(crate) async fn after_refusal(self: &Arc<Self>, seen: &Arc<Token>) -> Result<Option<Arc<Token>>> {
        match self.can_renew(seen) {
            true => self.renew(Some(seen)).await.map(Some),
            // What the API said tells more than that the store has nothing newer.
            false if self.is_kept() => Ok(self.renew(Some(seen)).await.ok()),
            false => Ok(None),
        }
    }

    /// A newer token than `seen`: one renewal, however many ask for it. One that failed a moment ago is not tried again.
    pub(crate) async fn renew(self: &Arc<Self>, seen: Option<&Arc<Token>>) -> Result<Arc<Token>> {
        match (self.newer(seen), self.paused()) {
            (Some(token), _) => Ok(token),
            (None, Some(error)) => Err(error),
            (None, None) => self.run_renewal(seen, false).await,
        }
    }

    /// The token, where it is a newer one than `seen`.
    fn newer(&self, seen: Option<&Arc<Token>>) -> Option<Arc<Token>> {
        self.token().filter(|now| seen.is_none_or(|seen| now.is_renewal_of(seen)))
    }

    /// The same where the application asks: now, and even if the provider is busy.
    pub(super) async fn renew_on_demand(self: &Arc<Self>) -> Result<Arc<Token>> {
        self.run_renewal(self.token().as_ref(), true).await
    }

    /// Starts a renewal, or joins the one that is under way.
    fn run_renewal(self: &Arc<Self>, seen: Option<&Arc<Token>>, is_asked: bool) -> Running {
        let inner = Arc::clone(self);
        let renew = move || async move {
            let outcome = inner.renew_now(is_asked).await;
            match outcome.as_ref().map(Outcome::problem) {
                Ok(None) => inner.pause().seconds = 0,
                Ok(Some(error)) | Err(error) => {
                    tracing::warn!(target: "grantry::session", provider = inner.config.id(), %error, "a token was not renewed");
                    inner.pause_after(error);
                }
            }
            // The new token is in place, whatever becomes of its storage; what the application says is not the provider's word.
            outcome?.told(&inner.config).await
        };
        self.renewal.run(|| self.newer(seen), renew)
    }

    async fn renew_now(self: &Arc<Self>, is_asked: bool) -> Result<Outcome> {
        let _nobody_binds = self.alone.lock().await;
        if self.is_kept() {
            return bound::renew(self, is_asked).await;
        }
        if !is_asked {
            self.enter()?;
        }
        let previous = self.token();
        let lost_at = self.lost_at();
        // Until its outcome is known: the runtime may end before.
        self.pause().lost_at = lost_at.or_else(|| Some(self.config.clock.now()));
        match self.obtain(previous.as_deref(), lost_at, &InMind(self)).await {
            Ok(Renewed { token, problem }) => {
                Ok(Outcome::Renewed { token: self.publish(token), previous, is_persisted: true, problem })
            }
            Err(failed) => {
                // What was kept meanwhile is another user's.
                if let Some(previous) = previous.filter(|previous| self.token().is_some_and(|now| !now.has_secrets_of(previous)))
                {
                    self.publish(Token::clone(&previous));
                }
                self.pause().lost_at = failed.lost_at;
                Err(failed.error)
            }
        }
    }

    /// Gives the newest token back, and deletes it from the store.
    pub(super) async fn revoke(self: &Arc<Self>) -> Result<()> {
        self.settled().await;
        let _nobody_renews = self.alone.lock().await;
        let token = match self.binding.get() {
            Some(binding) => bound::take(self, binding).await?,
            None => self.token().map(|token| Token::clone(&token)),
        };
        match token {
            Some(token) => revocation::revoke(&self.config, &token, None, Vec::new()).await,
            None => Ok(()),
        }
    }

    /// Waits for what is under way.
    pub(super) async fn settled(&self) {
        self.renewal.settled().await;
        if let Some(binding) = self.binding.get() {
            binding.settled(self.config.clock.as_ref()).await;
        }
    }

    fn pause(&self) -> std::sync::MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a renewal that failed a moment ago, with the time that is left until another is tried, or of one that failed for
    /// good. Of a session that is kept the store is asked first: another process may have succeeded.
    fn paused(&self) -> Option<Error> {
        let pause = self.pause();
        let error = pause.error.as_ref()?;
        let left = pause.until?.saturating_duration_since(self.config.clock.monotonic());
        match error.needs_login() {
            true => ((self.is_final(error) && !self.is_kept()) || !left.is_zero()).then(|| error.clone()),
            false => (!left.is_zero()).then(|| error.clone().with_retry_after(Some(clock::seconds_of(left)))),
        }
    }

    /// The error that ended the session, where its token has not changed since.
    pub(super) fn ended(&self) -> Option<Error> {
        self.pause().error.clone().filter(|error| self.is_final(error))
    }

    /// Whether only the user can help. Who gets tokens for itself may be let in again: by an administrator's consent, say.
    fn is_final(&self, error: &Error) -> bool {
        error.needs_login() && matches!(self.source, Source::User)
    }

    /// When a refresh was sent that may have used its token up.
    pub(super) fn lost_at(&self) -> Option<u64> {
        self.pause().lost_at
    }

    fn pause_after(&self, error: &Error) {
        let now = self.config.clock.monotonic();
        let mut pause = self.pause();
        pause.seconds = pause.seconds.saturating_mul(2).clamp(1, LONGEST_PAUSE);
        pause.until = Some(clock::later(now, Duration::from_secs(error.retry_after().unwrap_or(pause.seconds).max(1))));
        pause.error = Some(error.clone());
    }

    /// Headers that go with each request beside the token.
    pub(crate) fn headers(&self) -> &[(Str, Template)] {
        match &self.source {
            #[cfg(feature = "jose")]
            Source::ServiceAccount(account) => account.headers(&self.config),
            _ => &[],
        }
    }
}
