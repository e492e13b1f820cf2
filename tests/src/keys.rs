//! The keys of the tests: those that they ship, and those that the emulator signs with.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const ES256_PEM: &str = include_str!("../keys/es256.p8");

/// The names of the shipped keys, and the keys as PEM. They protect nothing. The RSA keys are one key: as PKCS#8, as PKCS#1, and
/// encrypted under [`PASSPHRASE`].
const PEMS: [(&str, &str); 4] = [
    ("es256", ES256_PEM),
    ("rs256", RS256_PEM),
    ("rs256_pkcs1", include_str!("../keys/rs256_pkcs1.pem")),
    ("rs256_encrypted", include_str!("../keys/rs256_encrypted.p8")),
];

const RS256_PEM: &str = include_str!("../keys/rs256.p8");

/// What the shipped key `rs256_encrypted` is encrypted with.
pub const PASSPHRASE: &str = "passphrase";

/// The application's private key of that name, as PEM.
pub fn private_key_pem(name: &str) -> Option<&'static str> {
    PEMS.iter().find(|(known, _)| *known == name).map(|(_, pem)| *pem)
}

/// The text of a key file: `${pem:<name>}` in it stands for a shipped key.
///
/// # Errors
///
/// Where it names another key, or is no JSON.
pub fn key_file(text: &str) -> Result<String, String> {
    let mut file = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${pem:") {
        let (name, after) = after.split_once('}').ok_or("`${pem:` has no closing brace")?;
        let pem = private_key_pem(name).ok_or_else(|| format!("the tests ship no key `{name}`"))?;
        file.push_str(before);
        file.push_str(Value::from(pem).to_string().trim_matches('"'));
        rest = after;
    }
    file.push_str(rest);
    serde_json::from_str::<Value>(&file).map_err(|error| error.to_string())?;
    Ok(file)
}

/// An RSA private key as PKCS#8 PEM, made once per process: that of the provider, whose public half its key set has.
///
/// # Panics
///
/// Where the key cannot be made.
pub fn rsa_private_key_pem() -> String {
    let der: Pkcs8V1Der<'_> = rsa().as_der().expect("the key can be written");
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()))
}

/// The public half of the application's key `es256`: an uncompressed point.
pub(crate) fn es256_public_key() -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der(ES256_PEM));
    pair.expect("the shipped key is PKCS#8 of P-256").public_key().as_ref().to_vec()
}

/// The public half of the application's key `rs256`: a DER `RSAPublicKey`.
pub(crate) fn rs256_public_key() -> Vec<u8> {
    rs256().public_key().as_ref().to_vec()
}

/// The application's key `rs256`.
pub(crate) fn rs256() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(&der(RS256_PEM)).expect("the shipped key is PKCS#8 of RSA")
}

fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(base64).expect("the shipped key is PEM")
}

/// The provider's RSA key: 2048 bits, made once per process.
pub fn rsa() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made"))
}

/// The provider's P-256 key, made once per process.
pub fn ecdsa() -> &'static EcdsaKeyPair {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("an EC key can be made"))
}

/// The provider's key set (RFC 7517 section 5).
pub(crate) fn jwks() -> Value {
    let (modulus, exponent) = rsa_public_parts(rsa().public_key().as_ref()).expect("the public key is an RSAPublicKey");
    let point = ecdsa().public_key().as_ref();
    json!({ "keys": [
        { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "emulator-rs256",
          "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent) },
        { "kty": "EC", "use": "sig", "alg": "ES256", "kid": "emulator-es256", "crv": "P-256",
          "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) },
    ]})
}

/// Modulus and exponent of a DER `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa_public_parts(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (modulus, rest) = der_value(sequence, 0x02)?;
    let (exponent, _) = der_value(rest, 0x02)?;
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), exponent))
}

/// The content of a DER value with that tag, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    let octets = usize::from(length & 0x7f);
    let (length, rest) = match length & 0x80 {
        0 => (octets, rest),
        _ => (rest.get(..octets)?.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest.get(octets..)?),
    };
    (*found == tag && rest.len() >= length).then(|| rest.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_holds_the_key_escaped() {
        let file = key_file(r#"{"id":"me","key":"${pem:rs256}"}"#).unwrap();
        let file: Value = serde_json::from_str(&file).unwrap();
        assert_eq!(file, json!({ "id": "me", "key": RS256_PEM }));
        assert_eq!(key_file(r#"{"key":"${pem:rs257}"}"#).unwrap_err(), "the tests ship no key `rs257`");
        assert!(key_file("{").unwrap_err().starts_with("EOF"));
    }

    #[test]
    fn pkcs1_is_the_same_key() {
        let pkcs1 = RsaKeyPair::from_der(&der(private_key_pem("rs256_pkcs1").unwrap())).unwrap();
        assert_eq!(pkcs1.public_key().as_ref(), rs256_public_key());
    }
}
