//! The client of one provider.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use grantry_descriptor::Descriptor;
use url::Url;

use crate::authorization::{Authorize, Pending};
use crate::callback::Callback;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::CredentialFor;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::grant::{authorization_code, refresh_token};
use crate::hooks::Hooks;
use crate::provider::{Compiled, Dynamic, Provider, Variables};
use crate::session::Session;
use crate::supports;
use crate::token::Token;
use crate::transport::Transport;

/// A call in progress. Boxed, so that a missing capability is one error of the compiler's, not three.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// An application registered with a provider. Cheap to clone.
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
        P: supports::DefaultVariables + supports::WithoutHooks,
    {
        let descriptor = P::descriptor().clone();
        Self::of(Config::unchecked(descriptor, Vec::new(), client_id.into(), credential.into_credential(), Hooks::new()))
    }

    /// A client with settings: a tenant, a shop, a data centre.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): a value that the variable's pattern does not admit.
    pub fn with(variables: P::Variables, client_id: impl Into<String>, credential: impl CredentialFor<P>) -> Result<Self>
    where
        P: supports::WithoutHooks,
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
    ) -> Result<Self> {
        let descriptor = P::descriptor().clone();
        Config::new(descriptor, variables.into_values(), client_id.into(), credential.into_credential(), hooks).map(Self::of)
    }
}

impl Client<Dynamic> {
    /// A client of a provider that is known at run time only.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): an unknown variable, a value that its pattern does not admit, one that is missing.
    pub fn from_descriptor(
        descriptor: Descriptor,
        variables: BTreeMap<String, String>,
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
        variables: BTreeMap<String, String>,
        client_id: impl Into<String>,
        credential: impl CredentialFor<Dynamic>,
        hooks: Hooks,
    ) -> Result<Self> {
        Config::new(descriptor, Variables::into_values(variables), client_id.into(), credential.into_credential(), hooks)
            .map(Self::of)
    }
}

impl<P: Provider> Client<P> {
    pub(crate) fn of(config: Config) -> Self {
        Self { config: Arc::new(config), provider: PhantomData }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    fn changed(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Where the provider sends the user back to (RFC 6749 section 3.1.2), exactly as it is registered.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): it is no absolute URI, or has a fragment.
    pub fn redirect_uri(self, uri: impl Into<String>) -> Result<Self> {
        let uri = uri.into();
        let refused = |why: &str| Error::misuse(format!("the redirect URI {uri:?} {why}")).of_provider(self.config.id());
        let parsed: Url = uri.parse().map_err(|_| refused("is no absolute URI"))?;
        if parsed.fragment().is_some() {
            return Err(refused("has a fragment"));
        }
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

    /// Another clock than the system's.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.changed(|config| config.clock = Arc::new(clock))
    }

    /// For tests: another source of randomness than the system's. State, nonce and code verifier are as strong as it is.
    pub fn danger_entropy(self, entropy: impl Entropy) -> Self {
        self.changed(|config| config.entropy = Arc::new(entropy))
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

    /// Ends a sign-in: checks the callback against what was pending, exchanges the code, verifies the id token.
    ///
    /// # Errors
    /// [`Callback`](crate::ErrorKind::Callback): it does not belong to the sign-in.
    /// [`Refused`](crate::ErrorKind::Refused): the user or the provider refused. And whatever can happen to a request.
    pub fn exchange(&self, pending: Pending, callback: impl Into<Callback>) -> Task<'_, Session<P>>
    where
        P: supports::AuthorizationCode,
    {
        let callback = callback.into();
        Box::pin(async move {
            let signed_in = authorization_code::exchange(&self.config, pending, callback).await;
            let signed_in = signed_in.map_err(|error| error.of_provider(self.config.id()))?;
            Ok(Session::start(Arc::clone(&self.config), signed_in.token, signed_in.callback, signed_in.id_token))
        })
    }

    /// Renews a token (RFC 6749 section 6), and returns the new one; what the answer does not repeat is kept.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) with [`needs_login`](Error::needs_login) when the grant is gone.
    pub fn refresh<'a>(&'a self, token: &'a Token) -> Task<'a, Token>
    where
        P: supports::RefreshToken,
    {
        Box::pin(
            async move { refresh_token::refresh(&self.config, token).await.map_err(|error| error.of_provider(self.config.id())) },
        )
    }

    /// A session with a token from storage.
    pub fn session(&self, token: Token) -> Session<P> {
        Session::start(Arc::clone(&self.config), token, None, None)
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
