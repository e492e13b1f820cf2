//! Requests of the client's, as the application builds them: each is awaited.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::mem::take;

use grantry_descriptor::model::Grant;

use crate::authorization::Pending;
use crate::callback::Callback;
use crate::client::{Client, Task};
use crate::error::Result;
use crate::grant::device::DeviceAuthorization;
use crate::grant::refresh_token::{self, Renewed};
use crate::grant::{authorization_code, direct};
use crate::phase::encode::Pair;
use crate::provider::{Provider, Scope};
use crate::revocation::{self, Introspection, TokenTypeHint};
use crate::secret::Secret;
use crate::session::{Session, Source};
use crate::token::Token;

/// A request of the client's: for a token, for device codes, for what the provider says about a token.
///
/// Nothing is sent before it is awaited.
#[must_use = "nothing is sent before it is awaited"]
pub struct TokenRequest<P: Provider, F> {
    client: Client<P>,
    flow: F,
    asked: Asked,
}

/// What the caller adds to a request.
#[derive(Default)]
pub struct Asked {
    scopes: Option<Vec<String>>,
    extra: Vec<Pair<'static>>,
}

/// What is requested. Implemented by the engine only.
pub trait Flow<P: Provider>: Sized + Send + 'static {
    /// What the provider gives.
    type Output: Send + 'static;

    #[doc(hidden)]
    fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> impl Future<Output = Result<Self::Output>> + Send;
}

impl<P: Provider, F> TokenRequest<P, F> {
    pub(crate) fn new(client: Client<P>, flow: F) -> Self {
        Self { client, flow, asked: Asked::default() }
    }

    /// The scopes to ask for.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = P::Scope>) -> Self {
        self.asked.scopes.get_or_insert_default().extend(scopes.into_iter().map(|scope| scope.as_str().to_owned()));
        self
    }

    /// Any other parameter, under its standard name. It replaces the engine's and the descriptor's; called again, it repeats.
    pub fn param(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.asked.extra.push((name.into(), Cow::Owned(value.into())));
        self
    }

    /// `resource` (RFC 8707): the API that the token is for; called again, it repeats.
    pub fn resource(self, uri: impl Into<String>) -> Self {
        self.param("resource", uri)
    }

    /// `audience` (RFC 8693 section 2.1): the name of the API that the token is for; called again, it repeats.
    pub fn audience(self, name: impl Into<String>) -> Self {
        self.param("audience", name)
    }
}

impl<P: Provider, F: Flow<P>> IntoFuture for TokenRequest<P, F> {
    type Output = Result<F::Output>;
    type IntoFuture = Task<'static, F::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let output = self.flow.run(&self.client, &mut self.asked).await;
            output.map_err(|error| error.of_provider(self.client.config().id()))
        })
    }
}

impl<P: Provider, F> fmt::Debug for TokenRequest<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Asked {
    /// The scopes that were named, else the descriptor's default ones: for users.
    fn scopes_of_user<P: Provider>(&mut self, client: &Client<P>) -> Vec<String> {
        let default = || client.config().model().scopes.default.iter().map(ToString::to_string).collect();
        self.scopes.take().unwrap_or_else(default)
    }

    /// The scopes that were named.
    fn scopes(&mut self) -> Vec<String> {
        self.scopes.take().unwrap_or_default()
    }
}

/// Ends a sign-in.
pub struct Exchange {
    pub(crate) pending: Pending,
    pub(crate) callback: Callback,
}

impl<P: Provider> Flow<P> for Exchange {
    type Output = Session<P>;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Session<P>> {
        let signed_in = authorization_code::exchange(client.config(), &self.pending, &self.callback, &mut asked.extra).await?;
        Ok(Session::start(client.shared_config(), signed_in.token, signed_in.callback, signed_in.id_token))
    }
}

/// The client itself (RFC 6749 section 4.4).
pub struct ClientCredentials;

impl<P: Provider> Flow<P> for ClientCredentials {
    type Output = Session<P>;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Session<P>> {
        let scopes = asked.scopes();
        let parameters = direct::Parameters { own: Vec::new(), scopes, extra: take(&mut asked.extra) };
        let (token, id_token) = direct::token(client.config(), Grant::ClientCredentials, &parameters).await?;
        let source = Source::Direct(Grant::ClientCredentials, parameters);
        Ok(Session::new(client.shared_config(), Some(token), source, None, id_token))
    }
}

/// A user's name and password (RFC 6749 section 4.3).
pub struct Password {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

impl<P: Provider> Flow<P> for Password {
    type Output = Session<P>;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Session<P>> {
        let scopes = asked.scopes_of_user(client);
        let own = vec![("username", Secret::new(take(&mut self.username))), ("password", take(&mut self.password))];
        let parameters = direct::Parameters { own, scopes, extra: take(&mut asked.extra) };
        let (token, id_token) = direct::token(client.config(), Grant::Password, &parameters).await?;
        Ok(Session::new(client.shared_config(), Some(token), Source::User, None, id_token))
    }
}

/// An assertion that somebody signed (RFC 7523 section 2.1).
pub struct JwtBearer {
    pub(crate) assertion: Secret,
}

impl<P: Provider> Flow<P> for JwtBearer {
    type Output = Session<P>;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Session<P>> {
        let scopes = asked.scopes();
        let parameters =
            direct::Parameters { own: vec![("assertion", take(&mut self.assertion))], scopes, extra: take(&mut asked.extra) };
        let (token, id_token) = direct::token(client.config(), Grant::JwtBearer, &parameters).await?;
        Ok(Session::new(client.shared_config(), Some(token), Source::User, None, id_token))
    }
}

/// A token for another one (RFC 8693).
pub struct TokenExchange {
    pub(crate) subject_token: Secret,
    pub(crate) subject_token_type: Cow<'static, str>,
    pub(crate) actor_token: Option<(Secret, Cow<'static, str>)>,
}

impl<P: Provider> TokenRequest<P, TokenExchange> {
    /// What the subject token is; an access token unless said.
    pub fn subject_token_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.flow.subject_token_type = uri.into();
        self
    }

    /// Who acts for the subject (RFC 8693 section 1.1).
    pub fn actor_token(mut self, token: impl Into<Secret>, token_type: impl Into<Cow<'static, str>>) -> Self {
        self.flow.actor_token = Some((token.into(), token_type.into()));
        self
    }

    /// What the issued token shall be.
    pub fn requested_token_type(self, uri: impl Into<String>) -> Self {
        self.param("requested_token_type", uri)
    }
}

impl<P: Provider> Flow<P> for TokenExchange {
    type Output = Token;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Token> {
        let text = |text: Cow<'static, str>| Secret::new(text.into_owned());
        let mut own = vec![
            ("subject_token", take(&mut self.subject_token)),
            ("subject_token_type", text(take(&mut self.subject_token_type))),
        ];
        if let Some((token, token_type)) = self.actor_token.take() {
            own.extend([("actor_token", token), ("actor_token_type", text(token_type))]);
        }
        let parameters = direct::Parameters { own, scopes: asked.scopes(), extra: take(&mut asked.extra) };
        direct::token(client.config(), Grant::TokenExchange, &parameters).await.map(|(token, _)| token)
    }
}

/// Renews a token (RFC 6749 section 6).
pub struct Refresh {
    pub(crate) token: Token,
}

impl<P: Provider> Flow<P> for Refresh {
    type Output = Token;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Token> {
        let scopes = asked.scopes();
        let Renewed { token, problem } =
            refresh_token::refresh(client.config(), &self.token, &scopes, take(&mut asked.extra), None).await?;
        match problem {
            None => Ok(token),
            Some(problem) => Err(problem.with_rotated_token(token)),
        }
    }
}

/// Asks for device codes (RFC 8628).
pub struct Device;

impl<P: Provider> Flow<P> for Device {
    type Output = DeviceAuthorization<P>;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<DeviceAuthorization<P>> {
        let scopes = asked.scopes_of_user(client);
        DeviceAuthorization::start(client.clone(), scopes, take(&mut asked.extra)).await
    }
}

/// Gives a token back (RFC 7009).
pub struct Revoke {
    pub(crate) token: Token,
    pub(crate) hint: Option<TokenTypeHint>,
}

impl<P: Provider> TokenRequest<P, Revoke> {
    /// Which half of the token is meant; the refresh token where there is one unless said.
    pub fn token_type_hint(mut self, hint: TokenTypeHint) -> Self {
        self.flow.hint = Some(hint);
        self
    }
}

impl<P: Provider> Flow<P> for Revoke {
    type Output = ();

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<()> {
        revocation::revoke(client.config(), &self.token, self.hint, take(&mut asked.extra)).await
    }
}

/// Asks about a token (RFC 7662).
pub struct Introspect {
    pub(crate) token: Token,
    pub(crate) hint: Option<TokenTypeHint>,
}

impl<P: Provider> TokenRequest<P, Introspect> {
    /// Which half of the token is meant; the access token unless said.
    pub fn token_type_hint(mut self, hint: TokenTypeHint) -> Self {
        self.flow.hint = Some(hint);
        self
    }
}

impl<P: Provider> Flow<P> for Introspect {
    type Output = Introspection;

    async fn run(&mut self, client: &Client<P>, asked: &mut Asked) -> Result<Introspection> {
        revocation::introspect(client.config(), &self.token, self.hint, take(&mut asked.extra)).await
    }
}
