//! Keys for tests, made anew in each run.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::SigningKey;

/// RSA keys take long to make.
static RSA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
});

/// PEM as RFC 7468 wants it, 64 characters a line.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// An RSA key of 2048 bits in PKCS#8.
pub(super) fn rsa() -> &'static [u8] {
    &RSA
}

/// The RSA key in PKCS#1.
pub(super) fn rsa_pkcs1() -> Vec<u8> {
    pkcs8::PrivateKeyInfoRef::try_from(rsa()).unwrap().private_key.as_bytes().to_vec()
}

pub(super) fn p256() -> EcdsaKeyPair {
    ec(&ECDSA_P256_SHA256_FIXED_SIGNING)
}

pub(super) fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    EcdsaKeyPair::generate(algorithm).unwrap()
}

/// An EC key in PKCS#8.
pub(super) fn ec_pkcs8(pair: &EcdsaKeyPair) -> Vec<u8> {
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

/// An EC key in SEC 1.
pub(super) fn ec_sec1(pair: &EcdsaKeyPair) -> Vec<u8> {
    let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    der.as_ref().to_vec()
}

pub(super) fn load(pair: &EcdsaKeyPair) -> SigningKey {
    SigningKey::from_pem(pem("PRIVATE KEY", &ec_pkcs8(pair))).unwrap()
}

/// An Ed25519 key in PKCS#8.
pub(super) fn ed25519() -> Vec<u8> {
    Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref().to_vec()
}
