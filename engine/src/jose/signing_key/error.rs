//! Why a private key cannot be used.

use std::fmt;

use crate::error::Error;

/// Why a private key cannot be used. Holds nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The text is empty.
    Empty,
    /// The text is no PEM, or one of something that is no key.
    Malformed,
    /// The text is DER, in base64 or as it is, without the lines BEGIN and END of PEM.
    NoArmour,
    /// The end, or the beginning, of the key is missing.
    Truncated,
    /// The text is a private key in PEM whose content cannot be read.
    Damaged,
    /// The parts of the key do not belong together: its public part is another key's, or a number in it is wrong.
    Inconsistent,
    /// The key is encrypted, and no passphrase was given.
    Encrypted,
    /// A passphrase was given, and the key is not encrypted.
    NotEncrypted,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// The key is encrypted in another way than PBES2 with PBKDF2 or scrypt, and AES or Triple DES.
    UnsupportedEncryption,
    /// The key is encrypted, and the feature `encrypted-keys` is off.
    FeatureOff,
    /// The key is a public one.
    PublicKey,
    /// The text is a certificate, or a request for one.
    Certificate,
    /// The key is in OpenSSH's own format.
    OpenSsh,
    /// The text is JSON where a PEM is expected.
    Json,
    /// The text is no JWK (RFC 7517).
    NotJwk,
    /// A member of the JWK is missing, is not in base64url or has not the right length.
    Member(&'static str),
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
        f.write_str(match self {
            Self::Empty => "the text is empty; check that the variable or file that should hold the private key is set",
            Self::Malformed => {
                "the text is no private key in PEM; pass what is in the file, from `-----BEGIN PRIVATE KEY-----` to its END line"
            }
            Self::NoArmour => {
                "the key has no BEGIN and END lines; put `-----BEGIN PRIVATE KEY-----` before its base64 and \
                 `-----END PRIVATE KEY-----` after it (`openssl pkey -inform DER` converts a binary file)"
            }
            Self::Truncated => "the private key is cut off; copy all of it, from its BEGIN line to its END line",
            Self::Damaged => "the private key cannot be read between its BEGIN and END lines; copy it again, or export it again",
            Self::Inconsistent => {
                "the parts of the private key do not belong together (a wrong public part, or a damaged number); export it again"
            }
            Self::Encrypted => {
                "the private key is encrypted; pass its passphrase to `SigningKey::from_encrypted_pem` \
                 (feature `encrypted-keys`), or decrypt it with `openssl pkey`"
            }
            Self::NotEncrypted => "the private key is not encrypted; read it with `SigningKey::from_pem`",
            Self::WrongPassphrase => "the passphrase does not open the private key; check it, and any line break at its end",
            Self::UnsupportedEncryption => {
                "the private key is encrypted in an old or rare way; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`"
            }
            Self::FeatureOff => {
                "the private key is encrypted, and this build reads no such keys; turn on the feature `encrypted-keys` of `grantry`"
            }
            Self::PublicKey => "the key is public; pass the private key of the pair (in a JWK, the one with `d`)",
            Self::Certificate => "the text is a certificate; pass the private key that belongs to it",
            Self::OpenSsh => "the key is in OpenSSH's format; convert a copy of it with `ssh-keygen -p -m PKCS8 -f <file>`",
            Self::Json => {
                "the text is JSON; pass a JWK to `SigningKey::from_jwk`, and of any other JSON the PEM text that is in it"
            }
            Self::NotJwk => {
                "the text is no JWK; pass one JSON object with `kty` (of a key set one of its `keys`), and a PEM to \
                 `SigningKey::from_pem`"
            }
            Self::Weak => {
                "the RSA key has fewer than 2048 bits; make a new one \
                 (`openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`)"
            }
            Self::Unsupported => {
                "the key is neither RSA of 2048 to 8192 bits, nor EC on P-256 or P-384, nor Ed25519; make one that is"
            }
            Self::Member(name) => {
                return write!(
                    f,
                    "the JWK's member `{name}` is missing, or is not in base64url, or is not as long as the key's type wants; \
                     export the key again, with all members"
                );
            }
            Self::Mismatch { algorithm, key } => {
                return write!(f, "the provider wants `{algorithm}`, and {key} cannot sign with it");
            }
        })
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
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_message_says_what_it_is_and_what_to_do() {
        let error = Error::from(SigningKeyError::Encrypted);
        assert_eq!(error.kind(), ErrorKind::Misuse);
        let text = error.to_string();
        assert!(text.contains("is encrypted") && text.contains("`SigningKey::from_encrypted_pem`"), "{text}");
        let text = SigningKeyError::FeatureOff.to_string();
        assert!(text.contains("the feature `encrypted-keys` of `grantry`"), "{text}");
        let text = SigningKeyError::Member("qi").to_string();
        assert!(text.contains("`qi` is missing"), "{text}");
        let mismatch = SigningKeyError::Mismatch { algorithm: "ES256".to_owned(), key: "an RSA key" };
        assert_eq!(mismatch.to_string(), "the provider wants `ES256`, and an RSA key cannot sign with it");
    }
}
