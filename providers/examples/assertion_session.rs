//! A service account of Google's: the session signs an assertion and gets a token by itself, on first use and after expiry.

use std::error::Error;
use std::fs;

use grantry::{AssertionSession, AssertionSessionBuilder, Result, SigningKey};
use serde_json::Value;

/// The session in the making, from the key file that Google hands out.
pub fn service_account(conf: &Value) -> Result<AssertionSessionBuilder> {
    let text = |name: &str| conf[name].as_str().unwrap_or_default();
    AssertionSession::builder()
        .token_endpoint(text("token_uri"))
        .issuer(text("client_email"))
        .key(SigningKey::from_pem(text("private_key"))?.key_id(text("private_key_id")))
        .base_url("https://www.googleapis.com/")
        // Google wants the scope inside the assertion.
        .claim("scope", "https://www.googleapis.com/auth/analytics.readonly")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let conf = serde_json::from_str(&fs::read_to_string("MyProject-1234.json")?)?;
    let session = service_account(&conf)?.build()?;
    println!("{}", session.get("analytics/v3/management/accounts").await?.text().await?);
    Ok(())
}
