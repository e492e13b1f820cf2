//! Compliance hooks: the application's own code at seven points of the protocol, under Authlib's names.
//!
//! A hook runs after the descriptor's cells. Hooks of one point run in the order in which they were added.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use grantry_descriptor::model::Hook;

use crate::error::{Error, Result};
use crate::http::{HttpRequest, HttpResponse};
use crate::token::Token;

type Running<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
type Function<T> = Arc<dyn Fn(T) -> Running<T> + Send + Sync>;

/// What changes a request before it is sent.
pub(crate) type OnRequest = Function<HttpRequest>;

/// What hears of a renewed token.
pub(crate) type OnTokenUpdate = Arc<dyn Fn(TokenUpdate) -> Running<()> + Send + Sync>;

/// A session's token has changed: store it. Sometimes only its refresh token has: the provider took a refresh, and the rest of its answer
/// could not be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenUpdate {
    /// The token as it is now.
    pub token: Arc<Token>,
    /// The token that it replaces; `None` where there was none.
    pub previous: Option<Arc<Token>>,
    /// `false`: the client's token store failed, and takes the token later. Until then this process alone has it.
    pub is_persisted: bool,
}

/// A function as the engine keeps it.
pub(crate) fn on_request<F, Fut>(function: F) -> OnRequest
where
    F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
{
    Arc::new(move |request| Box::pin(function(request)))
}

/// The hooks of a client.
///
/// ```
/// # use grantry_engine::Hooks;
/// let hooks = Hooks::new().protected_request(|request| async move { request.with_header("x-tenant", "acme") });
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    requests: Vec<(Hook, Function<HttpRequest>)>,
    responses: Vec<(Hook, Function<HttpResponse>)>,
}

impl Hooks {
    /// No hooks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before a token request is sent.
    pub fn access_token_request<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.request(Hook::AccessTokenRequest, hook)
    }

    /// Before the answer of the token endpoint is parsed.
    pub fn access_token_response<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpResponse) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpResponse>> + Send + 'static,
    {
        self.response(Hook::AccessTokenResponse, hook)
    }

    /// Before a refresh request is sent.
    pub fn refresh_token_request<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.request(Hook::RefreshTokenRequest, hook)
    }

    /// Before the answer to a refresh is parsed.
    pub fn refresh_token_response<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpResponse) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpResponse>> + Send + 'static,
    {
        self.response(Hook::RefreshTokenResponse, hook)
    }

    /// Before a protected request is sent, the access token being in it. Those that read the profile are protected requests, too.
    pub fn protected_request<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.request(Hook::ProtectedRequest, hook)
    }

    /// Before a revocation request is sent (RFC 7009).
    pub fn revoke_token_request<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.request(Hook::RevokeTokenRequest, hook)
    }

    /// Before an introspection request is sent (RFC 7662).
    pub fn introspect_token_request<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.request(Hook::IntrospectTokenRequest, hook)
    }

    fn request<F, Fut>(mut self, point: Hook, hook: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpRequest>> + Send + 'static,
    {
        self.requests.push((point, on_request(hook)));
        self
    }

    fn response<F, Fut>(mut self, point: Hook, hook: F) -> Self
    where
        F: Fn(HttpResponse) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpResponse>> + Send + 'static,
    {
        self.responses.push((point, Arc::new(move |response| Box::pin(hook(response)))));
        self
    }

    pub(crate) fn append(&mut self, later: Self) {
        self.requests.extend(later.requests);
        self.responses.extend(later.responses);
    }

    /// Whether there is no hook at all: then the room for running one need not be part of a future.
    pub(crate) const fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.responses.is_empty()
    }

    pub(crate) async fn on_request(&self, point: Hook, mut request: HttpRequest) -> Result<HttpRequest> {
        for (_, hook) in self.requests.iter().filter(|(known, _)| *known == point) {
            request = hook(request).await?;
        }
        Ok(request)
    }

    pub(crate) async fn on_response(&self, point: Hook, mut response: HttpResponse) -> Result<HttpResponse> {
        for (_, hook) in self.responses.iter().filter(|(known, _)| *known == point) {
            response = hook(response).await?;
        }
        Ok(response)
    }

    /// Whether every hook that the descriptor requires is there.
    pub(crate) fn check_required(&self, required: &[Hook]) -> Result<()> {
        let given = |hook: Hook| {
            self.requests.iter().any(|(point, _)| *point == hook) || self.responses.iter().any(|(point, _)| *point == hook)
        };
        match required.iter().find(|hook| !given(**hook)) {
            None => Ok(()),
            Some(missing) => Err(Error::misuse(format!("the provider needs the hook `{}`", missing.as_str()))
                .with_hint("pass it with `Client::with_hooks`")),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("requests", &self.requests.len()).field("responses", &self.responses.len()).finish()
    }
}
