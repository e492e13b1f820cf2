//! Randomness: state, nonce, code verifier, `jti`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// Yields random bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the slice with unpredictable bytes, or says that it cannot.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(std::io::Error::other)
    }
}

/// 256 bits as 43 characters of base64url: a state, a nonce, a code verifier (RFC 7636 section 4.1).
pub(crate) fn token(entropy: &dyn Entropy) -> Result<String> {
    let mut bytes = [0_u8; 32];
    entropy.fill(&mut bytes).map_err(|error| Error::misuse(format!("the random number generator failed: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A number below `bound`, for spreading things in time; 0 where there is no randomness.
pub(crate) fn below(entropy: &dyn Entropy, bound: u64) -> u64 {
    let mut bytes = [0_u8; 8];
    match entropy.fill(&mut bytes) {
        Ok(()) => u64::from_be_bytes(bytes).checked_rem(bound).unwrap_or_default(),
        Err(_) => 0,
    }
}

/// A version 4 UUID (RFC 9562 section 5.4).
pub(crate) fn uuid(entropy: &dyn Entropy) -> Result<String> {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes).map_err(|error| Error::misuse(format!("the random number generator failed: {error}")))?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn tokens_are_long_enough_for_a_code_verifier() {
        let token = token(&SystemEntropy).unwrap();
        assert_eq!(token.len(), 43);
        assert_ne!(token, super::token(&SystemEntropy).unwrap());
    }

    #[test]
    fn uuids_have_version_and_variant() {
        assert_eq!(uuid(&Constant(0xff)).unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(&Constant(0)).unwrap(), "00000000-0000-4000-8000-000000000000");
    }
}
