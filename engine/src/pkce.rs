//! Proof Key for Code Exchange (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantry_descriptor::model::CodeChallengeMethod;

use crate::phase::digest::sha256;

/// The challenge for a verifier and the name of its method (section 4.2). `None`: the provider breaks on a challenge.
pub(crate) fn challenge(method: CodeChallengeMethod, verifier: &str) -> Option<(String, &'static str)> {
    match method {
        CodeChallengeMethod::S256 => Some((URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())), "S256")),
        CodeChallengeMethod::Plain => Some((verifier.to_owned(), "plain")),
        CodeChallengeMethod::None => None,
    }
}

/// Whether a text can be a code verifier (section 4.1).
pub(crate) fn is_verifier(text: &str) -> bool {
    let is_unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    (43..=128).contains(&text.len()) && text.chars().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let (challenge, method) = challenge(CodeChallengeMethod::S256, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!((challenge.as_str(), method), ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "S256"));
    }
}
