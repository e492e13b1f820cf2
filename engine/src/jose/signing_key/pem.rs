//! PEM (RFC 7468) as it arrives: from files, and from environment variables, which keep no line breaks.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};
use zeroize::Zeroizing;

use super::SigningKeyError;

/// The tag of a sequence, with which the DER of every key begins.
const SEQUENCE: u8 = 0x30;

type Der = Zeroizing<Vec<u8>>;

/// A private key, by its label.
pub(super) enum PrivateKey {
    Pkcs8(Der),
    Pkcs1(Der),
    Sec1(Der),
    Encrypted(Der),
    /// OpenSSL's old way: the label of a plain key, and a header that says how it is encrypted (RFC 1421).
    EncryptedByHeader,
}

/// Finds the private key in a text.
pub(super) fn read(text: &[u8]) -> Result<PrivateKey, SigningKeyError> {
    let Ok(text) = str::from_utf8(text) else {
        let is_der = text.first() == Some(&SEQUENCE);
        return Err(if is_der { SigningKeyError::NoArmour } else { SigningKeyError::Malformed });
    };
    let text = line_breaks(text);
    let mut rest = text.as_str();
    let mut other = None;
    while let Some(block) = Block::next(rest)? {
        if let Some(key) = block.private_key() {
            return key;
        }
        other.get_or_insert(block.label);
        rest = block.rest;
    }
    Err(other.map_or_else(|| without_blocks(&text), of_label))
}

/// The text with its line breaks, where they arrived as `\n` or `\r\n` in letters.
fn line_breaks(text: &str) -> Zeroizing<String> {
    // As large as it can become: growing would leave copies of the key behind.
    let mut lines = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
    for line in text.split("\\n") {
        lines.push_str(line.trim_end_matches("\\r"));
        lines.push('\n');
    }
    lines
}

/// What is between a BEGIN and its END line.
struct Block<'a> {
    label: &'a str,
    body: &'a str,
    /// What follows the block.
    rest: &'a str,
}

impl<'a> Block<'a> {
    fn next(text: &'a str) -> Result<Option<Self>, SigningKeyError> {
        let Some((_, text)) = text.split_once("-----BEGIN ") else { return Ok(None) };
        let (label, text) = text.split_once("-----").ok_or(SigningKeyError::Truncated)?;
        let end = format!("-----END {label}-----");
        let (body, rest) = text.split_once(&end).ok_or(SigningKeyError::Truncated)?;
        Ok(Some(Self { label, body, rest }))
    }

    fn private_key(&self) -> Option<Result<PrivateKey, SigningKeyError>> {
        let of = match self.label {
            "PRIVATE KEY" => PrivateKey::Pkcs8,
            "RSA PRIVATE KEY" => PrivateKey::Pkcs1,
            "EC PRIVATE KEY" => PrivateKey::Sec1,
            "ENCRYPTED PRIVATE KEY" => PrivateKey::Encrypted,
            _ => return None,
        };
        if self.body.trim_start().starts_with("Proc-Type:") {
            return Some(Ok(PrivateKey::EncryptedByHeader));
        }
        Some(decode(self.body).map(of))
    }
}

fn decode(body: &str) -> Result<Der, SigningKeyError> {
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    text.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    STANDARD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|error| match error {
        DecodeError::InvalidByte(..) => SigningKeyError::Damaged,
        _ => SigningKeyError::Truncated,
    })
}

/// What is wrong with a text of blocks none of which is a private key that signs.
fn of_label(label: &str) -> SigningKeyError {
    match label {
        "OPENSSH PRIVATE KEY" => SigningKeyError::OpenSsh,
        _ if label.ends_with("PRIVATE KEY") => SigningKeyError::Unsupported,
        _ if label.ends_with("PUBLIC KEY") => SigningKeyError::PublicKey,
        _ if label.contains("CERTIFICATE") => SigningKeyError::Certificate,
        _ => SigningKeyError::Malformed,
    }
}

/// What is wrong with a text that has no block.
fn without_blocks(text: &str) -> SigningKeyError {
    let text = text.trim();
    if text.is_empty() {
        SigningKeyError::Empty
    } else if text.contains("-----END ") {
        SigningKeyError::Truncated
    } else if text.starts_with('{') {
        SigningKeyError::Json
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        SigningKeyError::PublicKey
    } else if decode(text).is_ok_and(|der| der.first() == Some(&SEQUENCE)) {
        SigningKeyError::NoArmour
    } else {
        SigningKeyError::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SigningKey, samples};
    use super::*;

    fn refusal(text: impl AsRef<[u8]>) -> SigningKeyError {
        SigningKey::from_pem(text).unwrap_err()
    }

    fn p256() -> String {
        samples::pem("PRIVATE KEY", &samples::ec_pkcs8(&samples::p256()))
    }

    #[test]
    fn every_label_is_read() {
        let pair = samples::p256();
        assert!(SigningKey::from_pem(samples::pem("PRIVATE KEY", samples::rsa())).is_ok());
        assert!(SigningKey::from_pem(samples::pem("RSA PRIVATE KEY", &samples::rsa_pkcs1())).is_ok());
        assert!(SigningKey::from_pem(samples::pem("EC PRIVATE KEY", &samples::ec_sec1(&pair))).is_ok());
    }

    #[test]
    fn line_breaks_may_be_lost_on_the_way() {
        let key = p256();
        for text in [
            key.replace('\n', "\\n"),
            key.replace('\n', "\\r\\n"),
            key.replace('\n', "\r\n"),
            key.replace('\n', " "),
            key.replace('\n', ""),
            key.replace('\n', "\n    "),
            format!("\u{feff}\t \n{key}\n \n"),
            format!("\"{}\"", key.replace('\n', "\\n")),
        ] {
            assert!(SigningKey::from_pem(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_around_the_key_is_skipped() {
        let key = samples::pem("EC PRIVATE KEY", &samples::ec_sec1(&samples::p256()));
        let parameters = samples::pem("EC PARAMETERS", &[6, 0]);
        let certificate = samples::pem("CERTIFICATE", &[48, 0]);
        let text = format!("Bag Attributes\n    friendlyName: me\n{certificate}{parameters}{key}{certificate}");
        assert!(SigningKey::from_pem(text).is_ok());
    }

    #[test]
    fn a_key_without_armour_is_named() {
        let der = samples::ec_pkcs8(&samples::p256());
        let bare = STANDARD.encode(&der);
        for text in [bare.clone(), format!("{}\n{}\n", &bare[..64], &bare[64..]), format!("{bare}\\n")] {
            assert_eq!(refusal(text), SigningKeyError::NoArmour);
        }
        assert_eq!(refusal(samples::rsa()), SigningKeyError::NoArmour);
    }

    #[test]
    fn a_key_that_is_cut_off_is_named() {
        let key = p256();
        let lines: Vec<&str> = key.lines().collect();
        for text in [
            lines[..3].join("\n"),
            lines[1..].join("\n"),
            key[..key.len() - 6].to_owned(),
            key[..12].to_owned(),
            [&lines[..2], &lines[3..]].concat().join("\n"),
            key.replace(&lines[3][3..], ""),
            samples::pem("PRIVATE KEY", &[]),
        ] {
            assert_eq!(refusal(&text), SigningKeyError::Truncated, "{text}");
        }
    }

    #[test]
    fn a_damaged_key_is_named() {
        let key = p256();
        for text in [key.replace("MI", "*I"), samples::pem("PRIVATE KEY", &[0, 0, 0])] {
            assert_eq!(refusal(&text), SigningKeyError::Damaged, "{text}");
        }
    }

    #[test]
    fn an_encrypted_key_is_named() {
        assert_eq!(refusal(include_str!("testdata/pbkdf2-aes-256-cbc.pem")), SigningKeyError::Encrypted);
        assert_eq!(refusal(include_str!("testdata/legacy-aes-128-cbc.pem")), SigningKeyError::Encrypted);
    }

    #[test]
    fn other_things_are_named() {
        let block = |label| samples::pem(label, &[48, 0]);
        for (text, error) in [
            (String::new(), SigningKeyError::Empty),
            (" \\n\n".to_owned(), SigningKeyError::Empty),
            ("hunter2".to_owned(), SigningKeyError::Malformed),
            ("c2VjcmV0c2VjcmV0".to_owned(), SigningKeyError::Malformed),
            ("/etc/keys/signing.pem".to_owned(), SigningKeyError::Malformed),
            (block("PGP MESSAGE"), SigningKeyError::Malformed),
            (block("PUBLIC KEY"), SigningKeyError::PublicKey),
            (block("RSA PUBLIC KEY"), SigningKeyError::PublicKey),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me".to_owned(), SigningKeyError::PublicKey),
            (block("CERTIFICATE"), SigningKeyError::Certificate),
            (block("CERTIFICATE REQUEST"), SigningKeyError::Certificate),
            (block("OPENSSH PRIVATE KEY"), SigningKeyError::OpenSsh),
            (block("DSA PRIVATE KEY"), SigningKeyError::Unsupported),
            (r#" {"kty":"RSA"}"#.to_owned(), SigningKeyError::Json),
        ] {
            assert_eq!(refusal(&text), error, "{text}");
        }
        assert_eq!(refusal([0xff, 0xfe, 0x2d]), SigningKeyError::Malformed);
    }

    #[test]
    fn no_error_shows_a_part_of_the_key() {
        let key = p256();
        let lines: Vec<&str> = key.lines().collect();
        let bare = lines[1..lines.len() - 1].concat();
        let encrypted = samples::pem("ENCRYPTED PRIVATE KEY", &STANDARD.decode(&bare).unwrap());
        let texts = [
            bare.clone(),
            lines[..3].join("\n"),
            key.replace("MI", "*I"),
            key.replace("PRIVATE", "PUBLIC"),
            key.replace("PRIVATE KEY", &bare),
            format!("{{\"kty\":\"{bare}\",\"d\":\"{bare}\"}}"),
            encrypted,
        ];
        let windows: Vec<&str> = (0..bare.len() - 8).map(|at| &bare[at..at + 8]).collect();
        for text in &texts {
            let errors = [SigningKey::from_pem(text), SigningKey::from_jwk(text), SigningKey::from_encrypted_pem(text, &bare)];
            for error in errors.map(Result::unwrap_err) {
                let shown = format!("{error} {error:?} {:?}", crate::Error::from(error.clone()));
                assert!(!windows.iter().any(|window| shown.contains(window)), "{shown}");
            }
        }
        let shown = format!("{:?}", SigningKey::from_pem(&key).unwrap());
        assert!(!windows.iter().any(|window| shown.contains(window)), "{shown}");
    }
}
