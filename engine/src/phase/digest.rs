//! The digests that descriptors name: lower-case hex.

use grantry_descriptor::model::DigestAlgorithm;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// The digest of a message, under a key where the algorithm takes one.
pub(crate) fn hex(algorithm: DigestAlgorithm, key: &str, message: &str) -> String {
    match algorithm {
        DigestAlgorithm::HmacSha256 => lower_hex(&hmac_sha256(key.as_bytes(), message.as_bytes())),
        DigestAlgorithm::Sha256 => lower_hex(&sha256(message.as_bytes())),
        DigestAlgorithm::Md5 => lower_hex(&Md5::digest(message.as_bytes())),
    }
}

/// SHA-256.
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    // A key of any length is a key of HMAC; the error cannot happen.
    Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()).unwrap_or_default()
}

fn lower_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let hmac = hex(DigestAlgorithm::HmacSha256, "Jefe", "what do ya want for nothing?");
        assert_eq!(hmac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(hex(DigestAlgorithm::Sha256, "", "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(DigestAlgorithm::Md5, "", "abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
