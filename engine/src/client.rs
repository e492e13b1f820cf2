//! The client of one provider.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use grantry_descriptor::Descriptor;
use grantry_descriptor::model::AuthenticationMethod;

use crate::authorization::{Authorize, Pending, check_redirect_uri};
use crate::built::Built;
use crate::callback::Callback;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::CredentialFor;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::hooks::{Hooks, TokenUpdate, on_request};
use crate::http::HttpRequest;
#[cfg(feature = "jose")]
use crate::jose::KeySet;
#[cfg(feature = "jose")]
use crate::openid::LogoutToken;
use crate::openid::{self, EndSession, FrontChannelLogout, InitiatedLogin, PendingLogout};
use crate::provider::{Compiled, Dynamic, Provider, Variables};
use crate::secret::Secret;
use crate::session::{self, Session};
use crate::store::TokenStore;
use crate::supports;
use crate::token::Token;
use crate::token_request::{
    ClientCredentials, Device, Exchange, Introspect, JwtBearer, Password, Refresh, Revoke, TokenExchange, TokenRequest,
};
use crate::transport::Transport;

/// Most seconds that the provider's clock may be off.
const MAX_SKEW: u64 = 60;

/// A call in progress. Boxed, so that a missing capability is one error of the compiler's, not three.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// An application registered with a provider. Cheap to clone.
///
/// Its sessions leave a provider that is busy alone together. Once the token endpoint has answered one of them with 429 or 503, none
/// renews its token by itself until the time is over that it names (`Retry-After`), or one that doubles, from a quarter of a second to
/// half a minute. Then one goes to see, and the others follow, spread over seconds. Meanwhile a token that is still valid is used on,
/// and a session without one gets the error, with [`retry_after`](Error::retry_after). [`Session::refresh`] is sent all the same. Clients
/// that are cloned share this; one whose settings are changed begins anew.
///
/// `grantry::provider!` gives each provider an alias: `github::Client`. The bare `Client` is the erased one: any provider's, or one
/// that is known at run time only.
pub struct Client<P = Dynamic> {
    config: Arc<Config>,
    provider: PhantomData<fn() -> P>,
}

impl<P: Compiled> Client<P> {
    /// A client with the provider's default settings.
    pub fn new(client_id: impl Into<String>, credential: impl CredentialFor<P>) -> Self
    where
        P: supports::DefaultVariables + supports::WithoutHooks + supports::WithoutDiscovery,
    {
        let descriptor = P::descriptor().clone();
        Self::compiled(Config::unchecked(descriptor, Vec::new(), client_id.into(), credential.into_credential(), Hooks::new()))
    }

    /// A client with settings: a tenant, a shop, a data centre.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): a value that the variable's pattern does not admit.
    pub fn with(variables: P::Variables, client_id: impl Into<String>, credential: impl CredentialFor<P>) -> Result<Self>
    where
        P: supports::WithoutHooks + supports::WithoutDiscovery,
    {
        Self::with_hooks(variables, client_id, credential, Hooks::new())
    }

    /// A client with settings and hooks: the only one for providers that require hooks.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): a value that the variable's pattern does not admit, or a required hook that is missing.
    pub fn with_hooks(
        variables: P::Variables,
        client_id: impl Into<String>,
        credential: impl CredentialFor<P>,
        hooks: Hooks,
    ) -> Result<Self>
    where
        P: supports::WithoutDiscovery,
    {
        let descriptor = P::descriptor().clone();
        let credential = credential.into_credential();
        Config::new(descriptor, variables.into_values(), client_id.into(), credential, hooks).map(Self::compiled)
    }

    pub(crate) fn compiled(mut config: Config) -> Self {
        config.compiled = Some(TypeId::of::<P>());
        Self::of(config)
    }
}

impl Client<Dynamic> {
    /// A client of a provider that is known at run time only. Its variables are a map, or [`NoVariables`](crate::NoVariables).
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): an unknown variable, a value that its pattern does not admit, one that is missing.
    pub fn from_descriptor(
        descriptor: Descriptor,
        variables: impl Variables,
        client_id: impl Into<String>,
        credential: impl CredentialFor<Dynamic>,
    ) -> Result<Self> {
        Self::from_descriptor_with_hooks(descriptor, variables, client_id, credential, Hooks::new())
    }

    /// A client of a provider that is known at run time only, with hooks.
    ///
    /// # Errors
    /// As [`from_descriptor`](Self::from_descriptor), or a required hook is missing.
    pub fn from_descriptor_with_hooks(
        descriptor: Descriptor,
        variables: impl Variables,
        client_id: impl Into<String>,
        credential: impl CredentialFor<Dynamic>,
        hooks: Hooks,
    ) -> Result<Self> {
        Config::new(descriptor, variables.into_values(), client_id.into(), credential.into_credential(), hooks).map(Self::of)
    }
}

impl<P: Provider> Client<P> {
    pub(crate) fn of(config: Config) -> Self {
        Self { config: Arc::new(config), provider: PhantomData }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn shared_config(&self) -> Arc<Config> {
        Arc::clone(&self.config)
    }

    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Config)) -> Self {
        let config = Arc::make_mut(&mut self.config);
        change(config);
        // Sessions know the settings that they were made with, and the gate is that of one endpoint.
        config.sessions = Arc::default();
        config.gate = Arc::default();
        config.built = Built::default();
        self
    }

    /// Where the provider sends the user back to (RFC 6749 section 3.1.2), exactly as it is registered.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): it is no absolute URI, or has a fragment.
    pub fn redirect_uri(self, uri: impl Into<String>) -> Result<Self> {
        let uri = uri.into();
        check_redirect_uri(&uri).map_err(|error| error.of_provider(self.config.id()))?;
        Ok(self.changed(|config| config.redirect_uri = Some(uri)))
    }

    /// The application's compliance hooks, after those that the client has.
    pub fn hooks(self, hooks: Hooks) -> Self {
        self.changed(|config| config.hooks.append(hooks))
    }

    /// How requests travel; clients that share a transport share its connections.
    pub fn transport(self, transport: Transport) -> Self {
        self.changed(|config| config.transport = transport)
    }

    /// Chooses among the descriptor's client authentication methods; by default the first one that the credential fits.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the provider does not have the method.
    pub fn authentication_method(self, method: AuthenticationMethod) -> Result<Self> {
        let methods = &self.config.model().client_authentication.methods;
        if !methods.contains(&method) {
            let known: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
            let message = format!("the provider does not have the method {}; it has: {}", method.as_str(), known.join(", "));
            return Err(Error::misuse(message).of_provider(self.config.id()));
        }
        Ok(self.changed(|config| config.chosen_method = Some(method)))
    }

    /// Authenticates the client by a method of the application's own, in place of the descriptor's: a key in hardware, a provider's
    /// invention. It sees the whole request, after every hook, at each endpoint where the client authenticates, also at one for which the
    /// descriptor names a method. Not asked are endpoints where the client does not, by the descriptor, and those of service accounts
    /// whose assertion authenticates it.
    pub fn authenticate_with<F, Fut>(self, method: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.changed(|config| config.own_method = Some(on_request(method)))
    }

    /// Is called when a session has a new token, for its storage; the token is in use already. An error of its is that of the request
    /// that caused the renewal, and nothing is lost.
    pub fn update_token<F, Fut>(self, update: F) -> Self
    where
        F: Fn(TokenUpdate) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.changed(|config| config.update_token = Some(Arc::new(move |updated| Box::pin(update(updated)))))
    }

    /// How long before its expiry a session's token is renewed: 60 seconds by default, and never more than half its lifetime. As long as
    /// the token is valid, a request waits five seconds at most for the next one, and goes on with the one that it has if there is none.
    pub fn refresh_leeway(self, leeway: Duration) -> Self {
        self.changed(|config| config.refreshing.leeway = leeway.as_secs())
    }

    /// From how long before that on the token is renewed in the background, while requests go on with the one they have: so no request
    /// waits for a renewal. Each token has a time of its own in the first half. Off by default.
    pub fn refresh_ahead(self, ahead: Duration) -> Self {
        self.changed(|config| config.refreshing.ahead = ahead.as_secs())
    }

    /// Keeps sessions in a store: see [`Session::keep`] and [`session_for`](Self::session_for).
    pub fn token_store(self, store: impl TokenStore) -> Self {
        self.shared_token_store(Arc::new(store))
    }

    /// The same with a store that others use too.
    pub fn shared_token_store(self, store: Arc<dyn TokenStore>) -> Self {
        self.changed(|config| config.store = Some(store))
    }

    /// Sessions renew their token when [`Session::refresh`] is called, and at no other time.
    pub fn without_automatic_refresh(self) -> Self {
        self.changed(|config| config.refreshing.is_automatic = false)
    }

    /// Another clock than the system's.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.changed(|config| config.clock = Arc::new(clock))
    }

    /// How far the provider's clock may be from this one's, for the times in its signed tokens: 10 seconds by default, and never more
    /// than 60.
    pub fn clock_skew(self, skew: Duration) -> Self {
        self.changed(|config| config.clock_skew = skew.as_secs().min(MAX_SKEW))
    }

    /// The keys that the provider signs with, as the text of a key set (RFC 7517 section 5); then none are fetched. For providers that
    /// publish none, and for tests. Keys that cannot verify are left out.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the text is no key set.
    #[cfg(feature = "jose")]
    pub fn jwks(self, text: &str) -> Result<Self> {
        let refused = |why| Error::misuse(format!("the key set cannot be used: {why}")).of_provider(self.config.id());
        let keys = KeySet::parse(text.as_bytes()).map_err(refused)?;
        Ok(self.changed(|config| config.keys = Arc::new(openid::Keys::given(keys))))
    }

    /// For tests: another source of randomness than the system's. State, nonce and code verifier are as strong as it is.
    pub fn danger_entropy(self, entropy: impl Entropy) -> Self {
        self.changed(|config| config.entropy = Arc::new(entropy))
    }

    /// The client's id at the provider (RFC 6749 section 2.2).
    pub fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// What the catalog says about the provider.
    pub fn descriptor(&self) -> &Descriptor {
        &self.config.descriptor
    }

    /// Starts a sign-in (RFC 6749 section 4.1): builds the URL to send the user to.
    pub fn authorize(&self) -> Authorize<P>
    where
        P: supports::AuthorizationCode,
    {
        Authorize::new(self.clone())
    }

    /// Starts a sign-in whose tokens come with the callback, in its fragment (RFC 6749 section 4.2): `token`, and `id_token` too where
    /// the provider signs users in. Prefer [`authorize`](Self::authorize): these tokens pass through the browser.
    pub fn implicit(&self) -> Authorize<P>
    where
        P: supports::Implicit,
    {
        let response_type = if self.config.model().openid.is_some() { "id_token token" } else { "token" };
        Authorize::new(self.clone()).response_type(response_type)
    }

    /// Ends a sign-in: checks the callback against what was pending, exchanges the code, verifies the id token.
    ///
    /// # Errors
    /// [`Callback`](crate::ErrorKind::Callback): it does not belong to the sign-in.
    /// [`Refused`](crate::ErrorKind::Refused): the user or the provider refused. And whatever can happen to a request.
    pub fn exchange(&self, pending: Pending, callback: impl Into<Callback>) -> TokenRequest<P, Exchange>
    where
        P: supports::SignIn,
    {
        self.ask(Exchange { pending, callback: callback.into() })
    }

    /// Authorizes the client itself (RFC 6749 section 4.4). The session renews its token by itself.
    pub fn client_credentials(&self) -> TokenRequest<P, ClientCredentials>
    where
        P: supports::ClientCredentials,
    {
        self.ask(ClientCredentials)
    }

    /// Signs a user in with name and password (RFC 6749 section 4.3), which the application sees: for first-party applications of
    /// old providers only.
    pub fn password(&self, username: impl Into<String>, password: impl Into<Secret>) -> TokenRequest<P, Password>
    where
        P: supports::Password,
    {
        self.ask(Password { username: username.into(), password: password.into() })
    }

    /// Signs a user in on another device (RFC 8628): for televisions and command lines.
    pub fn device(&self) -> TokenRequest<P, Device>
    where
        P: supports::DeviceAuthorization,
    {
        self.ask(Device)
    }

    /// Exchanges an assertion that somebody signed for a token (RFC 7523 section 2.1). For one that the application signs itself see
    /// [`AssertionSession`](crate::AssertionSession).
    pub fn jwt_bearer(&self, assertion: impl Into<Secret>) -> TokenRequest<P, JwtBearer>
    where
        P: supports::JwtBearer,
    {
        self.ask(JwtBearer { assertion: assertion.into() })
    }

    /// Exchanges a token for another (RFC 8693): of a user for a call downstream, of another issuer.
    pub fn token_exchange(&self, subject_token: impl Into<Secret>) -> TokenRequest<P, TokenExchange>
    where
        P: supports::TokenExchange,
    {
        self.ask(TokenExchange {
            subject_token: subject_token.into(),
            subject_token_type: "urn:ietf:params:oauth:token-type:access_token".into(),
            actor_token: None,
        })
    }

    /// Renews a token (RFC 6749 section 6), and returns the new one; what the answer does not repeat is kept. No scope is sent unless
    /// one is named: many providers refuse it.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) with [`needs_login`](Error::needs_login) when the grant is gone. An error may come with a
    /// token to store: [`rotated_token`](Error::rotated_token).
    pub fn refresh(&self, token: &Token) -> TokenRequest<P, Refresh>
    where
        P: supports::RefreshToken,
    {
        self.ask(Refresh { token: token.clone() })
    }

    /// Gives a token back (RFC 7009): the refresh token where there is one, else the access token. One that the provider does not
    /// know (any more) is revoked.
    pub fn revoke(&self, token: &Token) -> TokenRequest<P, Revoke>
    where
        P: supports::Revocation,
    {
        self.ask(Revoke { token: token.clone(), hint: None })
    }

    /// Asks the provider about a token (RFC 7662).
    pub fn introspect(&self, token: &Token) -> TokenRequest<P, Introspect>
    where
        P: supports::Introspection,
    {
        self.ask(Introspect { token: token.clone(), hint: None })
    }

    /// Ends the user's session at the provider (OpenID Connect RP-Initiated Logout): builds the URL to send the user to.
    pub fn end_session(&self) -> EndSession<P>
    where
        P: supports::EndSession,
    {
        EndSession::new(self.clone())
    }

    /// Checks where the user came back to from [`end_session`](Self::end_session): the URL that was called, or its path and query.
    ///
    /// # Errors
    /// [`Callback`](crate::ErrorKind::Callback): it does not belong to the logout.
    pub fn end_session_callback(&self, pending: PendingLogout, callback: &str) -> Result<()>
    where
        P: supports::EndSession,
    {
        pending.check(&self.config, callback)
    }

    /// Verifies a logout token that the provider posted (OpenID Connect Back-Channel Logout section 2.6). Then end the sessions of its
    /// user, or the one that it names.
    ///
    /// # Errors
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse) with an [`IdTokenError`](crate::IdTokenError) as its source.
    #[cfg(feature = "jose")]
    pub fn logout_token<'a>(&'a self, logout_token: &'a str) -> Task<'a, LogoutToken>
    where
        P: supports::OpenId,
    {
        Box::pin(async move {
            openid::logout_token(&self.config, logout_token).await.map_err(|error| error.of_provider(self.config.id()))
        })
    }

    /// Reads a logout that the provider told through the browser (OpenID Connect Front-Channel Logout section 3): the URL that was
    /// called, or its path and query.
    ///
    /// # Errors
    /// [`Callback`](crate::ErrorKind::Callback): another issuer, or one of `iss` and `sid` without the other.
    pub fn front_channel_logout(&self, request: &str) -> Result<FrontChannelLogout>
    where
        P: supports::OpenId,
    {
        openid::front_channel_logout(&self.config, request).map_err(|error| error.of_provider(self.config.id()))
    }

    /// Reads a request to start a sign-in (OpenID Connect Core section 4): the URL that was called, or its path and query, or the body
    /// of a POST.
    ///
    /// # Errors
    /// [`Callback`](crate::ErrorKind::Callback): it is for another issuer.
    pub fn initiated_login(&self, request: &str) -> Result<InitiatedLogin>
    where
        P: supports::OpenId,
    {
        openid::initiated_login(&self.config, request).map_err(|error| error.of_provider(self.config.id()))
    }

    fn ask<F>(&self, flow: F) -> TokenRequest<P, F> {
        TokenRequest::new(self.clone(), flow)
    }

    /// A session with a token from storage: the application's own, which nobody else can write to. Its id token is taken as verified.
    pub fn session(&self, token: Token) -> Session<P> {
        Session::start(Arc::clone(&self.config), token, None, None)
    }

    /// The session that is kept under a key; `None` where the store has none. Of one key there is one session in a process, and its
    /// token is renewed once, whoever asks, here or in another process that shares the store. Each call reads the store, which tells
    /// whether the user has signed out or in again elsewhere.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the client has no store. [`Store`](crate::ErrorKind::Store): the store failed, and nobody in
    /// this process holds the session.
    pub fn session_for<'a>(&'a self, key: &'a str) -> Task<'a, Option<Session<P>>> {
        Box::pin(async move {
            let found = session::session_for(&self.config, key).await;
            found.map(|found| found.map(Session::of)).map_err(|error| error.of_provider(self.config.id()))
        })
    }

    pub(crate) fn erased(self) -> Client<Dynamic> {
        Client { config: self.config, provider: PhantomData }
    }
}

impl<P: Compiled> From<Client<P>> for Client<Dynamic> {
    fn from(client: Client<P>) -> Self {
        client.erased()
    }
}

impl<P> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config), provider: PhantomData }
    }
}

impl<P> fmt::Debug for Client<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.config.id())
            .field("client_id", &self.config.client_id)
            .finish_non_exhaustive()
    }
}
