//! The call that some providers want right after the token: a long-lived token for a short-lived one, a session login.

use grantry_descriptor::model::{Exchange, Grant, Template};
use serde_json::Value;

use super::Call;
use super::learn::{Source, learn};
use crate::config::Config;
use crate::error::{Phase, Result};
use crate::openid;
use crate::phase::template::Values;
use crate::token::{Terms, Token, from_answer};

/// What follows the token of a grant without a browser: its id token is verified, variables are learned, the call is made. The claims of
/// the id token.
pub(super) async fn complete(config: &Config, grant: Grant, token: &mut Token) -> Result<Option<Value>> {
    let id_token = openid::verify_direct(config, token).await.map_err(|error| error.in_phase(Phase::IdToken))?;
    relearn(config, token)?;
    after(config, grant, token).await?;
    Ok(id_token)
}

/// Makes the call where the descriptor has one after this grant; what its answer does not repeat is kept.
pub(super) async fn after(config: &Config, grant: Grant, token: &mut Token) -> Result<()> {
    let exchange = config.model().exchange.as_ref().filter(|exchange| exchange.after.contains(&grant));
    let Some((exchange, url)) = exchange.and_then(|exchange| Some((exchange, exchange.request.url.as_ref()?))) else {
        return Ok(());
    };
    // Few providers have one: its room is not made for the others.
    let call = Box::pin(call(config, exchange, url, token));
    *token = call.await.map_err(|error| error.in_phase(Phase::Exchange))?;
    Ok(())
}

async fn call(config: &Config, exchange: &Exchange, url: &Template, token: &Token) -> Result<Token> {
    let values = Values { token: Some(token), learned: &token.learned, ..Values::new(config) };
    let call = Call { secrets: vec![token.access_token.expose()], ..Call::new(&exchange.request, values.url(url)?) };
    let answer = call.send(config, &exchange.response, &values).await?;
    let terms = Terms::of(config, config.model().token.lifetime, &token.scopes);
    // The id token stays the one that was verified.
    let answer = Token { id_token: None, ..from_answer(answer, &terms)? };
    let mut exchanged = token.clone().renewed(answer);
    relearn(config, &mut exchanged)?;
    Ok(exchanged)
}

/// Remembers what a token's answer teaches.
pub(super) fn relearn(config: &Config, token: &mut Token) -> Result<()> {
    let values = Values { token: Some(token), learned: &token.learned, ..Values::new(config) };
    for (name, value) in learn(config, Source::Token, &values)? {
        token.learn(&name, value);
    }
    Ok(())
}
