//! A session: a client and a token that it got.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use grantry_descriptor::Str;
use grantry_descriptor::model::{Grant, Location, Template};
use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::client::Task;
use crate::config::{Config, Refreshing};
use crate::error::{Error, ErrorKind, Phase, Result};
#[cfg(feature = "jose")]
use crate::grant::service_account;
use crate::grant::{direct, refresh_token};
use crate::hooks::TokenUpdate;
use crate::openid::IdToken;
use crate::placement;
use crate::profile::{self, Profile};
use crate::protected::RequestBuilder;
use crate::provider::{Compiled, Dynamic, Provider};
use crate::renewal::Renewal;
use crate::revocation;
use crate::supports;
use crate::token::Token;

/// Access to one user's resources, or to those of a machine. Cheap to clone; the clones share the token and its renewal.
///
/// A token that is about to expire is renewed before a request, one that the API refuses once after it (see
/// [`Client::without_automatic_refresh`](crate::Client::without_automatic_refresh)).
///
/// The bare `Session` is the erased one: of any provider, or of one that is known at run time only.
pub struct Session<P = Dynamic> {
    inner: Arc<SessionInner>,
    provider: PhantomData<fn() -> P>,
}

pub(crate) struct SessionInner {
    pub(crate) config: Arc<Config>,
    current: ArcSwapOption<Current>,
    source: Source,
    renewal: Arc<Renewal>,
    /// The parameters of the callback, where the session comes from one.
    pub(crate) callback: Option<Value>,
    /// The claims of the id token that was verified at sign-in.
    pub(crate) id_token: Option<Value>,
}

/// Where a session gets a token from, besides a refresh token.
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
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

impl Current {
    /// A token that no header can hold is refused when it is sent.
    fn new(config: &Config, token: Arc<Token>) -> Self {
        let place = &config.model().requests.access_token;
        let header = match place.location {
            Location::Header if !token.access_token.expose().is_empty() => {
                placement::header(place, token.access_token.expose()).ok()
            }
            _ => None,
        };
        Self { token, header }
    }
}

impl SessionInner {
    /// The token as it is now, if there is one.
    pub(crate) fn current(&self) -> arc_swap::Guard<Option<Arc<Current>>> {
        self.current.load()
    }

    pub(crate) fn token(&self) -> Option<Arc<Token>> {
        self.current().as_ref().map(|current| Arc::clone(&current.token))
    }

    fn publish(&self, token: Arc<Token>) {
        self.current.store(Some(Arc::new(Current::new(&self.config, token))));
    }

    /// Remembers values of variables that were learned after sign-in.
    pub(crate) fn learn(&self, found: Vec<(String, String)>) {
        let Some(token) = self.token().filter(|_| !found.is_empty()) else { return };
        let mut token = Token::clone(&token);
        for (name, value) in found {
            token.learn(&name, value);
        }
        self.publish(Arc::new(token));
    }

    /// The token, renewed first where that is due.
    pub(crate) async fn active(self: &Arc<Self>) -> Result<Arc<Token>> {
        let Some(token) = self.token() else { return self.renew(None).await };
        let Refreshing { is_automatic, leeway } = self.config.refreshing;
        let now = self.config.clock.now();
        if !is_automatic || !token.is_due(now, leeway) {
            return Ok(token);
        }
        let is_over = token.is_expired(now, 0);
        match self.can_renew(&token) {
            false if is_over => {
                let error = Error::new(ErrorKind::ReauthRequired, "the token has expired, and there is nothing to renew it with");
                Err(error.in_phase(Phase::Refresh))
            }
            false => Ok(token),
            true => match self.renew(Some(&token)).await {
                // It is still valid: a provider that is down must not stop what works.
                Err(error) if !is_over && error.is_retryable() => Ok(token),
                renewed => renewed,
            },
        }
    }

    /// Whether there is a way to another token than this.
    pub(crate) fn can_renew(&self, token: &Token) -> bool {
        refresh_token::is_possible(&self.config, token) || !matches!(self.source, Source::User)
    }

    /// A newer token than `seen`: one renewal, however many ask for it.
    pub(crate) async fn renew(self: &Arc<Self>, seen: Option<&Arc<Token>>) -> Result<Arc<Token>> {
        let newer = || self.token().filter(|now| seen.is_none_or(|seen| !Arc::ptr_eq(seen, now)));
        let inner = Arc::clone(self);
        self.renewal.run(newer, async move { inner.renew_now().await }).await
    }

    async fn renew_now(&self) -> Result<Arc<Token>> {
        let previous = self.token();
        let renewed = match &previous {
            Some(token) if refresh_token::is_possible(&self.config, token) => {
                refresh_token::refresh(&self.config, token, &[], Vec::new()).await
            }
            _ => self.token_of_source().await,
        };
        let token = Arc::new(renewed?);
        self.publish(Arc::clone(&token));
        // The new token is in place, whatever becomes of its storage.
        if let Some(update_token) = &self.config.update_token {
            update_token(TokenUpdate { token: Arc::clone(&token), previous }).await?;
        }
        Ok(token)
    }

    async fn token_of_source(&self) -> Result<Token> {
        match &self.source {
            // The refresh says what is missing.
            Source::User => {
                let token = self.token().map(|token| Token::clone(&token)).unwrap_or_else(|| Token::new(""));
                refresh_token::refresh(&self.config, &token, &[], Vec::new()).await
            }
            Source::Direct(grant, parameters) => {
                direct::token(&self.config, *grant, parameters).await.map(|signed_in| signed_in.0)
            }
            #[cfg(feature = "jose")]
            Source::ServiceAccount(account) => service_account::token(&self.config, account).await,
        }
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

impl<P: Provider> Session<P> {
    pub(crate) fn start(config: Arc<Config>, token: Token, callback: Option<Value>, id_token: Option<Value>) -> Self {
        Self::new(config, Some(token), Source::User, callback, id_token)
    }

    pub(crate) fn new(
        config: Arc<Config>,
        token: Option<Token>,
        source: Source,
        callback: Option<Value>,
        id_token: Option<Value>,
    ) -> Self {
        let current = ArcSwapOption::from(token.map(|token| Arc::new(Current::new(&config, Arc::new(token)))));
        Self {
            inner: Arc::new(SessionInner { config, current, source, renewal: Arc::default(), callback, id_token }),
            provider: PhantomData,
        }
    }

    /// Whether somebody else holds the session too.
    #[cfg(feature = "jose")]
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// A valid token: as it is, or renewed first where that is due. Store it with [`Token::expose_for_storage`].
    ///
    /// # Errors
    /// As of a renewal: [`needs_login`](Error::needs_login) when the grant is gone.
    pub fn token(&self) -> Task<'_, Arc<Token>> {
        self.task(self.inner.active())
    }

    /// The token as it is now, expired or not. `None`: the session has not authorized itself yet.
    pub fn current_token(&self) -> Option<Arc<Token>> {
        self.inner.token()
    }

    /// The claims of the id token that was verified at sign-in (OpenID Connect Core section 2).
    pub fn id_token(&self) -> Option<IdToken<'_>> {
        self.inner.id_token.as_ref().and_then(Value::as_object).map(IdToken::new)
    }

    /// Renews the token now: by its refresh token (RFC 6749 section 6), or as the session got it. Of several tasks that ask at once,
    /// one asks the provider.
    ///
    /// # Errors
    /// [`needs_login`](Error::needs_login) when the grant is gone.
    pub fn refresh(&self) -> Task<'_, Arc<Token>> {
        self.task(async move { self.inner.renew(self.inner.token().as_ref()).await })
    }

    /// Gives the token back (RFC 7009): the refresh token where there is one, else the access token. A renewal that is under way
    /// ends first, so that it is the newest token that is revoked.
    ///
    /// # Errors
    /// As [`Client::revoke`](crate::Client::revoke).
    pub fn revoke(&self) -> Task<'_, ()>
    where
        P: supports::Revocation,
    {
        self.task(async move {
            self.inner.renewal.settled().await;
            match self.inner.token() {
                Some(token) => revocation::revoke(&self.inner.config, &token, None, Vec::new()).await,
                None => Ok(()),
            }
        })
    }

    fn task<'a, T>(&'a self, work: impl Future<Output = Result<T>> + Send + 'a) -> Task<'a, T> {
        Box::pin(async move { work.await.map_err(|error| error.of_provider(self.inner.config.id())) })
    }

    /// Who the user is: from the provider's userinfo endpoint, its id token, or wherever else the provider says it.
    pub fn profile(&self) -> Task<'_, Profile>
    where
        P: supports::UserInfo,
    {
        self.task(profile::read(&self.inner))
    }

    /// A GET of a protected resource: a path under the provider's API, or a URL on one of its API origins.
    pub fn get(&self, target: impl Into<String>) -> RequestBuilder {
        self.request(Method::GET, target)
    }

    /// A POST.
    pub fn post(&self, target: impl Into<String>) -> RequestBuilder {
        self.request(Method::POST, target)
    }

    /// A PUT.
    pub fn put(&self, target: impl Into<String>) -> RequestBuilder {
        self.request(Method::PUT, target)
    }

    /// A PATCH.
    pub fn patch(&self, target: impl Into<String>) -> RequestBuilder {
        self.request(Method::PATCH, target)
    }

    /// A DELETE.
    pub fn delete(&self, target: impl Into<String>) -> RequestBuilder {
        self.request(Method::DELETE, target)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, target: impl Into<String>) -> RequestBuilder {
        RequestBuilder::new(Arc::clone(&self.inner), method, target.into())
    }
}

impl Session<Dynamic> {
    /// The session as that of a compiled provider.
    ///
    /// # Errors
    /// The session itself, if it is another provider's.
    pub fn downcast<P: Compiled>(self) -> Result<Session<P>, Self> {
        if self.inner.config.compiled == Some(TypeId::of::<P>()) {
            Ok(Session { inner: self.inner, provider: PhantomData })
        } else {
            Err(self)
        }
    }
}

impl<P: Compiled> From<Session<P>> for Session<Dynamic> {
    fn from(session: Session<P>) -> Self {
        Self { inner: session.inner, provider: PhantomData }
    }
}

impl<P> Clone for Session<P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), provider: PhantomData }
    }
}

impl<P> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("provider", &self.inner.config.id()).field("token", &self.inner.token()).finish()
    }
}
