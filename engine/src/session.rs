//! A session: a client and a token that it got.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use grantry_descriptor::model::Location;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::client::Task;
use crate::config::Config;
use crate::error::Result;
use crate::grant::refresh_token;
use crate::placement;
use crate::profile::{self, Profile};
use crate::protected::RequestBuilder;
use crate::provider::{Compiled, Dynamic, Provider};
use crate::supports;
use crate::token::Token;

/// Access to one user's resources. Cheap to clone; the clones share the token and its renewal.
///
/// The bare `Session` is the erased one: of any provider, or of one that is known at run time only.
pub struct Session<P = Dynamic> {
    inner: Arc<SessionInner>,
    provider: PhantomData<fn() -> P>,
}

pub(crate) struct SessionInner {
    pub(crate) config: Arc<Config>,
    current: ArcSwap<Current>,
    renewal: Mutex<()>,
    /// The parameters of the callback, where the session comes from one.
    pub(crate) callback: Option<Value>,
    /// The claims of the id token that was verified at sign-in.
    pub(crate) id_token: Option<Value>,
}

/// A token, and the header that carries it where one does.
pub(crate) struct Current {
    pub(crate) token: Arc<Token>,
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

impl Current {
    /// A token that no header can hold is refused when it is sent.
    fn new(config: &Config, token: Token) -> Self {
        let place = &config.model().requests.access_token;
        let header = match place.location {
            Location::Header => placement::header(place, token.access_token.expose()).ok(),
            Location::Query | Location::Form => None,
        };
        Self { token: Arc::new(token), header }
    }
}

impl SessionInner {
    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<Current>> {
        self.current.load()
    }

    /// Remembers values of variables that were learned after sign-in.
    pub(crate) fn learn(&self, found: Vec<(String, String)>) {
        if found.is_empty() {
            return;
        }
        let mut token = Token::clone(&self.current().token);
        for (name, value) in found {
            token.learn(&name, value);
        }
        self.current.store(Arc::new(Current::new(&self.config, token)));
    }

    /// Renews the token unless another task just did.
    async fn refresh(&self) -> Result<Arc<Token>> {
        let seen = Arc::clone(&self.current().token);
        let _guard = self.renewal.lock().await;
        let now = Arc::clone(&self.current().token);
        if !Arc::ptr_eq(&seen, &now) {
            return Ok(now);
        }
        let renewed = refresh_token::refresh(&self.config, &now).await?;
        let current = Arc::new(Current::new(&self.config, renewed));
        self.current.store(Arc::clone(&current));
        Ok(Arc::clone(&current.token))
    }
}

impl<P: Provider> Session<P> {
    pub(crate) fn start(config: Arc<Config>, token: Token, callback: Option<Value>, id_token: Option<Value>) -> Self {
        let current = ArcSwap::from_pointee(Current::new(&config, token));
        Self {
            inner: Arc::new(SessionInner { config, current, renewal: Mutex::new(()), callback, id_token }),
            provider: PhantomData,
        }
    }

    /// The token as it is now. Store it with [`Token::expose_for_storage`].
    pub fn token(&self) -> Arc<Token> {
        Arc::clone(&self.inner.current().token)
    }

    /// The claims of the id token that was verified at sign-in (OpenID Connect Core section 2).
    pub fn id_token_claims(&self) -> Option<&serde_json::Map<String, Value>> {
        self.inner.id_token.as_ref().and_then(Value::as_object)
    }

    /// Renews the token now (RFC 6749 section 6). Of several tasks that ask at once, one asks the provider.
    ///
    /// # Errors
    /// [`needs_login`](crate::Error::needs_login) when the grant is gone.
    pub fn refresh(&self) -> Task<'_, Arc<Token>>
    where
        P: supports::RefreshToken,
    {
        Box::pin(async move { self.inner.refresh().await.map_err(|error| error.of_provider(self.inner.config.id())) })
    }

    /// Who the user is: from the provider's userinfo endpoint, its id token, or wherever else the provider says it.
    pub fn profile(&self) -> Task<'_, Profile>
    where
        P: supports::UserInfo,
    {
        Box::pin(async move { profile::read(&self.inner).await.map_err(|error| error.of_provider(self.inner.config.id())) })
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
        if self.inner.config.descriptor == *P::descriptor() {
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
        f.debug_struct("Session").field("provider", &self.inner.config.id()).field("token", &self.inner.current().token).finish()
    }
}
