//! JWS in compact form (RFC 7515), signed and verified without the engine's code.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::keys;

type Members = Map<String, Value>;

/// Signs as the provider: `RS256` and `ES256` with its own keys, `HS256` with the client secret.
pub(crate) fn sign(
    mut header: Map<String, Value>,
    claims: &Map<String, Value>,
    alg: &str,
    client_secret: &str,
) -> Result<String, String> {
    header.entry("alg").or_insert_with(|| alg.into());
    header.entry("typ").or_insert_with(|| "JWT".into());
    if alg != "HS256" {
        header.entry("kid").or_insert_with(|| format!("emulator-{}", alg.to_lowercase()).into());
    }
    let encode = |part: &Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(part.clone()).to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let signature = match alg {
        "RS256" => {
            let mut signature = vec![0; keys::rsa().public_modulus_len()];
            let sign = keys::rsa().sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
            sign.map(|()| signature)
        }
        "ES256" => keys::ecdsa().sign(&SystemRandom::new(), signed.as_bytes()).map(|signature| signature.as_ref().to_vec()),
        "HS256" => Ok(hmac_sha256(client_secret.as_bytes(), signed.as_bytes())),
        _ => return Err(format!("the emulator does not sign with `{alg}`")),
    };
    let signature = signature.map_err(|_| format!("signing with `{alg}` failed"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Header and claims of a JWT that the application signed: with one of the keys that the tests ship, or the client secret.
pub(crate) fn verify(jwt: &str, client_secret: &[u8]) -> Result<(Members, Members), String> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or("is no JWT: it has no dots")?;
    let (header, claims) = parts(jwt)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "has a signature that is not base64url")?;
    let verified_by = |algorithm: &'static dyn signature::VerificationAlgorithm, key: Vec<u8>| {
        signature::UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature).is_ok()
    };
    let valid = match header.get("alg").and_then(Value::as_str) {
        Some("ES256") => verified_by(&signature::ECDSA_P256_SHA256_FIXED, keys::es256_public_key()),
        Some("HS256") => hmac_sha256(client_secret, signed.as_bytes()) == signature,
        alg => match alg.and_then(rsa) {
            Some(algorithm) => verified_by(algorithm, keys::rs256_public_key()),
            None => return Err(format!("is signed with {alg:?}, which the emulator does not verify")),
        },
    };
    valid.then_some((header, claims)).ok_or_else(|| "has a wrong signature".to_owned())
}

fn rsa(alg: &str) -> Option<&'static dyn signature::VerificationAlgorithm> {
    Some(match alg {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// The bytes that hexadecimal digits stand for; other characters stand for nothing.
pub(crate) fn from_hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

/// Header and claims, the signature unchecked.
pub(crate) fn parts(jwt: &str) -> Result<(Members, Members), String> {
    let (signed, _) = jwt.rsplit_once('.').ok_or("is no JWT: it has no dots")?;
    let (header, claims) = signed.split_once('.').ok_or("is no JWT: it has one dot only")?;
    Ok((object(header, "header")?, object(claims, "claims")?))
}

/// HMAC-SHA256 (RFC 2104).
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

fn object(part: &str, what: &str) -> Result<Map<String, Value>, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| format!("has a {what} that is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| format!("has a {what} that is no JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_with_a_secret_is_verified_with_it_alone() {
        let claims = Map::from_iter([("sub".to_owned(), Value::from("user"))]);
        let jwt = sign(Map::new(), &claims, "HS256", "secret").unwrap();
        assert_eq!(verify(&jwt, b"secret").unwrap().1, claims);
        assert_eq!(verify(&jwt, b"another").unwrap_err(), "has a wrong signature");
    }

    #[test]
    fn every_rsa_signature_is_verified_under_its_own_algorithm() {
        let paddings: [(&str, &'static dyn signature::RsaEncoding); 4] = [
            ("RS256", &signature::RSA_PKCS1_SHA256),
            ("RS512", &signature::RSA_PKCS1_SHA512),
            ("PS256", &signature::RSA_PSS_SHA256),
            ("PS512", &signature::RSA_PSS_SHA512),
        ];
        for (alg, padding) in paddings {
            let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
            let key = keys::rs256();
            let sign = |header: Value| {
                let signed = format!("{}.{}", encode(header), encode(serde_json::json!({ "sub": "robot" })));
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
                format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
            };
            let (header, claims) = verify(&sign(serde_json::json!({ "alg": alg })), b"").unwrap();
            assert_eq!((&header["alg"], &claims["sub"]), (&Value::from(alg), &Value::from("robot")));
            let other = if alg == "RS256" { "RS384" } else { "RS256" };
            assert_eq!(verify(&sign(serde_json::json!({ "alg": other })), b"").unwrap_err(), "has a wrong signature", "{alg}");
        }
    }

    #[test]
    fn an_algorithm_that_signs_nothing_is_refused() {
        let jwt = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode("{}"));
        assert_eq!(verify(&jwt, b"").unwrap_err(), r#"is signed with Some("none"), which the emulator does not verify"#);
    }

    #[test]
    fn signatures_of_the_provider_verify_with_its_key_set() {
        let keys = keys::jwks();
        let part = |name: &str, index: usize| URL_SAFE_NO_PAD.decode(keys["keys"][index][name].as_str().unwrap()).unwrap();
        let jwt = sign(Map::new(), &Map::new(), "RS256", "").unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let rsa = signature::RsaPublicKeyComponents { n: part("n", 0), e: part("e", 0) };
        rsa.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();

        let jwt = sign(Map::new(), &Map::new(), "ES256", "").unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let point = [vec![4], part("x", 1), part("y", 1)].concat();
        let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
        key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }
}
