//! A JWS in compact form (RFC 7515 section 7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use serde_json::Value;

use super::key_set::Key;
use super::{Claims, IdTokenError, algorithm};
use crate::phase::json;

/// Longest token, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// Longest key id, in bytes.
const MAX_KEY_ID: usize = 256;

/// A parsed token whose signature is not verified yet; its claims are reached through [`Jws::verify`].
pub(crate) struct Jws<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    signed: &'a str,
    signature: &'a str,
    claims: Value,
}

impl<'a> Jws<'a> {
    /// Parses. `allowed` are the names of the algorithms that the provider signs with; a header that names a type of its own
    /// (RFC 8725 section 3.11) must name `typ`.
    pub(crate) fn parse(token: &'a str, allowed: &[&str], typ: &str) -> Result<Self, IdTokenError> {
        if token.len() > MAX_LENGTH {
            return Err(IdTokenError::Malformed("it is longer than 64 KiB"));
        }
        let parts = || {
            let (signed, signature) = token.rsplit_once('.')?;
            let (header, claims) = signed.split_once('.')?;
            (!claims.contains('.')).then_some((signed, header, claims, signature))
        };
        let (signed, header, claims, signature) = parts().ok_or(IdTokenError::Malformed("it has not three parts"))?;
        let header = object(header).ok_or(IdTokenError::Malformed("its header is no base64url of a JSON object"))?;
        let algorithm = algorithm_of(&header, allowed)?;
        if header.get("crit").is_some() {
            return Err(IdTokenError::Malformed("its header has `crit`, of which no extension is known"));
        }
        check_type(&header, typ)?;
        let claims = object(claims).ok_or(IdTokenError::Malformed("its claims are no base64url of a JSON object"))?;
        Ok(Self { algorithm, key_id: key_id(&header)?, signed, signature, claims })
    }

    /// The claims, if one of the keys has signed them.
    pub(crate) fn verify(self, keys: &[&Key]) -> Result<Claims, IdTokenError> {
        if self.signature.is_empty() {
            return Err(IdTokenError::Signature);
        }
        let is_valid = |key: &&Key| {
            crypto::verify(self.signature, self.signed.as_bytes(), key.decoding_key(), self.algorithm).unwrap_or(false)
        };
        if keys.iter().any(is_valid) { Ok(Claims::new(self.claims)) } else { Err(IdTokenError::Signature) }
    }
}

fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    json::parse(&bytes).ok().filter(Value::is_object)
}

fn algorithm_of(header: &Value, allowed: &[&str]) -> Result<Algorithm, IdTokenError> {
    let name = header.get("alg").and_then(Value::as_str).ok_or(IdTokenError::Malformed("its header has no `alg`"))?;
    match algorithm::named(name).filter(|_| allowed.contains(&name)) {
        Some(algorithm) => Ok(algorithm),
        None => Err(IdTokenError::Algorithm(name.chars().take(32).collect())),
    }
}

fn key_id(header: &Value) -> Result<Option<String>, IdTokenError> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if id.len() <= MAX_KEY_ID => Ok(Some(id.clone())),
        Some(_) => Err(IdTokenError::Malformed("its header has a `kid` that is no short string")),
    }
}

fn check_type(header: &Value, expected: &str) -> Result<(), IdTokenError> {
    let is_other = |typ: &str| typ.to_ascii_lowercase().ends_with("+jwt") && !typ.eq_ignore_ascii_case(expected);
    match header.get("typ") {
        None => Ok(()),
        Some(Value::String(typ)) if !is_other(typ) => Ok(()),
        Some(_) => Err(IdTokenError::Malformed("its header says that it is a token of another type")),
    }
}
