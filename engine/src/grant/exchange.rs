//! The call that some providers want right after the token: a long-lived token for a short-lived one, a session login.

use grantry_descriptor::model::Grant;

use super::Call;
use super::learn::{Source, learn};
use crate::config::Config;
use crate::error::Result;
use crate::phase::template::Values;
use crate::token::{Terms, Token, from_answer};

/// Makes the call where the descriptor has one after this grant; what its answer does not repeat is kept.
pub(super) async fn after(config: &Config, grant: Grant, token: Token) -> Result<Token> {
    let model = config.model();
    let Some(exchange) = model.exchange.as_ref().filter(|exchange| exchange.after.contains(&grant)) else { return Ok(token) };
    let Some(url) = &exchange.request.url else { return Ok(token) };
    let learned = token.learned.clone();
    let values = Values { token: Some(&token), learned: &learned, ..Values::new(config) };
    let call = Call { secrets: vec![token.access_token.expose()], ..Call::new(&exchange.request, values.url(url)?) };
    let answer = call.send(&exchange.response, &values).await?;
    let terms = Terms::of(config, model.token.lifetime, &token.scopes);
    let exchanged = token.clone().renewed(from_answer(answer, &terms)?);
    relearned(config, exchanged)
}

/// The token with what its answer teaches.
pub(super) fn relearned(config: &Config, mut token: Token) -> Result<Token> {
    let known = token.learned.clone();
    let found = learn(config, Source::Token, &Values { token: Some(&token), learned: &known, ..Values::new(config) })?;
    for (name, value) in found {
        token.learn(&name, value);
    }
    Ok(token)
}
