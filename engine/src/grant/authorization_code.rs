//! The authorization code grant (RFC 6749 section 4.1.3).

use std::mem::take;

use grantry_descriptor::model::{CodeChallengeMethod, Endpoint, EngineValue, Grant, Hook};
use serde_json::Value;

use super::learn::{Source, learn};
use super::{Call, PAIRS, exchange};
use crate::authorization::Pending;
use crate::callback::{self, Accepted, Callback};
use crate::config::Config;
use crate::error::{Error, Phase, Result};
use crate::openid;
use crate::phase::encode::Pair;
use crate::phase::response::Answer;
use crate::phase::template::Values;
use crate::secret::Secret;
use crate::token::{Terms, Token, from_answer};

/// What a sign-in yields.
pub(crate) struct SignedIn {
    pub(crate) token: Token,
    /// The parameters of the callback.
    pub(crate) callback: Option<Value>,
    /// The claims of the verified id token.
    pub(crate) id_token: Option<Value>,
}

/// What a callback gives.
struct Received {
    accepted: Accepted,
    /// Variables.
    learned: Vec<(String, String)>,
}

impl Received {
    fn read(config: &Config, pending: &Pending, callback: &Callback) -> Result<Self> {
        pending.check(config)?;
        let accepted = callback::accept(config, pending, callback)?;
        let mut received = Self { accepted, learned: Vec::new() };
        received.learned = learn(config, Source::Callback, &received.values(config))?;
        Ok(received)
    }

    fn values<'a>(&'a self, config: &'a Config) -> Values<'a> {
        Values { callback: Some(&self.accepted.parameters), learned: &self.learned, ..Values::new(config) }
    }
}

/// Checks the callback, exchanges its code, verifies the id tokens.
pub(crate) async fn exchange(
    config: &Config,
    pending: &Pending,
    callback: &Callback,
    extra: &mut Vec<Pair<'static>>,
) -> Result<SignedIn> {
    let received = Received::read(config, pending, callback)?;
    let from_browser = front_channel_claims(config, pending, &received.accepted).await;
    let from_browser = from_browser.map_err(|error| error.in_phase(Phase::IdToken))?;
    let token = match pending.asks_for("code") {
        // Boxed: two small pieces of memory take the allocator less time than a large one.
        true => Box::pin(request(config, pending, &received, extra)).await,
        false => from_fragment(config, pending, &received.accepted),
    };
    let mut token = token.map_err(|error| error.in_phase(Phase::Token))?;
    let id_token = complete(config, pending, &received, from_browser, &mut token).await?;
    Ok(SignedIn { token, callback: Some(received.accepted.parameters), id_token })
}

/// What follows the token: its id token is verified, variables are learned, the call after it is made. The claims of the id token.
async fn complete(
    config: &Config,
    pending: &Pending,
    received: &Received,
    from_browser: Option<Value>,
    token: &mut Token,
) -> Result<Option<Value>> {
    token.learned.clone_from(&received.learned);
    let id_token = match pending.asks_for("code") {
        true => openid::verify_sign_in(config, pending, token).await.map_err(|error| error.in_phase(Phase::IdToken))?,
        false => None,
    };
    let id_token = same_user(from_browser, id_token).map_err(|error| error.in_phase(Phase::IdToken))?;
    let found = {
        let values = Values { token: Some(token), id_token: id_token.as_ref(), ..received.values(config) };
        [learn(config, Source::Token, &values)?, learn(config, Source::IdToken, &values)?]
    };
    for (name, value) in found.into_iter().flatten() {
        token.learn(&name, value);
    }
    let grant = if pending.asks_for("code") { Grant::AuthorizationCode } else { Grant::Implicit };
    exchange::after(config, grant, token).await?;
    Ok(id_token)
}

/// The claims of the id token that came through the browser, where one was asked for (OpenID Connect Core section 3.3.2.10).
async fn front_channel_claims(config: &Config, pending: &Pending, accepted: &Accepted) -> Result<Option<Value>> {
    let text = |name: &str| accepted.tokens.get(name).and_then(Value::as_str);
    let Some(id_token) = text("id_token").filter(|_| pending.asks_for("id_token")) else { return Ok(None) };
    openid::verify_front_channel(config, pending, id_token, text("access_token"), accepted.code.as_deref()).await.map(Some)
}

/// The token that came through the browser.
fn from_fragment(config: &Config, pending: &Pending, accepted: &Accepted) -> Result<Token> {
    let mut members = accepted.tokens.clone();
    if !pending.asks_for("id_token") {
        // Nobody has verified it.
        members.remove("id_token");
    }
    // Nobody asked for an access token: the session has none.
    let is_sign_in_only = !pending.asks_for("token");
    if is_sign_in_only {
        members.insert("access_token".to_owned(), "-".into());
    }
    let terms = Terms::of(config, config.model().token.lifetime, &pending.scopes);
    let token = from_answer(Answer::standard(members), &terms)?;
    Ok(if is_sign_in_only { Token { access_token: Secret::default(), ..token } } else { token })
}

/// Both id tokens of the hybrid flow are of one issuer and user (OpenID Connect Core section 3.3.3.6).
fn same_user(from_browser: Option<Value>, from_endpoint: Option<Value>) -> Result<Option<Value>> {
    match (from_browser, from_endpoint) {
        (Some(browser), Some(endpoint))
            if browser.get("sub") != endpoint.get("sub") || browser.get("iss") != endpoint.get("iss") =>
        {
            Err(Error::invalid("the id tokens of the callback and of the token endpoint are of different users"))
        }
        (browser, endpoint) => Ok(endpoint.or(browser)),
    }
}

async fn request(config: &Config, pending: &Pending, received: &Received, extra: &mut Vec<Pair<'static>>) -> Result<Token> {
    let model = config.model();
    // What the request is made of is gone before its answer is waited for.
    let answer = {
        let code = received.accepted.code.as_deref().unwrap_or_default();
        let redirect_uri = pending.redirect_uri.as_deref().unwrap_or_default();
        let scope = pending.scopes.join(&model.scopes.separator);
        let engine = [
            (EngineValue::Code, code),
            (EngineValue::CodeVerifier, pending.code_verifier.as_str()),
            (EngineValue::RedirectUri, redirect_uri),
            (EngineValue::Scope, scope.as_str()),
            (EngineValue::State, pending.state.as_str()),
        ];
        let values = Values { engine: &engine, ..received.values(config) };
        let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(PAIRS);
        pairs.extend([
            ("grant_type".into(), Grant::AuthorizationCode.as_str().into()),
            ("redirect_uri".into(), redirect_uri.into()),
            ("code".into(), code.into()),
        ]);
        if model.authorization.code_challenge_method != CodeChallengeMethod::None {
            pairs.push(("code_verifier".into(), pending.code_verifier.as_str().into()));
        }
        // Room for the client's own secret, too.
        let mut secrets = Vec::with_capacity(3);
        secrets.extend([code, pending.code_verifier.as_str()]);
        let call = Call {
            pairs,
            extra: take(extra),
            before: Some(Hook::AccessTokenRequest),
            after: Some(Hook::AccessTokenResponse),
            secrets,
            ..Call::new(&model.token.request, values.endpoint(Endpoint::Token)?)
        };
        call.send(config, &model.token.response, &values)
    }
    .await?;
    from_answer(answer, &Terms::of(config, model.token.lifetime, &pending.scopes))
}
