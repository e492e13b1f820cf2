//! The provider's public keys (RFC 7517), each on its own: a key that is not understood takes no other with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value;

use super::algorithm;
use crate::phase::json;

/// Largest key set, in bytes.
const MAX_LENGTH: usize = 256 * 1024;

/// Most keys that are looked at.
const MAX_KEYS: usize = 100;

/// Most keys that are tried for one token.
const MAX_CANDIDATES: usize = 4;

/// Shortest RSA modulus, in bytes (RFC 7518 section 3.3).
const MIN_RSA_MODULUS: usize = 256;

/// The usable keys of a set.
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Parses. Keys for other purposes, of unknown types, symmetric, private or weak ones are left out.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        if text.len() > MAX_LENGTH {
            return Err("it is longer than 256 KiB");
        }
        let document = json::parse(text).map_err(|_| "it is no JSON")?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it has no array `keys`")?;
        Ok(Self { keys: keys.iter().take(MAX_KEYS).filter_map(Key::parse).collect() })
    }

    /// The keys that may have made a signature: all of the algorithm's type, and of the key id where the token names one.
    pub(crate) fn candidates(&self, algorithm: Algorithm, key_id: Option<&str>) -> Vec<&Key> {
        let fits = |key: &&Key| key.fits(algorithm) && (key_id.is_none() || key.id.as_deref() == key_id);
        self.keys.iter().filter(fits).take(MAX_CANDIDATES).collect()
    }
}

/// A key that verifies.
pub(crate) struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    curve: Option<Algorithm>,
    decoding_key: DecodingKey,
}

impl Key {
    /// The key of HMAC: a client secret, at least as long as the hash (RFC 7518 section 3.2).
    pub(crate) fn symmetric(algorithm: Algorithm, secret: &str) -> Option<Self> {
        let least = match algorithm {
            Algorithm::HS256 => 32,
            Algorithm::HS384 => 48,
            Algorithm::HS512 => 64,
            _ => return None,
        };
        let decoding_key = (secret.len() >= least).then(|| DecodingKey::from_secret(secret.as_bytes()))?;
        Some(Self { id: None, algorithm: Some(algorithm), curve: None, decoding_key })
    }

    pub(crate) const fn decoding_key(&self) -> &DecodingKey {
        &self.decoding_key
    }

    fn parse(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_private = ["d", "p", "q", "k"].iter().any(|name| jwk.get(name).is_some());
        let is_for_signatures = text("use").is_none_or(|purpose| purpose == "sig") && verifies(jwk.get("key_ops"));
        if is_private || !is_for_signatures {
            return None;
        }
        let (decoding_key, curve) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (rsa(text("n")?, text("e")?)?, None),
            ("EC", Some("P-256")) => (elliptic(text("x")?, text("y")?, 32)?, Some(Algorithm::ES256)),
            ("EC", Some("P-384")) => (elliptic(text("x")?, text("y")?, 48)?, Some(Algorithm::ES384)),
            ("OKP", Some("Ed25519")) => (edwards(text("x")?)?, Some(Algorithm::EdDSA)),
            _ => return None,
        };
        let algorithm = match text("alg") {
            Some(name) => Some(algorithm::named(name)?),
            None => None,
        };
        Some(Self { id: text("kid").map(str::to_owned), algorithm, curve, decoding_key })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.decoding_key.family() == algorithm.family()
            && self.algorithm.is_none_or(|own| own == algorithm)
            && self.curve.is_none_or(|own| own == algorithm)
            && algorithm.family() != AlgorithmFamily::Hmac
    }
}

fn verifies(operations: Option<&Value>) -> bool {
    operations.is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (bytes(modulus)?, bytes(exponent)?);
    let modulus = modulus.get(modulus.iter().position(|byte| *byte != 0)?..)?;
    let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
    let is_one = exponent.iter().rev().skip(1).all(|byte| *byte == 0) && exponent.last() == Some(&1);
    (modulus.len() >= MIN_RSA_MODULUS && is_odd && !is_one).then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

fn elliptic(x: &str, y: &str, length: usize) -> Option<DecodingKey> {
    let is_whole = bytes(x)?.len() == length && bytes(y)?.len() == length;
    is_whole.then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
}

fn edwards(x: &str) -> Option<DecodingKey> {
    (bytes(x)?.len() == 32).then(|| DecodingKey::from_ed_components(x).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(keys: Value) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn rsa_key(bits: usize, exponent: &[u8]) -> Value {
        json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bits / 8]), "e": URL_SAFE_NO_PAD.encode(exponent) })
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    #[test]
    fn a_key_that_is_not_understood_takes_no_other_with_it() {
        let good = rsa_key(2048, &[1, 0, 1]);
        let set = set(json!([
            7,
            { "kty": "AKP", "alg": "ML-DSA-44" },
            { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" },
            { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" },
            { "kty": "oct", "k": "c2VjcmV0" },
            with(good.clone(), "use", json!("enc")),
            with(good.clone(), "key_ops", json!(["encrypt"])),
            with(good.clone(), "d", json!("AQAB")),
            with(good.clone(), "alg", json!("RSA-OAEP")),
            rsa_key(1024, &[1, 0, 1]),
            rsa_key(2048, &[1]),
            rsa_key(2048, &[4]),
            good,
        ]));
        assert_eq!(set.keys.len(), 1);
    }

    #[test]
    fn keys_are_chosen_by_id_and_type_together() {
        let rsa = |kid: &str| with(rsa_key(2048, &[1, 0, 1]), "kid", json!(kid));
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": URL_SAFE_NO_PAD.encode([1_u8; 32]) });
        let ps = with(rsa("a"), "alg", json!("PS256"));
        let set = set(json!([ed, ps, rsa("a"), rsa("b")]));
        assert_eq!(set.candidates(Algorithm::RS256, Some("a")).len(), 1);
        assert_eq!(set.candidates(Algorithm::PS256, Some("a")).len(), 2);
        assert_eq!(set.candidates(Algorithm::EdDSA, Some("a")).len(), 1);
        assert_eq!(set.candidates(Algorithm::RS256, None).len(), 2);
        assert_eq!(set.candidates(Algorithm::RS256, Some("c")).len(), 0);
        assert_eq!(set.candidates(Algorithm::HS256, Some("a")).len(), 0);
    }

    #[test]
    fn few_candidates_are_tried() {
        let keys: Vec<Value> = (0..9).map(|_| rsa_key(2048, &[1, 0, 1])).collect();
        assert_eq!(set(json!(keys)).candidates(Algorithm::RS256, None).len(), MAX_CANDIDATES);
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(KeySet::parse(&vec![b' '; MAX_LENGTH + 1]).is_err());
    }

    #[test]
    fn a_short_secret_is_no_key() {
        assert!(Key::symmetric(Algorithm::HS256, "").is_none());
        assert!(Key::symmetric(Algorithm::HS256, &"s".repeat(31)).is_none());
        assert!(Key::symmetric(Algorithm::HS256, &"s".repeat(32)).is_some());
        assert!(Key::symmetric(Algorithm::RS256, &"s".repeat(64)).is_none());
    }
}
