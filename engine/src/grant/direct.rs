//! The grants that go without a browser: client credentials, password, JWT bearer, token exchange.

use std::borrow::Cow;

use grantry_descriptor::model::{Endpoint, EngineValue, Grant, Hook, Request, Response};
use serde_json::Value;

use super::{Call, PAIRS, exchange};
use crate::config::Config;
use crate::error::{Error, Phase, Result};
use crate::phase::encode::Pair;
use crate::phase::template::Values;
use crate::secret::Secret;
use crate::token::{Terms, Token, from_answer};

/// What a grant sends besides its type and scope, and what the caller adds.
#[derive(Clone, Default)]
pub(crate) struct Parameters {
    pub(crate) own: Vec<(&'static str, Secret)>,
    pub(crate) scopes: Vec<String>,
    pub(crate) extra: Vec<Pair<'static>>,
}

/// Gets a token by a grant, and the claims of the id token that came with it.
pub(crate) async fn token(config: &Config, grant: Grant, parameters: &Parameters) -> Result<(Token, Option<Value>)> {
    let model = config.model();
    if !model.grants.contains(&grant) {
        return Err(Error::misuse(format!("the provider does not have the grant `{}`", grant.as_str())));
    }
    let mut token = request(config, grant, parameters).await.map_err(|error| error.in_phase(Phase::Token))?;
    let id_token = exchange::complete(config, grant, &mut token).await?;
    Ok((token, id_token))
}

async fn request(config: &Config, grant: Grant, parameters: &Parameters) -> Result<Token> {
    let model = config.model();
    // What the request is made of is gone before its answer is waited for.
    let answer = {
        let (shape, response) = shape(config, grant);
        let scope = parameters.scopes.join(&model.scopes.separator);
        let engine = [(EngineValue::Scope, scope.as_str())];
        let values = Values { engine: &engine, ..Values::new(config) };
        let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(PAIRS);
        pairs.push(("grant_type".into(), grant.as_str().into()));
        pairs.extend(parameters.own.iter().map(|(name, value)| ((*name).into(), value.expose().into())));
        pairs.push(("scope".into(), scope.as_str().into()));
        let call = Call {
            pairs,
            extra: parameters.extra.clone(),
            before: Some(Hook::AccessTokenRequest),
            after: Some(Hook::AccessTokenResponse),
            secrets: parameters.own.iter().map(|(_, value)| value.expose()).collect(),
            ..Call::new(&shape, values.endpoint(Endpoint::Token)?)
        };
        call.send(config, response, &values)
    }
    .await?;
    from_answer(answer, &Terms { grant, ..Terms::of(config, model.token.lifetime, &parameters.scopes) })
}

/// The grant's section, or what it inherits from `token`.
fn shape(config: &Config, grant: Grant) -> (Cow<'_, Request>, &Response) {
    let model = config.model();
    match grant {
        Grant::ClientCredentials => (Cow::Borrowed(&model.client_credentials.request), &model.client_credentials.response),
        Grant::Password => (Cow::Borrowed(&model.password.request), &model.password.response),
        _ => {
            let request = Request { url: None, parameters: Vec::new().into(), ..model.token.request.clone() };
            (Cow::Owned(request), &model.token.response)
        }
    }
}
