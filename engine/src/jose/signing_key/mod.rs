//! Private keys of clients.

mod curve;
mod der;
mod encrypted;
mod error;
mod jwk;
mod pair;
mod pem;
#[cfg(test)]
mod samples;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use self::pair::Pair;
use self::pem::PrivateKey;
use super::algorithm;
use super::symmetric::unsigned;

pub use self::error::SigningKeyError;

/// A private key: it signs client assertions and generated client secrets, and is never sent.
///
/// Cheap to clone. RSA keys of 2048 to 8192 bits, EC keys on P-256 and P-384, and Ed25519.
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<Pair>,
    kind: Kind,
    id: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Kind {
    const fn describe(self) -> &'static str {
        match self {
            Self::Rsa => "an RSA key",
            Self::P256 => "an EC key on P-256",
            Self::P384 => "an EC key on P-384",
            Self::Ed25519 => "an Ed25519 key",
        }
    }

    const fn signs(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa => matches!(
                algorithm,
                Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512
            ),
            Self::P256 => matches!(algorithm, Algorithm::ES256),
            Self::P384 => matches!(algorithm, Algorithm::ES384),
            Self::Ed25519 => matches!(algorithm, Algorithm::EdDSA),
        }
    }
}

impl SigningKey {
    /// Reads a PEM text: PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE KEY`) or SEC 1 (`BEGIN EC PRIVATE KEY`).
    ///
    /// Line breaks may have become blanks or the two characters `\n`, as in environment variables. What is around the key,
    /// a certificate for example, is skipped.
    ///
    /// # Errors
    ///
    /// The text is no such PEM, or the key is encrypted, damaged, weak or of another type.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        match pem::read(pem.as_ref())? {
            PrivateKey::Pkcs8(der) => der::pkcs8(&der),
            PrivateKey::Pkcs1(der) => der::pkcs1(&der),
            PrivateKey::Sec1(der) => der::sec1(&der),
            PrivateKey::Encrypted(_) | PrivateKey::EncryptedByHeader => Err(SigningKeyError::Encrypted),
        }
    }

    /// Reads an encrypted PEM text, PKCS#8 with PBES2 (`BEGIN ENCRYPTED PRIVATE KEY`): PBKDF2 or scrypt, AES or Triple DES.
    ///
    /// Needs the feature `encrypted-keys`. The text may be written as for [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    ///
    /// The passphrase is wrong, the key is not encrypted or in another way, the feature is off, or as for
    /// [`from_pem`](Self::from_pem).
    pub fn from_encrypted_pem(pem: impl AsRef<[u8]>, passphrase: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        match pem::read(pem.as_ref())? {
            PrivateKey::Encrypted(der) => encrypted::open(&der, passphrase.as_ref()),
            PrivateKey::EncryptedByHeader => Err(SigningKeyError::UnsupportedEncryption),
            PrivateKey::Pkcs8(_) | PrivateKey::Pkcs1(_) | PrivateKey::Sec1(_) => Err(SigningKeyError::NotEncrypted),
        }
    }

    /// Reads a JWK (RFC 7517): a JSON object with `kty` `RSA`, `EC` or `OKP` and the private member `d`.
    ///
    /// Its `kid` becomes the key's [`id`](Self::id).
    ///
    /// # Errors
    ///
    /// The text is no such JWK, or the key is public, weak, of another type, or its parts do not belong together.
    pub fn from_jwk(jwk: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        jwk::read(jwk.as_ref())
    }

    fn new(kind: Kind, key: Pair) -> Self {
        Self { key: Arc::new(key), kind, id: None }
    }

    /// Names the key as the provider does: `kid` (RFC 7515 section 4.1.4).
    #[must_use]
    pub fn key_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The key's name at the provider.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The algorithm to sign with where nobody says which.
    pub(crate) const fn default_algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Rsa => "RS256",
            Kind::P256 => "ES256",
            Kind::P384 => "ES384",
            Kind::Ed25519 => "EdDSA",
        }
    }

    /// Whether the key signs with this algorithm.
    pub(crate) fn algorithm(&self, alg: &str) -> Result<Algorithm, SigningKeyError> {
        let mismatch = || SigningKeyError::Mismatch { algorithm: alg.to_owned(), key: self.kind.describe() };
        algorithm::named(alg).filter(|algorithm| self.kind.signs(*algorithm)).ok_or_else(mismatch)
    }

    /// Signs a JWT: `alg` is added to the header.
    pub(crate) fn sign(
        &self,
        alg: &str,
        mut header: Map<String, Value>,
        claims: Map<String, Value>,
    ) -> Result<String, SigningKeyError> {
        let algorithm = self.algorithm(alg)?;
        header.insert("alg".to_owned(), alg.into());
        let signed = unsigned(header, claims);
        let signature = self.key.sign(algorithm, signed.as_bytes()).map_err(|_| SigningKeyError::Unsupported)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kind", &self.kind.describe()).field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_is_signed_verifies_with_the_public_key() {
        let pair = samples::p256();
        let key = samples::load(&pair);
        let jwt = key.sign("ES256", Map::new(), Map::from_iter([("sub".to_owned(), "me".into())])).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        assert_eq!(
            signed,
            format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#), URL_SAFE_NO_PAD.encode(r#"{"sub":"me"}"#))
        );
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn a_key_signs_with_its_own_algorithms_only() {
        let key = samples::load(&samples::p256());
        for alg in ["RS256", "ES384", "HS256", "EdDSA", "none", ""] {
            let error = key.sign(alg, Map::new(), Map::new()).unwrap_err();
            assert_eq!(error, SigningKeyError::Mismatch { algorithm: alg.to_owned(), key: "an EC key on P-256" });
        }
        let ed = SigningKey::from_pem(samples::pem("PRIVATE KEY", &samples::ed25519())).unwrap();
        assert!(ed.sign("Ed25519", Map::new(), Map::new()).is_ok());
        assert!(ed.sign("ES256", Map::new(), Map::new()).is_err());
    }

    #[test]
    fn debug_shows_the_type_and_the_name() {
        let key = samples::load(&samples::p256()).key_id("k1");
        assert_eq!(format!("{key:?}"), "SigningKey { kind: \"an EC key on P-256\", id: Some(\"k1\"), .. }");
    }
}
