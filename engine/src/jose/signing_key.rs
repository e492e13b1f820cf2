//! Private keys of clients.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value};

use super::algorithm;
use super::symmetric::unsigned;
use crate::error::Error;

/// Shortest RSA modulus, in bytes (RFC 7518 section 3.3).
const MIN_RSA_MODULUS: usize = 256;

/// A private key: it signs client assertions and generated client secrets, and is never sent.
///
/// Cheap to clone. RSA keys of 2048 bits and more, EC keys on P-256 and P-384, and Ed25519.
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<EncodingKey>,
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
    /// Reads a PEM text: PKCS#8 (`BEGIN PRIVATE KEY`), or PKCS#1 for RSA (`BEGIN RSA PRIVATE KEY`).
    ///
    /// # Errors
    ///
    /// The text is no such PEM, or the key is weak or of another type.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        let pem = pem.as_ref();
        let (key, kind) = if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
            let pair = RsaKeyPair::from_pkcs8(key.as_bytes()).or_else(|_| RsaKeyPair::from_der(key.as_bytes()));
            let pair = pair.map_err(|_| SigningKeyError::Malformed)?;
            if pair.public_modulus_len() < MIN_RSA_MODULUS {
                return Err(SigningKeyError::Weak);
            }
            (key, Kind::Rsa)
        } else if let Ok(key) = EncodingKey::from_ec_pem(pem) {
            let kind = curve(key.as_bytes()).ok_or(SigningKeyError::Unsupported)?;
            (key, kind)
        } else {
            let key = EncodingKey::from_ed_pem(pem).map_err(|_| SigningKeyError::Malformed)?;
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes()).map_err(|_| SigningKeyError::Unsupported)?.public_key();
            (key, Kind::Ed25519)
        };
        Ok(Self { key: Arc::new(key), kind, id: None })
    }

    /// Reads an encrypted PEM text.
    ///
    /// # Errors
    /// Not there yet.
    pub fn from_encrypted_pem(_pem: impl AsRef<[u8]>, _passphrase: &str) -> Result<Self, SigningKeyError> {
        Err(SigningKeyError::Unsupported)
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

    /// The algorithm that a key of this kind usually signs with.
    pub(crate) const fn default_algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Rsa => "RS256",
            Kind::P256 => "ES256",
            Kind::P384 => "ES384",
            Kind::Ed25519 => "EdDSA",
        }
    }

    /// Whether the key signs with this algorithm.
    pub(crate) fn check_algorithm(&self, alg: &str) -> Result<(), SigningKeyError> {
        match algorithm::named(alg).filter(|algorithm| self.kind.signs(*algorithm)) {
            Some(_) => Ok(()),
            None => Err(SigningKeyError::Mismatch { algorithm: alg.to_owned(), key: self.kind.describe() }),
        }
    }

    /// Signs a JWT: `alg` is added to the header.
    pub(crate) fn sign(
        &self,
        alg: &str,
        mut header: Map<String, Value>,
        claims: Map<String, Value>,
    ) -> Result<String, SigningKeyError> {
        let mismatch = || SigningKeyError::Mismatch { algorithm: alg.to_owned(), key: self.kind.describe() };
        let algorithm = algorithm::named(alg).filter(|algorithm| self.kind.signs(*algorithm)).ok_or_else(mismatch)?;
        header.insert("alg".to_owned(), alg.into());
        let signed = unsigned(header, claims);
        let signature = crypto::sign(signed.as_bytes(), &self.key, algorithm).map_err(|_| SigningKeyError::Unsupported)?;
        Ok(format!("{signed}.{signature}"))
    }
}

fn curve(der: &[u8]) -> Option<Kind> {
    let is_on = |curve| EcdsaKeyPair::from_pkcs8(curve, der).is_ok();
    if is_on(&ECDSA_P256_SHA256_FIXED_SIGNING) {
        Some(Kind::P256)
    } else {
        is_on(&ECDSA_P384_SHA384_FIXED_SIGNING).then_some(Kind::P384)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kind", &self.kind.describe()).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a private key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The text is no private key in PEM.
    Malformed,
    /// An RSA key of fewer than 2048 bits.
    Weak,
    /// The key is of a type or on a curve that no algorithm here uses.
    Unsupported,
    /// The key cannot sign with the algorithm that the provider wants.
    Mismatch {
        /// The algorithm's name (RFC 7518 section 3.1).
        algorithm: String,
        /// What the key is.
        key: &'static str,
    },
}

impl fmt::Display for SigningKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("the text is no private key in PEM; expected `-----BEGIN PRIVATE KEY-----` (`openssl pkcs8 -topk8 -nocrypt` converts)")
            }
            Self::Weak => f.write_str("the RSA key has fewer than 2048 bits"),
            Self::Unsupported => f.write_str("the key is neither RSA, nor EC on P-256 or P-384, nor Ed25519"),
            Self::Mismatch { algorithm, key } => write!(f, "the provider wants `{algorithm}`, and {key} cannot sign with it"),
        }
    }
}

impl std::error::Error for SigningKeyError {}

impl From<SigningKeyError> for Error {
    fn from(error: SigningKeyError) -> Self {
        Self::misuse(error.to_string()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }

    fn p256() -> (EcdsaKeyPair, SigningKey) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = SigningKey::from_pem(pem(pair.to_pkcs8v1().unwrap().as_ref())).unwrap();
        (pair, key)
    }

    #[test]
    fn what_is_signed_verifies_with_the_public_key() {
        let (pair, key) = p256();
        let jwt = key.sign("ES256", Map::new(), Map::from_iter([("sub".to_owned(), "me".into())])).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        assert_eq!(
            signed,
            format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#), URL_SAFE_NO_PAD.encode(r#"{"sub":"me"}"#))
        );
        let public = aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED,
            pair.public_key().as_ref(),
        );
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn a_key_signs_with_its_own_algorithms_only() {
        let (_, key) = p256();
        for alg in ["RS256", "ES384", "HS256", "EdDSA", "none", ""] {
            let error = key.sign(alg, Map::new(), Map::new()).unwrap_err();
            assert_eq!(error, SigningKeyError::Mismatch { algorithm: alg.to_owned(), key: "an EC key on P-256" });
        }
        let ed = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let ed = SigningKey::from_pem(pem(ed.to_pkcs8v1().unwrap().as_ref())).unwrap();
        assert!(ed.sign("EdDSA", Map::new(), Map::new()).is_ok());
        assert!(ed.sign("ES256", Map::new(), Map::new()).is_err());
    }

    #[test]
    fn rsa_keys_have_2048_bits_at_least() {
        let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let key = SigningKey::from_pem(pem(der.as_ref())).unwrap();
        assert!(key.sign("PS256", Map::new(), Map::new()).is_ok());
    }

    #[test]
    fn other_texts_are_no_keys_and_nothing_is_shown() {
        for text in [
            "",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        ] {
            assert_eq!(SigningKey::from_pem(text).unwrap_err(), SigningKeyError::Malformed, "{text}");
        }
        let (_, key) = p256();
        assert_eq!(format!("{:?}", key.key_id("k1")), "SigningKey { kind: \"an EC key on P-256\", id: Some(\"k1\"), .. }");
    }
}
