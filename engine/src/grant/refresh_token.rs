//! Refreshing (RFC 6749 section 6).

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join};
use grantry_descriptor::model::{Endpoint, EngineValue, Grant, Hook, Refresh};

use super::{Call, PAIRS, exchange};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::openid;
use crate::phase::encode::Pair;
use crate::phase::response::Answer;
use crate::phase::template::Values;
use crate::secret::Secret;
use crate::token::{Terms, Token, from_answer, refresh_token_of};

/// Whether a token can be renewed by this grant.
pub(crate) fn is_possible(config: &Config, token: &Token) -> bool {
    config.model().grants.contains(&Grant::RefreshToken) && (token.refresh_token.is_some() || !needs_refresh_token(config))
}

fn needs_refresh_token(config: &Config) -> bool {
    let parameters = &config.model().refresh.request.parameters;
    !parameters.iter().any(|parameter| parameter.name == "refresh_token" && parameter.value.is_none())
}

/// What came of a refresh that the provider took. The refresh token that was sent may be used up by it.
pub(crate) struct Renewed {
    pub(crate) token: Token,
    /// Why the answer cannot be used. Then `token` is the one that was to be renewed, with the answer's refresh token where that has one:
    /// whoever loses it loses the session.
    pub(crate) problem: Option<Error>,
}

/// Keeps the token that was to be renewed, with the refresh token that replaces its own, while what follows the answer takes its time: the
/// process may die meanwhile.
pub(crate) trait Keep: Sync {
    fn keep(&self, token: Token) -> BoxFuture<'_, ()>;
}

/// Renews a token. `scopes` narrow it; by default none are sent, since many providers refuse them.
pub(crate) async fn refresh(
    config: &Config,
    token: &Token,
    scopes: &[String],
    extra: Vec<Pair<'static>>,
    keep: Option<&dyn Keep>,
) -> Result<Renewed> {
    let answer = request(config, token, scopes, extra).await.map_err(|error| error.in_phase(Phase::Refresh))?;
    let scopes = if scopes.is_empty() { &token.scopes } else { scopes };
    let terms = Terms::of(config, config.model().token.lifetime, scopes);
    let rotated = refresh_token_of(&answer, &terms);
    let renewed = match from_answer(answer, &terms).map_err(|error| error.in_phase(Phase::Refresh)) {
        Ok(answer) => {
            let kept = || Some(keep?.keep(with_refresh_token(token, rotated.clone()?)));
            kept_meanwhile(complete(config, token, answer), kept).await
        }
        // Nobody can tell what the answer means for the old one.
        Err(error) if rotated.is_none() => return Err(error),
        unread => unread,
    };
    match renewed {
        Ok(token) => Ok(Renewed { token, problem: None }),
        Err(another_user) if another_user.kind() == ErrorKind::ReauthRequired => Err(another_user),
        Err(error) => {
            let token = rotated.map_or_else(|| token.clone(), |rotated| with_refresh_token(token, rotated));
            Ok(Renewed { token, problem: Some(error) })
        }
    }
}

fn with_refresh_token(token: &Token, (secret, expires_at): (Secret, Option<u64>)) -> Token {
    Token { refresh_token: Some(secret), refresh_token_expires_at: expires_at, ..token.clone() }
}

/// Does the work, and what `keep` gives beside it where the work does not end at once.
async fn kept_meanwhile<T, K: Future<Output = ()>>(work: impl Future<Output = T>, keep: impl FnOnce() -> Option<K>) -> T {
    let mut work = pin!(work);
    if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        return done;
    }
    match keep() {
        Some(keep) => join(work, keep).await.0,
        None => work.await,
    }
}

/// What follows the answer. A panic must not lose what the answer has.
async fn complete(config: &Config, token: &Token, answer: Token) -> Result<Token> {
    let completed = AssertUnwindSafe(followed(config, token, answer)).catch_unwind().await;
    completed.unwrap_or_else(|_printed| Err(Error::misuse("a hook panicked")))
}

/// The id token is verified, variables are learned, the call after the answer is made.
async fn followed(config: &Config, token: &Token, answer: Token) -> Result<Token> {
    openid::verify_refresh(config, token, &answer).await.map_err(|error| error.in_phase(Phase::IdToken))?;
    let mut renewed = token.clone().renewed(answer);
    exchange::relearn(config, &mut renewed)?;
    exchange::after(config, Grant::RefreshToken, &mut renewed).await?;
    Ok(renewed)
}

async fn request<'c>(config: &'c Config, token: &'c Token, scopes: &[String], extra: Vec<Pair<'static>>) -> Result<Answer<'c>> {
    let model = config.model();
    let shape = &model.refresh.request;
    if !model.grants.contains(&Grant::RefreshToken) {
        return Err(Error::misuse("the provider has no refresh"));
    }
    if !is_possible(config, token) {
        return Err(Error::misuse("the token has no refresh token")
            .with_hint("some providers issue one only when asked for offline access at sign-in"));
    }
    let scope = scopes.join(&model.scopes.separator);
    let engine = [(EngineValue::Scope, scope.as_str())];
    let engine = if scope.is_empty() { &[] } else { &engine[..] };
    let values = Values { token: Some(token), learned: &token.learned, engine, ..Values::new(config) };
    let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(PAIRS);
    pairs.push(("grant_type".into(), Grant::RefreshToken.as_str().into()));
    pairs.extend(token.refresh_token.iter().map(|secret| ("refresh_token".into(), secret.expose().into())));
    pairs.push(("scope".into(), scope.as_str().into()));
    let url = match &shape.url {
        Some(url) => values.url(url)?,
        None => values.endpoint(Endpoint::Token)?,
    };
    let call = Call {
        pairs,
        extra,
        before: Some(Hook::RefreshTokenRequest),
        after: Some(Hook::RefreshTokenResponse),
        secrets: token.refresh_token.iter().map(|secret| secret.expose()).chain([token.access_token.expose()]).collect(),
        ..Call::new(shape, url)
    };
    call.send(config, &model.refresh.response, &values).await.map_err(|error| standard(&model.refresh, error))
}

/// A refusal by the standard code, where the descriptor says that the provider's own means it.
fn standard(refresh: &Refresh, error: Error) -> Error {
    let is_gone = error.kind() == ErrorKind::Refused && refresh.invalid_grant.iter().any(|code| error.code() == Some(code));
    if is_gone { error.meaning("invalid_grant") } else { error }
}
