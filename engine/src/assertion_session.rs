//! A session that an assertion of the application's own authorizes (RFC 7521, RFC 7523): for providers without a descriptor.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use grantry_descriptor::{Builder, Descriptor, Node};
use serde_json::Value;

use crate::client::Client;
use crate::credential::Credential;
use crate::error::{Error, Result};
use crate::grant::service_account::Account;
use crate::jose::SigningKey;
use crate::provider::{Dynamic, NoVariables};
use crate::service_account::{check, refuse_registered};
use crate::session::{Session, Source};

/// The name of the only service account of the descriptor that is built.
const PROFILE: &str = "assertion";

/// Starts a session that authorizes itself with assertions.
///
/// ```
/// # use grantry_engine::{AssertionSession, SigningKey};
/// # fn session(key: SigningKey) -> grantry_engine::Result<grantry_engine::Session> {
/// let session = AssertionSession::builder()
///     .token_endpoint("https://acme.example/token")
///     .issuer("robot@acme.example")
///     .claim("scope", "read write")?
///     .key(key)
///     .build()?;
/// # Ok(session)
/// # }
/// ```
#[derive(Debug)]
pub enum AssertionSession {}

impl AssertionSession {
    /// Says who asserts what; [`build`](AssertionSessionBuilder::build) gives the session.
    pub fn builder() -> AssertionSessionBuilder {
        AssertionSessionBuilder {
            descriptor: Descriptor::builder("assertion_session")
                .client_authentication_method("none")
                .grant_types([JWT_BEARER])
                .set("service_accounts.assertion.grant_type", JWT_BEARER)
                // The assertion says who asks (RFC 7521 section 4.1): no `client_id` beside it.
                .set("service_accounts.assertion.authentication", "none")
                .set("service_accounts.assertion.assertion.claims.iss", "{client_id}")
                .set("service_accounts.assertion.assertion.claims.sub", "{subject}"),
            token_endpoint: None,
            issuer: None,
            audience: None,
            algorithm: None,
            lifetime: Duration::from_secs(3600),
            account: Account { profile: PROFILE.to_owned(), ..Account::default() },
            configure: Vec::new(),
        }
    }
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

type Configure = Box<dyn FnOnce(Client) -> Client + Send>;

/// See [`AssertionSession::builder`].
#[must_use = "call `.build()`"]
pub struct AssertionSessionBuilder {
    descriptor: Builder,
    token_endpoint: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    algorithm: Option<Cow<'static, str>>,
    lifetime: Duration,
    account: Account,
    configure: Vec<Configure>,
}

impl AssertionSessionBuilder {
    /// Where the assertion is exchanged for a token.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.token_endpoint = Some(url.into());
        self
    }

    /// `iss`: who asserts (RFC 7523 section 3).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// `sub`: whom the token is for; left out unless given.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.account.subject = Some(subject.into());
        self
    }

    /// `aud`: the token endpoint unless given.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// A further claim; `jti` is made fresh for each assertion unless given.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): a registered claim, which has a method of its own or is the engine's.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Result<Self> {
        let name = name.into();
        refuse_registered(&name)?;
        self.account.claims.insert(name, value.into());
        Ok(self)
    }

    /// The key that signs. Its id, where it has one, is the header's `kid`.
    pub fn key(mut self, key: SigningKey) -> Self {
        self.account.key = Some(key);
        self
    }

    /// `alg` (RFC 7518 section 3.1): by default the usual one of the key's kind, `RS256`, `ES256`, `ES384` or `EdDSA`.
    pub fn algorithm(mut self, alg: impl Into<Cow<'static, str>>) -> Self {
        self.algorithm = Some(alg.into());
        self
    }

    /// How long an assertion is valid: one hour unless given.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The parameter `scope`. Providers that want it inside the assertion take `claim("scope", ..)`.
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.account.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// A further parameter of the token request.
    pub fn param(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.account.extra.push((name.into(), Cow::Owned(value.into())));
        self
    }

    /// The API that relative paths of requests are appended to.
    pub fn base_url(self, url: &str) -> Self {
        self.set("requests.base_url", url)
    }

    /// Anything else of the descriptor's vocabulary, by its dotted path: `set("requests.access_token.in", "query")`.
    pub fn set(mut self, path: &str, value: impl Into<Node>) -> Self {
        self.descriptor = self.descriptor.set(path, value);
        self
    }

    /// Everything else that a client can be told: transport, hooks, leeway.
    pub fn configure(mut self, configure: impl FnOnce(Client) -> Client + Send + 'static) -> Self {
        self.configure.push(Box::new(configure));
        self
    }

    /// The session. It authorizes itself on first use.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the token endpoint, the issuer or the key is missing or wrong, or the key cannot sign with
    /// the algorithm.
    pub fn build(mut self) -> Result<Session<Dynamic>> {
        let missing = |what: &str| Error::misuse(format!("the assertion session has no {what}"));
        let token_endpoint = self.token_endpoint.take().ok_or_else(|| missing("token endpoint"))?;
        let issuer = self.issuer.take().ok_or_else(|| missing("issuer"))?;
        let key = self.account.key.clone().ok_or_else(|| missing("key"))?;
        let alg = self.algorithm.take().unwrap_or_else(|| key.default_algorithm().into());
        let audience = self.audience.take().unwrap_or_else(|| token_endpoint.clone());
        self.account.claims.insert("aud".to_owned(), audience.into());
        let at = |key: &str| format!("service_accounts.{PROFILE}.assertion.{key}");
        let mut descriptor = self
            .descriptor
            .token_endpoint(&token_endpoint)
            .set(&at("alg"), alg.as_ref())
            .set(&at("lifetime"), self.lifetime.as_secs())
            .set(&at("header.typ"), "JWT");
        if key.id().is_some() {
            descriptor = descriptor.set(&at("header.kid"), "{key_id}");
        }
        let client = Client::from_descriptor(descriptor.build()?, NoVariables, issuer, Credential::Key(key))?;
        let client = self.configure.into_iter().fold(client, |client, configure| configure(client));
        check(client.config(), &self.account)?;
        Ok(Session::new(client.shared_config(), None, Source::ServiceAccount(self.account), None, None))
    }
}

impl fmt::Debug for AssertionSessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionSessionBuilder")
            .field("token_endpoint", &self.token_endpoint)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
