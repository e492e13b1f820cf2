//! Service accounts: machines that authorize themselves, as the provider's descriptor says.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use grantry_descriptor::model::{Endpoint, ServiceAccount as Shape};
use serde_json::Value;
use url::Url;

use crate::client::Client;
use crate::config::Config;
use crate::credential::Credential;
use crate::error::{Error, Result};
use crate::grant::service_account::Account;
use crate::hooks::Hooks;
use crate::jose::SigningKey;
use crate::phase::path::{present, text};
use crate::phase::template::Values;
use crate::phase::{json, response};
use crate::provider::{Compiled, Dynamic, Provider, Scope, Variables};
use crate::session::{Session, Source};

/// Longest key file, in bytes.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Most sessions that an account keeps for reuse.
const MAX_SESSIONS: usize = 1024;

/// One of a provider's kinds of service accounts; `grantry::provider!` implements it for a marker of its own.
pub trait ServiceProfile: Sized + 'static {
    /// The provider.
    type Provider: Provider;
    /// Its name in the descriptor.
    #[doc(hidden)]
    const NAME: &'static str;
}

/// Of a descriptor that is known at run time only: see [`ServiceAccount::of`].
impl ServiceProfile for Dynamic {
    type Provider = Self;
    const NAME: &'static str = "";
}

/// A machine's account with a provider. Cheap to clone; the clones share their sessions.
///
/// `grantry::provider!` gives each kind an alias: `google::ServiceAccount`, `github::Installation`. Its sessions authorize themselves
/// on first use, and again when their token expires.
#[must_use = "call `.session()`"]
pub struct ServiceAccount<S: ServiceProfile> {
    client: Client<S::Provider>,
    account: Account,
    sessions: Arc<Mutex<HashMap<String, Session<S::Provider>>>>,
}

impl<S: ServiceProfile> ServiceAccount<S>
where
    S::Provider: Compiled,
{
    /// An account with its id and its credential: a `SigningKey` where the provider takes signed assertions, else a client secret.
    pub fn new(client_id: impl Into<String>, credential: impl Into<Credential>) -> Self {
        let descriptor = S::Provider::descriptor().clone();
        let config = Config::unchecked(descriptor, Vec::new(), client_id.into(), credential.into(), Hooks::new());
        Self::with_client(Client::compiled(config), S::NAME)
    }

    /// An account from the key file that the provider hands out.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the file cannot be read, or lacks something; its token endpoint is not the provider's.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let refused = |why: &dyn fmt::Display| Error::misuse(format!("the key file {}: {why}", path.display()));
        let length = std::fs::metadata(path).map_err(|error| refused(&error))?.len();
        if length > MAX_KEY_FILE {
            return Err(refused(&format!("it has more than {MAX_KEY_FILE} bytes")));
        }
        Self::from_json(&std::fs::read_to_string(path).map_err(|error| refused(&error))?)
    }

    /// An account from the text of a key file.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_json(text: &str) -> Result<Self> {
        Self::new("", Credential::None).read(text)
    }
}

impl ServiceAccount<Dynamic> {
    /// An account of a provider that is known at run time only: the client's id, credential and settings are the account's.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): the descriptor has no such service account.
    pub fn of(client: Client<Dynamic>, profile: &str) -> Result<Self> {
        let account = Self::with_client(client, profile);
        account.account.shape(account.client.config())?;
        Ok(account)
    }

    /// The same with id and credential from the text of a key file.
    ///
    /// # Errors
    /// As [`from_json`](ServiceAccount::from_json).
    pub fn key_file(self, text: &str) -> Result<Self> {
        self.read(text)
    }
}

impl<S: ServiceProfile> ServiceAccount<S> {
    fn with_client(client: Client<S::Provider>, profile: &str) -> Self {
        let key = match &client.config().credential {
            Credential::Key(key) => Some(key.clone()),
            _ => None,
        };
        let account = Account { profile: profile.to_owned(), key, ..Account::default() };
        Self { client, account, sessions: Arc::default() }
    }

    fn read(self, text: &str) -> Result<Self> {
        let config = self.client.shared_config();
        let file = KeyFile::parse(self.account.shape(&config)?, text);
        file.and_then(|file| self.with_file(&file)).map_err(|error| error.of_provider(config.id()))
    }

    fn with_file(mut self, file: &KeyFile<'_>) -> Result<Self> {
        let key = file.key()?;
        let client_id = file.required("client_id")?;
        let credential = match (file.get("client_secret"), &key) {
            (Some(secret), _) => Credential::Secret(secret.into()),
            (None, Some(key)) => Credential::Key(key.clone()),
            (None, None) => Credential::None,
        };
        self.account.key = key;
        self.account.subject = file.get("subject");
        let account = self.configure(|client| {
            client.changed(|config| {
                config.client_id = client_id;
                config.credential = credential;
            })
        });
        match file.get("token_endpoint") {
            Some(url) => account.token_endpoint(&url),
            None => Ok(account),
        }
    }

    /// The token endpoint that a key file names: only where the provider's own is.
    fn token_endpoint(self, text: &str) -> Result<Self> {
        let refused = || {
            Error::misuse("the key file names a token endpoint that is not the provider's")
                .with_hint("a key file from a stranger could send the assertion anywhere; take it from the provider's console")
        };
        let url: Url = text.parse().map_err(|_| refused())?;
        let own = Values::new(self.client.config()).endpoint(Endpoint::Token)?;
        if url.origin() != own.origin() || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(refused());
        }
        Ok(self.configure(|client| client.changed(|config| config.token_endpoint = Some(url))))
    }

    /// The key that signs, where the credential is another.
    pub fn key(mut self, key: SigningKey) -> Self {
        self.account.key = Some(key);
        self.without_sessions()
    }

    /// Whom the account acts for: a user of the organization, an enterprise (RFC 7523 section 3, `sub`).
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.account.subject = Some(subject.into());
        self
    }

    /// The scopes to ask for.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = <S::Provider as Provider>::Scope>) -> Self {
        self.account.scopes = scopes.into_iter().map(|scope| scope.as_str().to_owned()).collect();
        self
    }

    /// `aud` of a self-signed token: the API that it is for, where the descriptor leaves it open.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.account.claims.insert("aud".to_owned(), audience.into().into());
        self
    }

    /// A further claim of the assertion; the registered ones are the engine's and the descriptor's.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): `iss`, `sub`, `aud`, `exp`, `nbf` or `iat`.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Result<Self> {
        let name = name.into();
        refuse_registered(&name)?;
        self.account.claims.insert(name, value.into());
        Ok(self)
    }

    /// A further parameter of the token request.
    pub fn param(mut self, name: impl Into<std::borrow::Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.account.extra.push((name.into(), std::borrow::Cow::Owned(value.into())));
        self
    }

    /// The settings of the provider: a tenant, an installation.
    pub fn variables(self, variables: <S::Provider as Provider>::Variables) -> Self {
        self.configure(|client| client.changed(|config| config.set_variables(variables.into_values())))
    }

    /// Everything else that a client can be told: transport, hooks, leeway.
    pub fn configure(mut self, configure: impl FnOnce(Client<S::Provider>) -> Client<S::Provider>) -> Self {
        self.client = configure(self.client);
        self.without_sessions()
    }

    fn without_sessions(mut self) -> Self {
        self.sessions = Arc::default();
        self
    }

    /// The session: the same one for the same subject, scopes and claims.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): a variable, a hook or the key is missing, or the key cannot sign what the provider takes.
    pub fn session(&self) -> Result<Session<S::Provider>> {
        let config = self.client.config();
        check(config, &self.account).map_err(|error| error.of_provider(config.id()))?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| session.is_shared());
        }
        let session = sessions.entry(self.account.cache_key()).or_insert_with(|| {
            Session::new(self.client.shared_config(), None, Source::ServiceAccount(self.account.clone()), None, None)
        });
        Ok(session.clone())
    }
}

/// The claims that a caller cannot set (RFC 7519 section 4.1); `jti` may be.
pub(crate) fn refuse_registered(name: &str) -> Result<()> {
    match name {
        "iss" | "sub" | "aud" | "exp" | "nbf" | "iat" => {
            Err(Error::misuse(format!("the claim `{name}` is registered: the engine or the descriptor sets it")))
        }
        _ => Ok(()),
    }
}

/// Whether the account can do what the descriptor wants.
pub(crate) fn check(config: &Config, account: &Account) -> Result<()> {
    config.check()?;
    let Some(assertion) = &account.shape(config)?.assertion else { return Ok(()) };
    if assertion.claims.iter().any(|(name, _)| name == "aud") && account.claims.contains_key("aud") {
        return Err(Error::misuse("the provider's assertions have an audience of their own"));
    }
    match (&assertion.key, &account.key) {
        (Some(_), _) => Ok(()),
        (None, Some(key)) => key.algorithm(&assertion.alg).map(|_| ()).map_err(Error::from),
        (None, None) => Err(Error::misuse("the service account needs a private key").with_hint("pass a `SigningKey`")),
    }
}

/// A key file, read as the descriptor says.
struct KeyFile<'a> {
    shape: &'a Shape,
    document: Value,
}

impl<'a> KeyFile<'a> {
    fn parse(shape: &'a Shape, text: &str) -> Result<Self> {
        if shape.key_file.is_empty() {
            return Err(Error::misuse("the provider hands out no key files for this account").with_hint("use `new`"));
        }
        let document =
            json::parse(text.as_bytes()).map_err(|error| Error::misuse(format!("the key file cannot be read: {error}")))?;
        Ok(Self { shape, document })
    }

    fn path(&self, name: &str) -> Option<&'a grantry_descriptor::model::Path> {
        self.shape.key_file.iter().find(|(known, _)| known == name).map(|(_, path)| path)
    }

    fn get(&self, name: &str) -> Option<String> {
        let value = present(&self.document, self.path(name)?)?;
        text(&value).map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty())
    }

    fn required(&self, name: &str) -> Result<String> {
        self.get(name).ok_or_else(|| {
            let place = self.path(name).map(response::render).unwrap_or_else(|| name.to_owned());
            Error::misuse(format!("the key file has no `{place}`")).with_hint("is it another kind of key file?")
        })
    }

    fn key(&self) -> Result<Option<SigningKey>> {
        if self.path("private_key").is_none() {
            return Ok(None);
        }
        let pem = self.required("private_key")?;
        let key = match self.get("private_key_passphrase") {
            Some(passphrase) => SigningKey::from_encrypted_pem(pem, &passphrase)?,
            None => SigningKey::from_pem(pem)?,
        };
        Ok(Some(match self.get("key_id") {
            Some(id) => key.key_id(id),
            None => key,
        }))
    }
}

impl<S: ServiceProfile> Clone for ServiceAccount<S> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), account: self.account.clone(), sessions: Arc::clone(&self.sessions) }
    }
}

impl<S: ServiceProfile> fmt::Debug for ServiceAccount<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("profile", &self.account.profile)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
