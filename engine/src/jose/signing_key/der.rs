//! Private keys in DER: what they are, and whether they are whole and strong.

use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::der::{Decode as _, Error, ErrorKind};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};

use super::curve::Curve;
use super::pair::Pair;
use super::{Kind, SigningKey, SigningKeyError};

/// Shortest RSA modulus, in bytes (RFC 7518 section 3.3).
const MIN_RSA_MODULUS: usize = 256;

/// Longest RSA modulus, in bytes, that the crypto backend takes.
const MAX_RSA_MODULUS: usize = 1024;

/// RFC 5480 section 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Reads PKCS#8 (RFC 5208, RFC 5958).
pub(super) fn pkcs8(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(unreadable)?;
    match info.algorithm.oid {
        pkcs1::ALGORITHM_OID => pkcs1(info.private_key.as_bytes()),
        EC => elliptic(Curve::of(info.algorithm.parameters_oid().ok())?, der),
        ED25519 => edwards(der),
        _ => Err(SigningKeyError::Unsupported),
    }
}

/// Reads PKCS#1 (RFC 8017 appendix A.1.2).
pub(super) fn pkcs1(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let key = RsaPrivateKeyRef::from_der(der).map_err(unreadable)?;
    strength(key.modulus.as_bytes())?;
    let pair = RsaKeyPair::from_der(der).map_err(|_| SigningKeyError::Inconsistent)?;
    Ok(SigningKey::new(Kind::Rsa, Pair::Rsa(pair)))
}

/// Reads SEC 1 (RFC 5915).
pub(super) fn sec1(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let key = EcPrivateKey::from_der(der).map_err(unreadable)?;
    let curve = Curve::of(key.parameters.and_then(EcParameters::named_curve))?;
    let pair = EcdsaKeyPair::from_private_key_der(curve.signing, der).map_err(|_| SigningKeyError::Inconsistent)?;
    Ok(curve.key(pair))
}

/// Whether an RSA modulus, without leading zeros, is long enough, and not too long.
pub(super) fn strength(modulus: &[u8]) -> Result<(), SigningKeyError> {
    let is_short = modulus.len() == MIN_RSA_MODULUS && modulus.first() < Some(&0x80);
    if modulus.len() < MIN_RSA_MODULUS || is_short {
        return Err(SigningKeyError::Weak);
    }
    if modulus.len() > MAX_RSA_MODULUS { Err(SigningKeyError::Unsupported) } else { Ok(()) }
}

fn elliptic(curve: &Curve, der: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let pair = EcdsaKeyPair::from_pkcs8(curve.signing, der).map_err(|_| SigningKeyError::Inconsistent)?;
    Ok(curve.key(pair))
}

fn edwards(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| SigningKeyError::Inconsistent)?;
    Ok(SigningKey::new(Kind::Ed25519, Pair::Edwards(pair)))
}

/// Why DER cannot be read: its end is missing, or its middle is wrong.
pub(super) fn unreadable(error: Error) -> SigningKeyError {
    match error.kind() {
        ErrorKind::Incomplete { .. } => SigningKeyError::Truncated,
        _ => SigningKeyError::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, KeyPair as _,
    };
    use serde_json::Map;

    use super::super::samples;
    use super::*;

    /// Signs with the default algorithm, which it returns.
    fn signs(key: &SigningKey) -> &'static str {
        let algorithm = key.default_algorithm();
        key.sign(algorithm, Map::new(), Map::new()).unwrap();
        algorithm
    }

    fn refusal(result: Result<SigningKey, SigningKeyError>) -> SigningKeyError {
        result.unwrap_err()
    }

    #[test]
    fn every_type_is_read_from_pkcs8_and_signs() {
        assert_eq!(signs(&pkcs8(samples::rsa()).unwrap()), "RS256");
        assert_eq!(signs(&pkcs8(&samples::ed25519()).unwrap()), "EdDSA");
        for (curve, algorithm) in [(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256"), (&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384")] {
            assert_eq!(signs(&pkcs8(&samples::ec_pkcs8(&samples::ec(curve))).unwrap()), algorithm);
        }
    }

    #[test]
    fn an_ed25519_key_may_carry_its_public_part() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8().unwrap().as_ref().to_vec();
        assert_eq!(signs(&pkcs8(&der).unwrap()), "EdDSA");
        let mut of_another = der;
        *of_another.last_mut().unwrap() ^= 1;
        assert_eq!(refusal(pkcs8(&of_another)), SigningKeyError::Inconsistent);
    }

    #[test]
    fn rsa_is_read_from_pkcs1_and_signs() {
        let key = pkcs1(&samples::rsa_pkcs1()).unwrap();
        assert_eq!(signs(&key), "RS256");
        assert!(key.sign("PS256", Map::new(), Map::new()).is_ok());
    }

    #[test]
    fn ec_is_read_from_sec1_and_signs() {
        for (curve, algorithm) in [(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256"), (&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384")] {
            assert_eq!(signs(&sec1(&samples::ec_sec1(&samples::ec(curve))).unwrap()), algorithm);
        }
    }

    #[test]
    fn rsa_under_2048_bits_is_weak() {
        let pem = include_str!("testdata/rsa-1024.pem");
        assert_eq!(refusal(SigningKey::from_pem(pem)), SigningKeyError::Weak);
        let weak_by_a_bit = [&[0x7f], &[0xff; 255][..]].concat();
        assert_eq!(strength(&weak_by_a_bit), Err(SigningKeyError::Weak));
        assert_eq!(strength(&[0xff; 256]), Ok(()));
        assert_eq!(strength(&[0xff; 1025]), Err(SigningKeyError::Unsupported));
    }

    #[test]
    fn other_types_and_curves_are_unsupported() {
        let pair = samples::ec(&ECDSA_P521_SHA512_FIXED_SIGNING);
        assert_eq!(refusal(pkcs8(&samples::ec_pkcs8(&pair))), SigningKeyError::Unsupported);
        assert_eq!(refusal(sec1(&samples::ec_sec1(&pair))), SigningKeyError::Unsupported);
        // X25519 has the layout of Ed25519 and an OID of its own.
        let mut x25519 = samples::ed25519();
        let at = x25519.windows(3).position(|bytes| bytes == [0x2b, 0x65, 0x70]).unwrap();
        x25519[at + 2] = 0x6e;
        assert_eq!(refusal(pkcs8(&x25519)), SigningKeyError::Unsupported);
    }

    #[test]
    fn a_public_part_of_another_key_is_refused() {
        let (own, other) = (samples::p256(), samples::p256());
        let (own_public, other_public) = (own.public_key().as_ref(), other.public_key().as_ref());
        type Read = fn(&[u8]) -> Result<SigningKey, SigningKeyError>;
        for (mut der, read) in [(samples::ec_pkcs8(&own), pkcs8 as Read), (samples::ec_sec1(&own), sec1)] {
            let at = der.windows(own_public.len()).position(|bytes| bytes == own_public).unwrap();
            der[at..at + other_public.len()].copy_from_slice(other_public);
            assert_eq!(refusal(read(&der)), SigningKeyError::Inconsistent);
        }
        let mut rsa = samples::rsa_pkcs1();
        rsa[20] ^= 1;
        assert_eq!(refusal(pkcs1(&rsa)), SigningKeyError::Inconsistent);
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_told_apart() {
        for der in [samples::rsa(), &samples::ec_pkcs8(&samples::p256()), &samples::ed25519()] {
            for length in [0, 1, 3, 10, der.len() / 2, der.len() - 1] {
                assert_eq!(refusal(pkcs8(&der[..length])), SigningKeyError::Truncated, "{length} bytes");
            }
        }
        assert_eq!(refusal(pkcs1(&samples::rsa_pkcs1()[..100])), SigningKeyError::Truncated);
        assert_eq!(refusal(sec1(&samples::ec_sec1(&samples::p256())[..100])), SigningKeyError::Truncated);
        for der in [&[0, 0, 0][..], b"0\x03abc", &samples::rsa_pkcs1()] {
            assert_eq!(refusal(pkcs8(der)), SigningKeyError::Damaged);
        }
    }
}
