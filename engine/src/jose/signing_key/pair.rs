//! Keys as the crypto backend has them, parsed once: parsing a key takes longer than signing with it.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding,
};
use jsonwebtoken::Algorithm;

/// A private key that signs.
pub(super) enum Pair {
    Rsa(RsaKeyPair),
    /// Signs with the hash of its curve, and both numbers at their whole length (RFC 7518 section 3.4).
    Elliptic(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

impl Pair {
    /// The signature of a message, with an algorithm of the key's.
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding(algorithm)?, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Self::Elliptic(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Self::Edwards(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }
}

fn encoding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, Unspecified> {
    Ok(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_SHA512,
        Algorithm::PS256 => &RSA_PSS_SHA256,
        Algorithm::PS384 => &RSA_PSS_SHA384,
        Algorithm::PS512 => &RSA_PSS_SHA512,
        _ => return Err(Unspecified),
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::super::samples;
    use super::*;

    #[test]
    fn each_algorithm_of_an_rsa_key_is_the_one_of_its_name() {
        let key = RsaKeyPair::from_pkcs8(samples::rsa()).unwrap();
        let public = key.public_key().as_ref().to_vec();
        let pair = Pair::Rsa(key);
        let algorithms: [(_, &'static dyn VerificationAlgorithm); 6] = [
            (Algorithm::RS256, &RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::RS384, &RSA_PKCS1_2048_8192_SHA384),
            (Algorithm::RS512, &RSA_PKCS1_2048_8192_SHA512),
            (Algorithm::PS256, &RSA_PSS_2048_8192_SHA256),
            (Algorithm::PS384, &RSA_PSS_2048_8192_SHA384),
            (Algorithm::PS512, &RSA_PSS_2048_8192_SHA512),
        ];
        for (algorithm, verification) in algorithms {
            let signature = pair.sign(algorithm, b"header.claims").unwrap();
            assert!(UnparsedPublicKey::new(verification, &public).verify(b"header.claims", &signature).is_ok(), "{algorithm:?}");
        }
        assert!(pair.sign(Algorithm::ES256, b"header.claims").is_err());
    }
}
