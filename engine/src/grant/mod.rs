//! Grants: the ways to a token. Each builds its parameters; the token call is one.

pub(crate) mod authorization_code;
pub(crate) mod device;
pub(crate) mod direct;
mod exchange;
pub(crate) mod learn;
pub(crate) mod refresh_token;
#[cfg(feature = "jose")]
pub(crate) mod service_account;

use futures_util::FutureExt as _;
use futures_util::future::Either;
use grantry_descriptor::model::{Hook, Request, Response};
use url::Url;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::http::HttpResponse;
use crate::phase::encode::Pair;
use crate::phase::request;
use crate::phase::response::{self, Answer};
use crate::phase::template::Values;

/// Room for the parameters of a usual token request.
pub(crate) const PAIRS: usize = 8;

/// One call of the client to an endpoint of the provider's: made of what lives for `'a`, which may end before its answer (`'r`) is there.
pub(crate) struct Call<'a, 'r> {
    pub(crate) request: &'a Request,
    pub(crate) url: Url,
    pub(crate) pairs: Vec<Pair<'a>>,
    /// The caller's own parameters.
    pub(crate) extra: Vec<Pair<'static>>,
    /// Before sending.
    pub(crate) before: Option<Hook>,
    /// Before parsing.
    pub(crate) after: Option<Hook>,
    /// What the request carries that no error may repeat.
    pub(crate) secrets: Vec<&'r str>,
}

impl<'a, 'r> Call<'a, 'r> {
    /// A call without hooks.
    pub(crate) const fn new(request: &'a Request, url: Url) -> Self {
        Self { request, url, pairs: Vec::new(), extra: Vec::new(), before: None, after: None, secrets: Vec::new() }
    }

    /// Sends the request and reads its answer.
    pub(crate) fn send(
        mut self,
        config: &'r Config,
        response: &'r Response,
        values: &Values<'_>,
    ) -> impl Future<Output = Result<Answer<'r>>> + Send + use<'r> {
        let secrets = with_credential(std::mem::take(&mut self.secrets), config);
        let answer = self.answer(config, values);
        answer.map(move |answer| response::read(response, &answer?, &secrets))
    }

    /// Sends the request; its answer as it came. What the request is made of is no part of the future.
    pub(crate) fn answer(
        self,
        config: &'r Config,
        values: &Values<'_>,
    ) -> impl Future<Output = Result<HttpResponse>> + Send + use<'r> {
        let own_method = request::own_method(config, self.request);
        let is_plain = config.hooks.is_empty() && own_method.is_none();
        let (before, after) = (self.before, self.after);
        match request::render(self.request, self.url, self.pairs, self.extra, values) {
            Ok(request) if is_plain => Either::Left(config.transport.send(request)),
            rendered => Either::Right(Box::pin(async move {
                let mut request = rendered?;
                if let Some(before) = before {
                    request = config.hooks.on_request(before, request).await.map_err(Error::unsent)?;
                }
                if let Some(authenticate) = own_method {
                    request = authenticate(request).await.map_err(Error::unsent)?;
                }
                let answer = config.transport.send(request).await?;
                match after {
                    Some(after) => config.hooks.on_response(after, answer).await.map_err(Error::answer_lost),
                    None => Ok(answer),
                }
            })),
        }
    }
}

/// The secrets of a call, and the client's own.
pub(crate) fn with_credential<'c>(mut secrets: Vec<&'c str>, config: &'c Config) -> Vec<&'c str> {
    secrets.extend(config.credential.secret().map(|secret| secret.expose()));
    secrets
}
