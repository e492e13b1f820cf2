//! Signing with a shared secret: `client_secret_jwt`, and assertions whose key is a secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value};

use super::SigningKeyError;
use super::algorithm;

/// Signs a JWT with an HMAC; `alg` is added to the header.
pub(crate) fn sign_with_secret(
    alg: &str,
    secret: &[u8],
    mut header: Map<String, Value>,
    claims: Map<String, Value>,
) -> Result<String, SigningKeyError> {
    let is_symmetric = |algorithm: &Algorithm| matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
    let mismatch = || SigningKeyError::Mismatch { algorithm: alg.to_owned(), key: "a client secret" };
    let algorithm = algorithm::named(alg).filter(is_symmetric).ok_or_else(mismatch)?;
    header.insert("alg".to_owned(), alg.into());
    let signed = unsigned(header, claims);
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(signed.as_bytes(), &key, algorithm).map_err(|_| SigningKeyError::Unsupported)?;
    Ok(format!("{signed}.{signature}"))
}

/// Header and claims, encoded: what is signed (RFC 7515 section 5.1).
pub(super) fn unsigned(header: Map<String, Value>, claims: Map<String, Value>) -> String {
    let encode = |part: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    format!("{}.{}", encode(header), encode(claims))
}
