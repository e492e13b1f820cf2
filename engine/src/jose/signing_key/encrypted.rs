//! Private keys that a passphrase protects: PKCS#8 with PBES2 (RFC 8018 section 6.2).

#[cfg(feature = "encrypted-keys")]
use pkcs8::der::{Decode as _, ErrorKind};
#[cfg(feature = "encrypted-keys")]
use pkcs8::{EncryptedPrivateKeyInfoRef, pkcs5};

use super::{SigningKey, SigningKeyError};

/// Decrypts a key and reads it.
#[cfg(feature = "encrypted-keys")]
pub(super) fn open(der: &[u8], passphrase: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(unreadable)?;
    let plain = info.decrypt(passphrase).map_err(refused)?;
    super::der::pkcs8(plain.as_bytes())
}

/// Needs the feature.
#[cfg(not(feature = "encrypted-keys"))]
pub(super) const fn open(_der: &[u8], _passphrase: &[u8]) -> Result<SigningKey, SigningKeyError> {
    Err(SigningKeyError::FeatureOff)
}

#[cfg(feature = "encrypted-keys")]
fn unreadable(error: pkcs8::der::Error) -> SigningKeyError {
    match error.kind() {
        ErrorKind::OidUnknown { .. } | ErrorKind::Value { .. } => SigningKeyError::UnsupportedEncryption,
        _ => super::der::unreadable(error),
    }
}

#[cfg(feature = "encrypted-keys")]
fn refused(error: pkcs8::Error) -> SigningKeyError {
    match error {
        // One wrong passphrase of some two hundred and fifty gives bytes that look padded, and are no DER.
        pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed) | pkcs8::Error::Asn1(_) => {
            SigningKeyError::WrongPassphrase
        }
        _ => SigningKeyError::UnsupportedEncryption,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    const AES_256: &str = include_str!("testdata/pbkdf2-aes-256-cbc.pem");

    fn refusal(text: &str, passphrase: &str) -> SigningKeyError {
        SigningKey::from_encrypted_pem(text, passphrase).unwrap_err()
    }

    #[test]
    fn a_key_that_is_not_encrypted_is_named() {
        let key = samples::pem("PRIVATE KEY", &samples::ed25519());
        assert_eq!(refusal(&key, "correct horse"), SigningKeyError::NotEncrypted);
    }

    #[test]
    fn openssls_old_way_is_named() {
        assert_eq!(
            refusal(include_str!("testdata/legacy-aes-128-cbc.pem"), "correct horse"),
            SigningKeyError::UnsupportedEncryption
        );
    }

    #[cfg(not(feature = "encrypted-keys"))]
    #[test]
    fn without_the_feature_it_is_named() {
        assert_eq!(refusal(AES_256, "correct horse"), SigningKeyError::FeatureOff);
    }

    #[cfg(feature = "encrypted-keys")]
    mod with_the_feature {
        use serde_json::Map;

        use super::*;

        #[test]
        fn what_openssl_writes_is_read_and_signs() {
            for text in [
                AES_256,
                include_str!("testdata/pbkdf2-aes-128-cbc.pem"),
                include_str!("testdata/pbkdf2-sha1-3des.pem"),
                include_str!("testdata/pbkdf2-sha256-3des.pem"),
                include_str!("testdata/scrypt-aes-256-cbc.pem"),
                &AES_256.replace('\n', "\\n"),
            ] {
                let key = SigningKey::from_encrypted_pem(text, "correct horse").unwrap();
                assert!(key.sign("ES256", Map::new(), Map::new()).is_ok());
            }
        }

        #[test]
        fn a_wrong_passphrase_is_named() {
            for passphrase in ["", "correct horse\n", "Correct horse"] {
                assert_eq!(refusal(AES_256, passphrase), SigningKeyError::WrongPassphrase);
            }
            // These give bytes that look padded.
            for passphrase in ["0", "497", "876"] {
                assert_eq!(refusal(include_str!("testdata/pbkdf2-sha1-3des.pem"), passphrase), SigningKeyError::WrongPassphrase);
            }
        }

        #[test]
        fn other_ways_are_named() {
            assert_eq!(
                refusal(include_str!("testdata/pbes1-sha1-3des.pem"), "correct horse"),
                SigningKeyError::UnsupportedEncryption
            );
            // PBES2 with a cipher that nobody knows.
            let unknown = AES_256.replace("hkgBZQMEASo", "hkgBZQMEAX4");
            assert_ne!(unknown, AES_256);
            assert_eq!(refusal(&unknown, "correct horse"), SigningKeyError::UnsupportedEncryption);
        }

        #[test]
        fn a_key_that_is_cut_off_or_damaged_is_named() {
            let lines: Vec<&str> = AES_256.lines().collect();
            let cut = [&lines[..3], &lines[5..]].concat().join("\n");
            assert_eq!(refusal(&cut, "correct horse"), SigningKeyError::Truncated);
            let damaged = samples::pem("ENCRYPTED PRIVATE KEY", &samples::ed25519());
            assert_eq!(refusal(&damaged, "correct horse"), SigningKeyError::Damaged);
        }
    }
}
