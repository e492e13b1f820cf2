//! Grants: the ways to a token. Each builds its parameters; the token call is one.

pub(crate) mod authorization_code;
mod exchange;
pub(crate) mod learn;
pub(crate) mod refresh_token;

use grantry_descriptor::model::{Hook, Request, Response};
use url::Url;

use crate::error::Result;
use crate::phase::encode::Pair;
use crate::phase::request;
use crate::phase::response::{self, Answer};
use crate::phase::template::Values;

/// One call to a token endpoint.
struct Call<'a> {
    request: &'a Request,
    response: &'a Response,
    url: Url,
    pairs: Vec<Pair>,
    /// Before sending, and before parsing.
    hooks: Option<(Hook, Hook)>,
    /// What the request carries that no error may repeat.
    secrets: Vec<&'a str>,
}

impl<'a> Call<'a> {
    async fn send(self, values: &Values<'_>) -> Result<Answer<'a>> {
        let config = values.config;
        let mut request = request::render(self.request, self.url, self.pairs, Vec::new(), values)?;
        if let Some((before, _)) = self.hooks {
            request = config.hooks.on_request(before, request).await?;
        }
        let mut answer = config.transport.send(request).await?;
        if let Some((_, after)) = self.hooks {
            answer = config.hooks.on_response(after, answer).await?;
        }
        let secret = config.credential.secret().map(|secret| secret.expose());
        let secrets: Vec<&str> = self.secrets.into_iter().chain(secret).collect();
        response::read(self.response, &answer, &secrets)
    }
}
