//! What a signed token must say (OpenID Connect Core sections 3.1.3.7, 3.2.2.11, 3.3.2.12 and 12.2).

use std::sync::Arc;

use futures_util::future::BoxFuture;
use grantry_descriptor::model::{AtHash, Nonce, OpenId};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::from_provider::is_logout;
use super::id_token::stored_claims;
use super::issuer;
use crate::authorization::Pending;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::jose::{Algorithm, Claims, IdTokenError, Jws, Key, Moment, left_half};
use crate::phase::template::Values;
use crate::secret::Secret;
use crate::token::Token;

/// What an id token is checked against, besides issuer, audience and times.
#[derive(Clone, Copy, Default)]
struct Expected<'a> {
    /// The sign-in that the token answers.
    pending: Option<&'a Pending>,
    access_token: Option<&'a str>,
    code: Option<&'a str>,
    /// It came through the browser: nonce and hashes must be there.
    is_front_channel: bool,
    learned: &'a [(String, String)],
}

/// Verifies the id token of a sign-in; its claims. Where the scope `openid` was asked for, it must be there.
pub(crate) async fn verify_sign_in(config: &Config, pending: &Pending, token: &Token) -> Result<Option<Value>> {
    let Some(openid) = &config.model().openid else { return Ok(None) };
    let Some(id_token) = &token.id_token else {
        let was_asked_for = pending.scopes.iter().any(|scope| scope == "openid");
        return if was_asked_for { Err(refused(IdTokenError::Missing)) } else { Ok(None) };
    };
    let expected = Expected { pending: Some(pending), ..Expected::of(token) };
    verify_id_token(config, openid, id_token.expose(), &expected).await.map(|claims| Some(claims.into_value()))
}

/// Verifies an id token that came through the browser, beside an access token or a code or both.
pub(crate) async fn verify_front_channel(
    config: &Config,
    pending: &Pending,
    id_token: &str,
    access_token: Option<&str>,
    code: Option<&str>,
) -> Result<Value> {
    let openid = openid_of(config)?;
    let expected = Expected { pending: Some(pending), access_token, code, is_front_channel: true, learned: &[] };
    verify_id_token(config, openid, id_token, &expected).await.map(Claims::into_value)
}

/// Verifies the id token of a grant without a browser, where one came; its claims.
pub(crate) async fn verify_direct(config: &Config, token: &Token) -> Result<Option<Value>> {
    let (Some(openid), Some(id_token)) = (&config.model().openid, &token.id_token) else { return Ok(None) };
    verify_id_token(config, openid, id_token.expose(), &Expected::of(token)).await.map(|claims| Some(claims.into_value()))
}

/// Verifies the id token of a refresh, where one came: of the same user (section 12.2). What came for another user ends the session.
pub(crate) async fn verify_refresh(config: &Config, old: &Token, new: &Token) -> Result<()> {
    let (Some(openid), Some(id_token)) = (&config.model().openid, &new.id_token) else { return Ok(()) };
    let expected = Expected { learned: &old.learned, ..Expected::of(new) };
    let claims = verify_id_token(config, openid, id_token.expose(), &expected).await?;
    let before = stored_claims(config, old);
    match before.as_ref().and_then(|before| before.get("sub")?.as_str()) {
        Some(subject) if claims.text("sub").map_err(refused)? != subject => {
            Err(refused(IdTokenError::claim("sub", "is another user")).with_kind(ErrorKind::ReauthRequired))
        }
        _ => Ok(()),
    }
}

/// Verifies an access token that is a JWT of the provider's (RFC 9068); its claims. Its audience is an API, not this client.
pub(crate) async fn verify_access_token(config: &Config, token: &Token) -> Result<Value> {
    let openid = openid_of(config)?;
    let (claims, _) = verify_signature(config, openid, &token.learned, token.access_token.expose(), "at+jwt").await?;
    check_issuer(config, openid, &token.learned, &claims)?;
    claims.check_times(now(config), false).map_err(refused)?;
    Ok(claims.into_value())
}

/// Verifies a userinfo answer that is a JWT (OpenID Connect Core section 5.3.2); its claims.
pub(crate) async fn verify_userinfo(config: &Config, token: &Token, jwt: &str) -> Result<Value> {
    let openid = openid_of(config)?;
    let (claims, _) = verify_signature(config, openid, &token.learned, jwt, "JWT").await?;
    if claims.optional_text("iss").map_err(refused)?.is_some() {
        check_issuer(config, openid, &token.learned, &claims)?;
    }
    if claims.value().get("aud").is_some() {
        claims.check_audience(&config.client_id).map_err(refused)?;
    }
    Ok(claims.into_value())
}

/// Verifies a logout token's signature, issuer, audience and times (OpenID Connect Back-Channel Logout section 2.6).
pub(crate) async fn verify_logout_token(config: &Config, jwt: &str) -> Result<Claims> {
    let openid = openid_of(config)?;
    let (claims, _) = verify_signature(config, openid, &[], jwt, "logout+jwt").await?;
    check_issuer(config, openid, &[], &claims)?;
    claims.check_audience(&config.client_id).map_err(refused)?;
    claims.check_times(now(config), true).map_err(refused)?;
    Ok(claims)
}

impl<'a> Expected<'a> {
    fn of(token: &'a Token) -> Self {
        Self { access_token: Some(token.access_token.expose()), learned: &token.learned, ..Self::default() }
    }
}

fn openid_of(config: &Config) -> Result<&OpenId> {
    config.model().openid.as_ref().ok_or_else(|| Error::misuse("the provider states no issuer of signed tokens"))
}

/// Boxed: most answers have no id token, and whoever waits for one need not have room for its verification.
fn verify_id_token<'a>(
    config: &'a Config,
    openid: &'a OpenId,
    id_token: &'a str,
    expected: &'a Expected<'_>,
) -> BoxFuture<'a, Result<Claims>> {
    Box::pin(verify_unboxed(config, openid, id_token, expected))
}

async fn verify_unboxed(config: &Config, openid: &OpenId, id_token: &str, expected: &Expected<'_>) -> Result<Claims> {
    let (claims, algorithm) = verify_signature(config, openid, expected.learned, id_token, "JWT").await?;
    check_issuer(config, openid, expected.learned, &claims)?;
    let now = now(config);
    let check = || {
        if is_logout(&claims) {
            return Err(IdTokenError::claim("events", "is about a logout"));
        }
        claims.text("sub")?;
        claims.check_audience(&config.client_id)?;
        claims.check_times(now, true)?;
        claims.check_authentication(now, expected.pending.and_then(|pending| pending.max_age))?;
        if openid.at_hash == AtHash::Verify {
            check_hash(&claims, "at_hash", algorithm, expected.access_token, expected.is_front_channel)?;
        }
        check_hash(&claims, "c_hash", algorithm, expected.code, expected.is_front_channel)?;
        match expected.pending {
            Some(pending) => check_nonce(openid, &claims, pending.nonce.as_deref(), expected.is_front_channel),
            None => Ok(()),
        }
    };
    check().map_err(refused)?;
    check_required(config, openid, expected.learned, &claims)?;
    Ok(claims)
}

fn now(config: &Config) -> Moment {
    Moment { seconds: config.clock.now(), skew: config.clock_skew }
}

/// `at_hash` and `c_hash`: where the token is known, the claim must be its hash; through the browser it must be there.
fn check_hash(
    claims: &Claims,
    name: &str,
    algorithm: Algorithm,
    of: Option<&str>,
    is_required: bool,
) -> Result<(), IdTokenError> {
    match (claims.optional_text(name)?, of) {
        (Some(hash), Some(of)) if hash != left_half(algorithm, of) => {
            Err(IdTokenError::claim(name, "is of another token or code"))
        }
        (None, Some(_)) if is_required => Err(IdTokenError::claim(name, "is missing")),
        _ => Ok(()),
    }
}

/// The claims of a token that a key of the provider's, or the client secret, has signed.
async fn verify_signature(
    config: &Config,
    openid: &OpenId,
    learned: &[(String, String)],
    jwt: &str,
    typ: &str,
) -> Result<(Claims, Algorithm)> {
    let allowed: Vec<&str> = openid.id_token_signing_alg_values_supported.iter().map(AsRef::as_ref).collect();
    let jws = Jws::parse(jwt, &allowed, typ).map_err(refused)?;
    let algorithm = jws.algorithm;
    let secret = config.credential.secret().map(Secret::expose).unwrap_or_default();
    if let Some(key) = Key::symmetric(algorithm, secret) {
        return Ok((jws.verify(&[&key]).map_err(refused)?, algorithm));
    }
    let values = Values { learned, ..Values::new(config) };
    let mut keys = config.keys.get(&values, None).await?;
    if keys.candidates(algorithm, jws.key_id.as_deref()).is_empty() {
        let known = Arc::clone(&keys);
        keys = config.keys.get(&values, Some(&known)).await?;
    }
    let candidates = keys.candidates(algorithm, jws.key_id.as_deref());
    if candidates.is_empty() {
        return Err(refused(IdTokenError::UnknownKey));
    }
    Ok((jws.verify(&candidates).map_err(refused)?, algorithm))
}

fn check_issuer(config: &Config, openid: &OpenId, learned: &[(String, String)], claims: &Claims) -> Result<()> {
    let issuer = claims.text("iss").map_err(refused)?;
    let is_alias = openid.issuer_aliases.iter().any(|alias| alias == issuer);
    if is_alias || issuer::expected(config, openid, learned, claims.value())?.as_deref() == Some(issuer) {
        return Ok(());
    }
    Err(refused(IdTokenError::claim("iss", "is another issuer")))
}

fn check_required(config: &Config, openid: &OpenId, learned: &[(String, String)], claims: &Claims) -> Result<()> {
    let values = Values { learned, ..Values::new(config) };
    for (name, template) in openid.required_claims.iter() {
        let Some(expected) = values.text(template)? else { continue };
        if claims.text(name).map_err(refused)? != expected {
            return Err(refused(IdTokenError::claim(name, "is not what was asked for")));
        }
    }
    Ok(())
}

fn check_nonce(openid: &OpenId, claims: &Claims, expected: Option<&str>, is_required: bool) -> Result<(), IdTokenError> {
    let nonce = claims.optional_text("nonce")?;
    match (nonce, expected) {
        (Some(nonce), Some(expected)) if bool::from(nonce.as_bytes().ct_eq(expected.as_bytes())) => Ok(()),
        (None, None) if !is_required => Ok(()),
        (None, _) if openid.nonce == Nonce::Absent && !is_required => Ok(()),
        (None, _) => Err(IdTokenError::claim("nonce", "is missing")),
        (Some(_), _) => Err(IdTokenError::claim("nonce", "is of another sign-in")),
    }
}

pub(crate) fn refused(error: IdTokenError) -> Error {
    Error::invalid(format!("the token is not trusted: {error}")).with_source(error)
}

#[cfg(test)]
mod tests;
