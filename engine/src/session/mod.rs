//! A session: a client and a token that it got.

mod bound;
mod gate;
mod header;
mod id_token;
mod kept;
mod outcome;
mod renewal;
mod rotation;
mod state;

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;

pub(crate) use self::bound::session_for;
pub(crate) use self::gate::Gate;
pub(crate) use self::kept::Sessions;
pub(crate) use self::state::{SessionInner, Source};
use crate::client::Task;
use crate::config::Config;
use crate::error::Result;
use crate::openid::IdToken;
use crate::profile::{self, Profile};
use crate::protected::RequestBuilder;
use crate::provider::{Compiled, Dynamic, Provider};
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
        Self::of(Arc::new(SessionInner::new(config, token, source, callback, id_token)))
    }

    pub(crate) const fn of(inner: Arc<SessionInner>) -> Self {
        Self { inner, provider: PhantomData }
    }

    /// Whether somebody else holds the session too.
    #[cfg(feature = "jose")]
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// A valid token: as it is, or renewed first where that is due. Store it with [`Token::expose_for_storage`].
    ///
    /// # Errors
    /// As of a renewal: [`needs_login`](crate::Error::needs_login) when the grant is gone.
    pub fn token(&self) -> Task<'_, Arc<Token>> {
        self.task(self.inner.active())
    }

    /// The token as it is now, expired or not. `None`: the session has not authorized itself yet.
    pub fn current_token(&self) -> Option<Arc<Token>> {
        self.inner.token()
    }

    /// The header that carries the token, for requests that others than the session send; it never waits. `None`: the token is to be
    /// renewed first, by [`token`](Self::token), or there is none, or it does not go into a header.
    pub fn authorization(&self) -> Option<(HeaderName, HeaderValue)> {
        self.inner.header()
    }

    /// The claims of the id token that was verified at sign-in (OpenID Connect Core section 2). Of a session with a token from storage:
    /// those of [`Token::id_token`], as it is when they are first asked for, which are not verified again: they are as trustworthy as the
    /// storage. `None`: there is no id token, or the provider is no OpenID provider.
    pub fn id_token(&self) -> Option<IdToken<'_>> {
        self.inner.id_token().and_then(Value::as_object).map(IdToken::new)
    }

    /// Renews the token now: by its refresh token (RFC 6749 section 6), or as the session got it. Of several tasks that ask at once,
    /// one asks the provider.
    ///
    /// # Errors
    /// [`needs_login`](crate::Error::needs_login) when the grant is gone, or may be: after a lost answer the refresh token is sent again
    /// as far as the provider's descriptor allows it (`refresh.replay`), whoever asks.
    pub fn refresh(&self) -> Task<'_, Arc<Token>> {
        self.task(self.inner.renew_on_demand())
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
        self.task(self.inner.revoke())
    }

    /// Keeps the session in the client's token store under a key of the application's: a user's id, say. From now on it shares its token
    /// with every session of that key, in other processes too. What was there is replaced; a session that is kept there already is left
    /// as it is. What is kept is the token: whoever gets the session back from the store renews it by its refresh token, so one that
    /// has none, as of client credentials, is renewed by the session that got it only.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the client has no store, or the session is kept under another key.
    /// [`Store`](crate::ErrorKind::Store): the store failed; nothing was kept.
    pub fn keep(&self, key: &str) -> Task<'_, ()> {
        let key = key.to_owned();
        self.task(async move { bound::keep(&self.inner, &key).await })
    }

    /// Waits until nothing of the session's is under way: no renewal, no token that the store has yet to take, for which it waits a minute
    /// at most. Call it before the runtime shuts down.
    pub async fn close(&self) {
        self.inner.settled().await;
    }

    fn task<'a, T>(&'a self, work: impl Future<Output = Result<T>> + Send + 'a) -> Task<'a, T> {
        Box::pin(async move { work.await.map_err(|error| error.of_provider(self.inner.config.id())) })
    }

    /// Who the user is: from the provider's userinfo endpoint, its id token, or wherever else the provider says it. A call that is made only
    /// where a claim is missing may be refused (HTTP 401, 403, 404): then the claim stays absent.
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

#[cfg(test)]
mod tests {
    use grantry_descriptor::Descriptor;

    use super::*;
    use crate::client::Client;
    use crate::clock::Clock;
    use crate::provider::NoVariables;

    struct At(u64);

    impl Clock for At {
        fn now(&self) -> u64 {
            self.0
        }
    }

    /// The header at 1000, of a token that lives from 0 until then.
    fn header(expires_at: u64, is_renewable: bool, is_in_query: bool) -> Option<String> {
        let builder = Descriptor::builder("acme")
            .authorization_endpoint("https://acme.example/authorize")
            .token_endpoint("https://acme.example/token")
            .client_authentication_method("client_secret_post")
            .base_url("https://api.acme.example/");
        let builder = if is_in_query { builder.set("requests.access_token.in", "query") } else { builder };
        let descriptor = builder.build().unwrap();
        let client = Client::from_descriptor(descriptor, NoVariables, "dev", "hush").unwrap().clock(At(1000));
        let mut token = Token::new("at");
        (token.issued_at, token.expires_at) = (Some(0), Some(expires_at));
        token.refresh_token = is_renewable.then(|| "rt".into());
        client.session(token).authorization().map(|(name, value)| {
            assert!(value.is_sensitive());
            format!("{name}: {}", value.to_str().unwrap())
        })
    }

    #[test]
    fn the_header_is_of_a_token_that_is_sent_as_it_is() {
        let bearer = Some("authorization: Bearer at".to_owned());
        assert_eq!(header(2000, true, false), bearer);
        assert_eq!(header(1030, true, false), None);
        assert_eq!(header(1030, false, false), bearer);
        assert_eq!(header(999, false, false), None);
        assert_eq!(header(2000, true, true), None);
    }

    /// A client of an issuer with these settings.
    fn key(issuer: &str, settings: [(&'static str, &str); 2]) -> crate::store::StoreKey {
        let descriptor = Descriptor::builder("acme")
            .issuer(issuer)
            .authorization_endpoint("https://acme.example/{a}/{b}")
            .token_endpoint("https://acme.example/token")
            .set("variables.a.description", "one")
            .set("variables.b.description", "another")
            .client_authentication_method("client_secret_post");
        let settings = settings.map(|(name, value)| (name.into(), value.to_owned())).to_vec();
        let credential = crate::Credential::from("hush");
        let config = Config::unchecked(descriptor.build().unwrap(), settings, "dev".to_owned(), credential, Default::default());
        kept::key_of(&config, "user")
    }

    #[test]
    fn no_two_issuers_or_tenants_share_a_record() {
        let (here, there) = ("https://id.acme.example", "https://id.acme.example/other");
        let settings = [("a", "1"), ("b", "2")];
        assert_eq!(key(here, settings), key(here, [("b", "2"), ("a", "1")]));
        assert_ne!(key(here, settings), key(there, settings));
        assert_ne!(key(here, settings), key(here, [("a", "2"), ("b", "1")]));
    }

    #[test]
    fn sessions_that_nobody_holds_make_room() {
        let descriptor = Descriptor::builder("acme")
            .authorization_endpoint("https://acme.example/authorize")
            .token_endpoint("https://acme.example/token")
            .client_authentication_method("client_secret_post");
        let client = Client::from_descriptor(descriptor.build().unwrap(), NoVariables, "dev", "hush").unwrap();
        let client = client.token_store(crate::store::MemoryStore::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for user in 0..1000 {
            runtime.block_on(client.session(Token::new("at")).keep(&user.to_string())).unwrap();
        }
        assert!(client.config().sessions.count() <= 64);
    }
}
