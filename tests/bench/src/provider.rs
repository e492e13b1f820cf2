//! The provider that is measured with, and clients of it.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use grantry::{Client, Credential, Descriptor, NoVariables, Session, SigningKey, Token, Transport};
use serde_json::{Value, json};

use crate::{Result, server};

pub const CLIENT_ID: &str = "s6BhdRkqt3";
pub const CLIENT_SECRET: &str = "gX1fBat3bV7Fjfp-7Fjfp";
pub const REDIRECT_URI: &str = "https://app.example/callback";
pub const KEY_ID: &str = "2026-01";

pub struct Provider {
    /// Where it is: a URL without a slash at its end.
    pub origin: String,
    /// The RSA key, of the provider and of the client alike.
    pub key: KeyPair,
    pub jwks: Value,
}

impl Provider {
    pub fn start() -> Result<Self> {
        let key = KeyPair::generate(KeySize::Rsa2048)?;
        let (modulus, exponent) = (key.public_key().modulus(), key.public_key().exponent());
        let jwk = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
            "n": URL_SAFE_NO_PAD.encode(modulus.big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(exponent.big_endian_without_leading_zero()),
        });
        let jwks = json!({ "keys": [jwk] });
        let address = server::start(jwks.to_string())?;
        Ok(Self { origin: format!("http://{address}"), key, jwks })
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.origin)
    }

    /// A client that authenticates with a secret in the body.
    pub fn client(&self) -> Result<Client> {
        self.client_with("client_secret_post", Credential::from(CLIENT_SECRET))
    }

    /// A client that signs assertions.
    pub fn signing_client(&self) -> Result<Client> {
        let der: Pkcs8V1Der<'_> = self.key.as_der()?;
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
        self.client_with("private_key_jwt", Credential::from(SigningKey::from_pem(pem)?.key_id(KEY_ID)))
    }

    fn client_with(&self, method: &str, credential: Credential) -> Result<Client> {
        let descriptor = Descriptor::builder("bench")
            .issuer(&self.origin)
            .authorization_endpoint(&self.url("authorize"))
            .token_endpoint(&self.url("token"))
            .jwks_uri(&self.url("jwks"))
            .client_authentication_method(method)
            .grant_types(["authorization_code", "client_credentials", "refresh_token"])
            .base_url(&self.url("api/"))
            .build()?;
        let client = Client::from_descriptor(descriptor, NoVariables, CLIENT_ID, credential)?;
        let transport = Transport::builder().danger_allow_loopback_http().build();
        Ok(client.transport(transport).redirect_uri(REDIRECT_URI)?)
    }

    /// A session with a token that is valid for hours.
    pub fn session(&self) -> Result<Session> {
        Ok(self.client()?.session(token()))
    }
}

/// A token as providers issue them, with a refresh token, for hours.
pub fn token() -> Token {
    let mut token = Token::new("mF_9.B5f-4.1JqMmF_9.B5f-4.1JqM");
    token.issued_at = Some(now());
    token.expires_at = Some(now() + 4 * 60 * 60);
    token.refresh_token = Some("tGzv3JOkF0XG5Qx2TlKWIA".into());
    token.scopes = vec!["read".to_owned(), "write".to_owned()];
    token
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}
