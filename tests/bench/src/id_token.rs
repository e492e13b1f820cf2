//! Verifying an id token, signed with RS256.

use std::str::FromStr as _;

use grantry::__private::verify_id_token;
use grantry::Secret;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{ClientId, ClientSecret, IssuerUrl, Nonce};
use serde_json::{Value, json};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};

use crate::measure::{Rounds, compare, computation, request};
use crate::provider::{CLIENT_ID, CLIENT_SECRET, KEY_ID, Provider, now, token};
use crate::report::{Gate, Report};
use crate::{Bench, Result};

const ROUNDS: Rounds = Rounds { rounds: 60, operations: 100 };

const NONCE: &str = "n-0S6_WzA2Mj";

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let provider = &bench.provider;
    let jwt = id_token(provider)?;
    let client = provider.client()?;
    let (_, pending) = client.authorize().nonce(NONCE).start()?;
    let mut with_id_token = token();
    with_id_token.id_token = Some(Secret::from(jwt.as_str()));
    let mut own = request(async || verified(verify_id_token(&client, &pending, &with_id_token).await?));

    let (key, rules) = bare(provider)?;
    let mut bare = computation(|| jsonwebtoken::decode::<Value>(&jwt, &key, &rules).map(|decoded| decoded.claims).ok());

    let keys: CoreJsonWebKeySet = serde_json::from_value(provider.jwks.clone())?;
    let secret = ClientSecret::new(CLIENT_SECRET.to_owned());
    let issuer = IssuerUrl::new(provider.origin.clone())?;
    let verifier = CoreIdTokenVerifier::new_confidential_client(ClientId::new(CLIENT_ID.to_owned()), secret, issuer, keys);
    let nonce = Nonce::new(NONCE.to_owned());
    let mut peer = request(async || {
        let token = CoreIdToken::from_str(&jwt)?;
        Ok(token.claims(&verifier, &nonce)?.subject().len())
    });
    jsonwebtoken::decode::<Value>(&jwt, &key, &rules)?;

    let [own, bare, peer] = compare(&bench.runtime, ROUNDS, [&mut own, &mut bare, &mut peer])?;
    report.title(&format!("an id token of {} bytes, RS256, every claim verified", jwt.len()));
    let (own_us, bare_us, peer_us) = (own.nanoseconds / 1e3, bare.nanoseconds / 1e3, peer.nanoseconds / 1e3);
    report.ratio("CPU", "us", own_us, ("jsonwebtoken's bare decode", bare_us), Gate::AtMost(1.3));
    report.speed("CPU", "us", own_us, ("openidconnect, parse + claims", peer_us), Gate::AtLeast(6.0));
    report.value("allocations", "", own.allocations, Some(("jsonwebtoken's bare decode", bare.allocations)), Gate::None);
    report.value("allocations", "", own.allocations, Some(("openidconnect, parse + claims", peer.allocations)), Gate::None);
    Ok(())
}

fn verified(claims: Option<Value>) -> Result<Value> {
    claims.ok_or_else(|| "the id token was not looked at".into())
}

/// An id token as large providers issue them, by the key of the provider.
fn id_token(provider: &Provider) -> Result<String> {
    let claims = json!({
        "iss": provider.origin, "sub": "110169484474386276334", "aud": CLIENT_ID, "azp": CLIENT_ID, "nonce": NONCE,
        "iat": now(), "exp": now() + 3600, "auth_time": now(), "email": "alice@app.example", "email_verified": true,
        "name": "Alice", "locale": "en",
    });
    let der: Pkcs8V1Der<'_> = provider.key.as_der()?;
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(KEY_ID.to_owned());
    // A PKCS#1 key stands at the end of the PKCS#8 one, after a head of 26 bytes.
    let pkcs1 = der.as_ref().get(26..).ok_or("the key is too short")?;
    Ok(jsonwebtoken::encode(&header, &claims, &EncodingKey::from_rsa_der(pkcs1))?)
}

/// What one writes with `jsonwebtoken` alone: issuer, audience and end are checked.
fn bare(provider: &Provider) -> Result<(DecodingKey, Validation)> {
    let jwk = serde_json::from_value(provider.jwks["keys"][0].clone())?;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[CLIENT_ID]);
    rules.set_issuer(&[&provider.origin]);
    Ok((DecodingKey::from_jwk(&jwk)?, rules))
}
