//! Private keys as JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::curve::Curve;
use super::{SigningKey, SigningKeyError, der};

/// Bytes of each part of an Ed25519 key.
const EDWARDS_LENGTH: usize = 32;

/// Borrows from the text: no part of the key is copied before it is decoded.
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: &'a str,
    crv: Option<&'a str>,
    kid: Option<String>,
    d: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
}

/// Reads a JWK.
pub(super) fn read(text: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(SigningKeyError::Empty);
    }
    let jwk: Jwk<'_> = serde_json::from_slice(text).map_err(|_| SigningKeyError::NotJwk)?;
    let key = match (jwk.kty, jwk.crv) {
        ("RSA", _) => jwk.rsa(),
        ("EC", Some(curve)) => jwk.elliptic(Curve::named(curve)?),
        ("OKP", Some("Ed25519")) => jwk.edwards(),
        _ => Err(SigningKeyError::Unsupported),
    }?;
    Ok(match jwk.kid {
        Some(id) => key.key_id(id),
        None => key,
    })
}

impl Jwk<'_> {
    fn rsa(&self) -> Result<SigningKey, SigningKeyError> {
        let d = self.private_part()?;
        let (n, e) = (bytes("n", self.n)?, bytes("e", self.e)?);
        der::strength(without_zeros(&n))?;
        let components = KeyPairComponents {
            public_key: PublicKeyComponents { n: without_zeros(&n), e: without_zeros(&e) },
            d,
            p: bytes("p", self.p)?,
            q: bytes("q", self.q)?,
            dP: bytes("dp", self.dp)?,
            dQ: bytes("dq", self.dq)?,
            qInv: bytes("qi", self.qi)?,
        };
        let pair = RsaKeyPair::from_components(&components).map_err(|_| SigningKeyError::Inconsistent)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningKeyError::Inconsistent)?;
        der::pkcs8(pkcs8.as_ref())
    }

    fn elliptic(&self, curve: &Curve) -> Result<SigningKey, SigningKeyError> {
        let d = sized("d", self.private_part()?, curve.length)?;
        let x = sized("x", bytes("x", self.x)?, curve.length)?;
        let y = sized("y", bytes("y", self.y)?, curve.length)?;
        // SEC 1 section 2.3.3: an uncompressed point begins with 4.
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &d, &point);
        Ok(curve.key(pair.map_err(|_| SigningKeyError::Inconsistent)?))
    }

    fn edwards(&self) -> Result<SigningKey, SigningKeyError> {
        let d = sized("d", self.private_part()?, EDWARDS_LENGTH)?;
        let x = sized("x", bytes("x", self.x)?, EDWARDS_LENGTH)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &x).map_err(|_| SigningKeyError::Inconsistent)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| SigningKeyError::Inconsistent)?;
        der::pkcs8(pkcs8.as_ref())
    }

    /// A JWK without `d` is a public key.
    fn private_part(&self) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
        if self.d.is_none() { Err(SigningKeyError::PublicKey) } else { bytes("d", self.d) }
    }
}

fn bytes(member: &'static str, text: Option<&str>) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
    let decoded = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.map(Zeroizing::new).ok_or(SigningKeyError::Member(member))
}

fn sized(member: &'static str, bytes: Zeroizing<Vec<u8>>, length: usize) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
    if bytes.len() == length { Ok(bytes) } else { Err(SigningKeyError::Member(member)) }
}

/// Some programs write a number with a zero in front, as DER has it.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin, EcPrivateKeyBin};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaSigningAlgorithm, KeyPair as _,
    };
    use pkcs1::RsaPrivateKeyRef;
    use serde_json::{Map, Value, json};

    use super::super::samples;
    use super::*;

    fn encode(bytes: impl AsRef<[u8]>) -> Value {
        URL_SAFE_NO_PAD.encode(bytes).into()
    }

    fn rsa() -> Value {
        let der = samples::rsa_pkcs1();
        let key = RsaPrivateKeyRef::try_from(der.as_slice()).unwrap();
        let part = |number: pkcs1::UintRef<'_>| encode(number.as_bytes());
        json!({
            "kty": "RSA", "n": part(key.modulus), "e": part(key.public_exponent), "d": part(key.private_exponent),
            "p": part(key.prime1), "q": part(key.prime2), "dp": part(key.exponent1), "dq": part(key.exponent2),
            "qi": part(key.coefficient), "kid": "k1", "use": "sig", "alg": "RS256",
        })
    }

    fn elliptic(name: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Value {
        let pair = samples::ec(algorithm);
        let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(d.as_ref().len());
        json!({ "kty": "EC", "crv": name, "d": encode(d.as_ref()), "x": encode(x), "y": encode(y) })
    }

    fn p256() -> Value {
        elliptic("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    fn edwards() -> Value {
        let pair = Ed25519KeyPair::generate().unwrap();
        let seed: Curve25519SeedBin<'_> = pair.seed().unwrap().as_be_bytes().unwrap();
        json!({ "kty": "OKP", "crv": "Ed25519", "d": encode(seed.as_ref()), "x": encode(pair.public_key()) })
    }

    fn load(jwk: &Value) -> Result<SigningKey, SigningKeyError> {
        SigningKey::from_jwk(jwk.to_string())
    }

    fn refusal(jwk: &Value) -> SigningKeyError {
        load(jwk).unwrap_err()
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    fn without(mut jwk: Value, member: &str) -> Value {
        jwk.as_object_mut().unwrap().remove(member);
        jwk
    }

    #[test]
    fn every_type_is_read_and_signs() {
        for (jwk, algorithm) in [
            (rsa(), "RS256"),
            (p256(), "ES256"),
            (elliptic("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING), "ES384"),
            (edwards(), "EdDSA"),
        ] {
            let key = load(&jwk).unwrap();
            assert_eq!(key.default_algorithm(), algorithm);
            assert!(key.sign(algorithm, Map::new(), Map::new()).is_ok(), "{algorithm}");
        }
    }

    #[test]
    fn the_same_key_signs_the_same_as_from_pem() {
        let from_pem = SigningKey::from_pem(samples::pem("PRIVATE KEY", samples::rsa())).unwrap();
        let sign = |key: &SigningKey| key.sign("RS256", Map::new(), Map::new()).unwrap();
        assert_eq!(sign(&load(&rsa()).unwrap()), sign(&from_pem));
    }

    #[test]
    fn kid_becomes_the_id() {
        assert_eq!(load(&rsa()).unwrap().id(), Some("k1"));
        assert_eq!(load(&p256()).unwrap().id(), None);
        assert_eq!(load(&with(p256(), "kid", json!("a\"b"))).unwrap().id(), Some("a\"b"));
    }

    #[test]
    fn blanks_and_leading_zeros_do_no_harm() {
        let text = format!("\u{feff} \n{:#}\n", p256());
        assert!(SigningKey::from_jwk(text).is_ok());
        let modulus = URL_SAFE_NO_PAD.decode(rsa()["n"].as_str().unwrap()).unwrap();
        let padded = [&[0], modulus.as_slice()].concat();
        assert!(load(&with(rsa(), "n", encode(padded))).is_ok());
    }

    #[test]
    fn a_public_part_of_another_key_is_refused() {
        let other = p256();
        for (jwk, member, value) in [
            (p256(), "x", other["x"].clone()),
            (with(p256(), "x", other["x"].clone()), "y", other["y"].clone()),
            (p256(), "d", encode([0; 32])),
            (edwards(), "x", edwards()["x"].clone()),
            (rsa(), "n", encode([0xff; 256])),
            (rsa(), "e", encode([3])),
            (rsa(), "d", encode([5; 256])),
            (rsa(), "qi", encode([5; 128])),
        ] {
            assert_eq!(refusal(&with(jwk, member, value)), SigningKeyError::Inconsistent, "{member}");
        }
    }

    #[test]
    fn a_member_that_is_missing_or_wrong_is_named() {
        for member in ["n", "e", "p", "q", "dp", "dq", "qi"] {
            assert_eq!(refusal(&without(rsa(), member)), SigningKeyError::Member(member));
            assert_eq!(refusal(&with(rsa(), member, json!("a+b="))), SigningKeyError::Member(member));
        }
        for member in ["d", "x", "y"] {
            assert_eq!(refusal(&with(p256(), member, encode([1; 31]))), SigningKeyError::Member(member));
        }
        assert_eq!(refusal(&without(p256(), "y")), SigningKeyError::Member("y"));
        assert_eq!(refusal(&with(edwards(), "d", encode([1; 64]))), SigningKeyError::Member("d"));
        assert_eq!(refusal(&without(edwards(), "x")), SigningKeyError::Member("x"));
    }

    #[test]
    fn a_public_key_is_named() {
        for jwk in [rsa(), p256(), edwards()] {
            assert_eq!(refusal(&without(jwk, "d")), SigningKeyError::PublicKey);
        }
    }

    #[test]
    fn a_short_modulus_is_weak() {
        assert_eq!(refusal(&with(rsa(), "n", encode([0xff; 128]))), SigningKeyError::Weak);
    }

    #[test]
    fn other_types_are_unsupported() {
        for jwk in [
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            with(p256(), "crv", json!("secp256k1")),
            without(p256(), "crv"),
            with(edwards(), "crv", json!("X25519")),
        ] {
            assert_eq!(refusal(&jwk), SigningKeyError::Unsupported);
        }
    }

    #[test]
    fn what_is_no_jwk_is_named() {
        let pem = samples::pem("PRIVATE KEY", &samples::ed25519());
        let twice = r#"{"kty":"OKP","crv":"Ed25519","crv":"X25519"}"#;
        for text in ["hunter2", "[]", "{}", r#"{"keys":[]}"#, r#"{"kty":7}"#, twice, &pem] {
            assert_eq!(SigningKey::from_jwk(text).unwrap_err(), SigningKeyError::NotJwk, "{text}");
        }
        assert_eq!(SigningKey::from_jwk(" \n").unwrap_err(), SigningKeyError::Empty);
    }
}
