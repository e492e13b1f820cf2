//! The authorization code grant (RFC 6749 section 4.1.3).

use grantry_descriptor::model::{CodeChallengeMethod, Endpoint, EngineValue, Grant, Hook};
use serde_json::Value;

use super::learn::{Source, learn};
use super::{Call, exchange};
use crate::authorization::Pending;
use crate::callback::{self, Callback};
use crate::config::Config;
use crate::error::{Phase, Result};
use crate::openid;
use crate::phase::encode::Pair;
use crate::phase::template::Values;
use crate::token::{Terms, Token, from_answer};

/// What a sign-in yields.
pub(crate) struct SignedIn {
    pub(crate) token: Token,
    /// The parameters of the callback.
    pub(crate) callback: Option<Value>,
    /// The claims of the verified id token.
    pub(crate) id_token: Option<Value>,
}

/// Checks the callback, exchanges its code, verifies the id token.
pub(crate) async fn exchange(config: &Config, pending: Pending, callback: Callback) -> Result<SignedIn> {
    pending.check(config)?;
    let accepted = callback::accept(config, &pending, callback)?;
    let values = Values { callback: Some(&accepted.parameters), ..Values::new(config) };
    let learned = learn(config, Source::Callback, &values)?;
    let values = Values { learned: &learned, ..values };
    let code = accepted.code.unwrap_or_default();
    let mut token = request(&values, &pending, &code).await.map_err(|error| error.in_phase(Phase::Token))?;
    token.learned = learned.clone();
    let id_token = openid::verify_sign_in(config, &pending, &token).await.map_err(|error| error.in_phase(Phase::IdToken))?;
    let from_token = Values { token: Some(&token), id_token: id_token.as_ref(), ..values };
    let mut found = learn(config, Source::Token, &from_token)?;
    found.extend(learn(config, Source::IdToken, &from_token)?);
    for (name, value) in found {
        token.learn(&name, value);
    }
    let token =
        exchange::after(config, Grant::AuthorizationCode, token).await.map_err(|error| error.in_phase(Phase::Exchange))?;
    Ok(SignedIn { token, callback: Some(accepted.parameters), id_token })
}

async fn request(values: &Values<'_>, pending: &Pending, code: &str) -> Result<Token> {
    let config = values.config;
    let model = config.model();
    let redirect_uri = pending.redirect_uri.as_deref().unwrap_or_default();
    let scope = pending.scopes.join(&model.scopes.separator);
    let engine = [
        (EngineValue::Code, code),
        (EngineValue::CodeVerifier, pending.code_verifier.as_str()),
        (EngineValue::RedirectUri, redirect_uri),
        (EngineValue::Scope, scope.as_str()),
        (EngineValue::State, pending.state.as_str()),
    ];
    let values = Values { engine: &engine, ..*values };
    let mut pairs: Vec<Pair> = vec![
        ("grant_type".into(), Grant::AuthorizationCode.as_str().to_owned()),
        ("code".into(), code.to_owned()),
        ("redirect_uri".into(), redirect_uri.to_owned()),
    ];
    if model.authorization.code_challenge_method != CodeChallengeMethod::None {
        pairs.push(("code_verifier".into(), pending.code_verifier.clone()));
    }
    let call = Call {
        request: &model.token.request,
        response: &model.token.response,
        url: values.endpoint(Endpoint::Token)?,
        pairs,
        hooks: Some((Hook::AccessTokenRequest, Hook::AccessTokenResponse)),
        secrets: vec![code, &pending.code_verifier],
    };
    let answer = call.send(&values).await?;
    let terms = Terms {
        lifetime: model.token.lifetime,
        separator: &model.scopes.separator,
        scopes: &pending.scopes,
        now: config.clock.now(),
    };
    from_answer(&answer, &terms)
}
