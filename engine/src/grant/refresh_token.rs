//! Refreshing (RFC 6749 section 6).

use grantry_descriptor::model::{Endpoint, Grant, Hook};

use super::Call;
use super::exchange::{self, relearned};
use crate::config::Config;
use crate::error::{Error, Phase, Result};
use crate::openid;
use crate::phase::encode::Pair;
use crate::phase::template::Values;
use crate::token::{Terms, Token, from_answer};

/// Renews a token.
pub(crate) async fn refresh(config: &Config, token: &Token) -> Result<Token> {
    let renewed = request(config, token).await.map_err(|error| error.in_phase(Phase::Refresh))?;
    openid::verify_refresh(config, token, &renewed).await.map_err(|error| error.in_phase(Phase::IdToken))?;
    let renewed = relearned(config, token.clone().renewed(renewed))?;
    exchange::after(config, Grant::RefreshToken, renewed).await.map_err(|error| error.in_phase(Phase::Exchange))
}

async fn request(config: &Config, token: &Token) -> Result<Token> {
    let model = config.model();
    let shape = &model.refresh.request;
    if !model.grants.contains(&Grant::RefreshToken) {
        return Err(Error::misuse("the provider has no refresh"));
    }
    let by_refresh_token =
        !shape.parameters.iter().any(|parameter| parameter.name == "refresh_token" && parameter.value.is_none());
    if by_refresh_token && token.refresh_token.is_none() {
        return Err(Error::misuse("the token has no refresh token")
            .with_hint("some providers issue one only when asked for offline access at sign-in"));
    }
    let values = Values { token: Some(token), learned: &token.learned, ..Values::new(config) };
    let mut pairs: Vec<Pair> = vec![("grant_type".into(), Grant::RefreshToken.as_str().to_owned())];
    pairs.extend(token.refresh_token.iter().map(|secret| ("refresh_token".into(), secret.expose().to_owned())));
    let call = Call {
        request: shape,
        response: &model.refresh.response,
        url: match &shape.url {
            Some(url) => values.url(url)?,
            None => values.endpoint(Endpoint::Token)?,
        },
        pairs,
        hooks: Some((Hook::RefreshTokenRequest, Hook::RefreshTokenResponse)),
        secrets: token.refresh_token.iter().map(|secret| secret.expose()).chain([token.access_token.expose()]).collect(),
    };
    let answer = call.send(&values).await?;
    let terms = Terms {
        lifetime: model.token.lifetime,
        separator: &model.scopes.separator,
        scopes: &token.scopes,
        now: config.clock.now(),
    };
    from_answer(&answer, &terms)
}
