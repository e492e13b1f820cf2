//! The elliptic curves.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
};
use pkcs8::ObjectIdentifier;

use super::pair::Pair;
use super::{Kind, SigningKey, SigningKeyError};

/// A curve that keys are on.
pub(super) struct Curve {
    pub(super) kind: Kind,
    /// Its name in a JWK (RFC 7518 section 6.2.1.1).
    name: &'static str,
    oid: ObjectIdentifier,
    /// Bytes of a coordinate, and of the private part.
    pub(super) length: usize,
    pub(super) signing: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 2] = [
    Curve {
        kind: Kind::P256,
        name: "P-256",
        oid: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        length: 32,
        signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
    },
    Curve {
        kind: Kind::P384,
        name: "P-384",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        length: 48,
        signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
    },
];

impl Curve {
    pub(super) fn named(name: &str) -> Result<&'static Self, SigningKeyError> {
        CURVES.iter().find(|curve| curve.name == name).ok_or(SigningKeyError::Unsupported)
    }

    pub(super) fn of(oid: Option<ObjectIdentifier>) -> Result<&'static Self, SigningKeyError> {
        CURVES.iter().find(|curve| Some(curve.oid) == oid).ok_or(SigningKeyError::Unsupported)
    }

    /// The key of a pair that is on this curve.
    pub(super) fn key(&self, pair: EcdsaKeyPair) -> SigningKey {
        SigningKey::new(self.kind, Pair::Elliptic(pair))
    }
}
