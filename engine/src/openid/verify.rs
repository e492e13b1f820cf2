//! What a signed token must say (OpenID Connect Core sections 3.1.3.7 and 12.2).

use std::sync::Arc;

use grantry_descriptor::model::{AtHash, Nonce, OpenId};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::issuer;
use crate::authorization::Pending;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::jose::{Claims, IdTokenError, Jws, Key, left_half};
use crate::phase::template::Values;
use crate::secret::Secret;
use crate::token::Token;

/// Verifies the id token of a sign-in; its claims. Where the scope `openid` was asked for, it must be there.
pub(crate) async fn verify_sign_in(config: &Config, pending: &Pending, token: &Token) -> Result<Option<Value>> {
    let Some(openid) = &config.model().openid else { return Ok(None) };
    let Some(id_token) = &token.id_token else {
        let was_asked_for = pending.scopes.iter().any(|scope| scope == "openid");
        return if was_asked_for { Err(refused(IdTokenError::Missing)) } else { Ok(None) };
    };
    let claims = verify_id_token(config, openid, token, id_token).await?;
    check_nonce(openid, &claims, pending.nonce.as_deref()).map_err(refused)?;
    Ok(Some(claims.into_value()))
}

/// Verifies the id token of a refresh, where one came: of the same user (section 12.2).
pub(crate) async fn verify_refresh(config: &Config, old: &Token, new: &Token) -> Result<()> {
    let (Some(openid), Some(id_token)) = (&config.model().openid, &new.id_token) else { return Ok(()) };
    let merged = Token { learned: old.learned.clone(), ..new.clone() };
    let claims = verify_id_token(config, openid, &merged, id_token).await?;
    let before = old.id_token.as_ref().and_then(|old| unverified_subject(old.expose()));
    match before {
        Some(subject) if claims.text("sub").map_err(refused)? != subject => {
            Err(refused(IdTokenError::claim("sub", "is another user")))
        }
        _ => Ok(()),
    }
}

/// Verifies an access token that is a JWT of the provider's (RFC 9068); its claims. Its audience is an API, not this client.
pub(crate) async fn verify_access_token(config: &Config, token: &Token) -> Result<Value> {
    let openid = config.model().openid.as_ref().ok_or_else(|| Error::misuse("the provider states no issuer of signed tokens"))?;
    let (claims, _) = verify_signature(config, openid, token, token.access_token.expose(), "at+jwt").await?;
    check_issuer(config, openid, token, &claims)?;
    claims.check_times(config.clock.now(), false).map_err(refused)?;
    Ok(claims.into_value())
}

async fn verify_id_token(config: &Config, openid: &OpenId, token: &Token, id_token: &Secret) -> Result<Claims> {
    let (claims, half) = verify_signature(config, openid, token, id_token.expose(), "JWT").await?;
    check_issuer(config, openid, token, &claims)?;
    let check = || {
        claims.text("sub")?;
        claims.check_audience(&config.client_id)?;
        claims.check_times(config.clock.now(), true)?;
        match claims.optional_text("at_hash")? {
            Some(hash) if openid.at_hash == AtHash::Verify && hash != half => {
                Err(IdTokenError::claim("at_hash", "is of another access token"))
            }
            _ => Ok(()),
        }
    };
    check().map_err(refused)?;
    check_required(config, openid, token, &claims)?;
    Ok(claims)
}

/// The claims, and what `at_hash` of this token's algorithm would be.
async fn verify_signature(config: &Config, openid: &OpenId, token: &Token, jwt: &str, typ: &str) -> Result<(Claims, String)> {
    let allowed: Vec<&str> = openid.id_token_signing_alg_values_supported.iter().map(AsRef::as_ref).collect();
    let jws = Jws::parse(jwt, &allowed, typ).map_err(refused)?;
    let half = left_half(jws.algorithm, token.access_token.expose());
    let secret = config.credential.secret().map(Secret::expose).unwrap_or_default();
    if let Some(key) = Key::symmetric(jws.algorithm, secret) {
        return Ok((jws.verify(&[&key]).map_err(refused)?, half));
    }
    let values = Values { learned: &token.learned, token: Some(token), ..Values::new(config) };
    let mut keys = config.keys.get(&values, None).await?;
    if keys.candidates(jws.algorithm, jws.key_id.as_deref()).is_empty() {
        let known = Arc::clone(&keys);
        keys = config.keys.get(&values, Some(&known)).await?;
    }
    let candidates = keys.candidates(jws.algorithm, jws.key_id.as_deref());
    if candidates.is_empty() {
        return Err(refused(IdTokenError::UnknownKey));
    }
    Ok((jws.verify(&candidates).map_err(refused)?, half))
}

fn check_issuer(config: &Config, openid: &OpenId, token: &Token, claims: &Claims) -> Result<()> {
    let issuer = claims.text("iss").map_err(refused)?;
    let is_alias = openid.issuer_aliases.iter().any(|alias| alias == issuer);
    if is_alias || issuer::expected(config, openid, &token.learned, claims.value())?.as_deref() == Some(issuer) {
        return Ok(());
    }
    Err(refused(IdTokenError::claim("iss", "is another issuer")))
}

fn check_required(config: &Config, openid: &OpenId, token: &Token, claims: &Claims) -> Result<()> {
    let values = Values { learned: &token.learned, ..Values::new(config) };
    for (name, template) in openid.required_claims.iter() {
        let Some(expected) = values.text(template)? else { continue };
        if claims.text(name).map_err(refused)? != expected {
            return Err(refused(IdTokenError::claim(name, "is not what was asked for")));
        }
    }
    Ok(())
}

fn check_nonce(openid: &OpenId, claims: &Claims, expected: Option<&str>) -> Result<(), IdTokenError> {
    let nonce = claims.optional_text("nonce")?;
    match (nonce, expected) {
        (Some(nonce), Some(expected)) if bool::from(nonce.as_bytes().ct_eq(expected.as_bytes())) => Ok(()),
        (None, None) => Ok(()),
        (None, _) if openid.nonce == Nonce::Absent => Ok(()),
        (None, _) => Err(IdTokenError::claim("nonce", "is missing")),
        (Some(_), _) => Err(IdTokenError::claim("nonce", "is of another sign-in")),
    }
}

/// The subject of a token that was verified when it came.
fn unverified_subject(jwt: &str) -> Option<String> {
    let claims = jwt.split('.').nth(1)?;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).ok()?;
    crate::phase::json::parse(&bytes).ok()?.get("sub")?.as_str().map(str::to_owned)
}

fn refused(error: IdTokenError) -> Error {
    Error::invalid(format!("the token is not trusted: {error}")).with_source(error)
}

#[cfg(test)]
mod tests;
