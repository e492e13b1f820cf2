//! Signs tokens as the provider, with every algorithm and whatever header.

use std::sync::OnceLock;

use aws_lc_rs::digest::{self, Algorithm};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantry_engine::{Error, IdTokenError};
use grantry_tests::keys;
use grantry_tests::script::provider_jwks;
use serde_json::{Value, json};

use crate::common::SECRET;

/// The provider's P-384 key.
fn p384() -> &'static EcdsaKeyPair {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
}

/// The provider's Ed25519 key.
fn ed25519() -> &'static Ed25519KeyPair {
    static KEY: OnceLock<Ed25519KeyPair> = OnceLock::new();
    KEY.get_or_init(|| Ed25519KeyPair::generate().unwrap())
}

/// The keys `rsa`, `p256`, `p384` and `ed25519`, each for every algorithm of its type.
pub(crate) fn jwks() -> Value {
    let mut keys = provider_jwks()["keys"].as_array().unwrap().clone();
    for (key, id) in keys.iter_mut().zip(["rsa", "p256"]) {
        key["kid"] = id.into();
        key.as_object_mut().unwrap().remove("alg");
    }
    let point = p384().public_key().as_ref();
    keys.push(json!({ "kty": "EC", "kid": "p384", "crv": "P-384", "x": base64(&point[1..49]), "y": base64(&point[49..]) }));
    keys.push(json!({ "kty": "OKP", "kid": "ed25519", "crv": "Ed25519", "x": base64(ed25519().public_key().as_ref()) }));
    json!({ "keys": keys })
}

/// The id of the key that signs with an algorithm.
pub(crate) fn key_id(alg: &str) -> Option<&'static str> {
    match alg {
        "RS256" | "RS384" | "RS512" | "PS256" => Some("rsa"),
        "ES256" => Some("p256"),
        "ES384" => Some("p384"),
        "EdDSA" | "Ed25519" => Some("ed25519"),
        _ => None,
    }
}

/// A JWT of a header's and claims' text, with a signature of the test's own.
pub(crate) fn with_signature(header: &Value, claims: &Value, signature: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
    let signature = signature(signed.as_bytes());
    format!("{signed}.{}", base64(signature))
}

/// A JWT with these claims, and no more in its header than is needed.
pub(crate) fn jwt(alg: &str, claims: &Value) -> String {
    let mut header = json!({ "alg": alg });
    if let Some(id) = key_id(alg) {
        header["kid"] = id.into();
    }
    jwt_of(alg, &header, claims)
}

/// A JWT with this header, signed by an algorithm that the header need not name.
pub(crate) fn jwt_of(alg: &str, header: &Value, claims: &Value) -> String {
    with_signature(header, claims, |signed| sign(alg, signed))
}

/// A signature with the provider's key of that algorithm.
pub(crate) fn sign(alg: &str, message: &[u8]) -> Vec<u8> {
    match alg {
        "RS256" => rsa(&signature::RSA_PKCS1_SHA256, message),
        "RS384" => rsa(&signature::RSA_PKCS1_SHA384, message),
        "RS512" => rsa(&signature::RSA_PKCS1_SHA512, message),
        "PS256" => rsa(&signature::RSA_PSS_SHA256, message),
        "ES256" => keys::ecdsa().sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        "ES384" => p384().sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        "EdDSA" | "Ed25519" => ed25519().sign(message).as_ref().to_vec(),
        "HS256" => hmac_of(hmac::HMAC_SHA256, SECRET.as_bytes(), message),
        "HS512" => hmac_of(hmac::HMAC_SHA512, SECRET.as_bytes(), message),
        other => panic!("nothing signs with {other}"),
    }
}

/// An HMAC with any key.
pub(crate) fn hmac_of(algorithm: hmac::Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec()
}

fn rsa(encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; keys::rsa().public_modulus_len()];
    keys::rsa().sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// The left half of a text's hash (OpenID Connect Core section 3.1.3.6).
pub(crate) fn half_hash(algorithm: &'static Algorithm, text: &str) -> String {
    let hash = digest::digest(algorithm, text.as_bytes());
    base64(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// base64url without padding.
pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Why a token is not trusted; the error must say so in its source.
#[track_caller]
pub(crate) fn reason(error: &Error) -> IdTokenError {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<IdTokenError>());
    source.unwrap_or_else(|| panic!("{error} has no typed reason")).clone()
}

/// The name of the claim for which a token is not trusted.
#[track_caller]
pub(crate) fn claim(error: &Error) -> String {
    match reason(error) {
        IdTokenError::Claim { name, .. } => name,
        other => panic!("{other:?} is about no claim"),
    }
}
