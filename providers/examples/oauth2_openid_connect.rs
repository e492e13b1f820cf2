//! Signs a user in with Google: OpenID Connect. The nonce is made and the id token verified by the library.

use std::error::Error;
use std::io;

use grantry::google::Scope;
use grantry::{Pending, Result, Url, google};

/// The client; made once, cheap to clone.
pub fn client() -> Result<google::Client> {
    google::Client::new("Your Google client ID", "Your Google client secret").redirect_uri("https://example.com/google")
}

/// The nonce is in the URL, and in `Pending` for the verification.
pub fn login(google: &google::Client) -> Result<(Url, Pending)> {
    google.authorize().scopes([Scope::Openid, Scope::Email, Scope::Profile]).start()
}

/// Reads Google's keys, and verifies signature, issuer, audience, expiry and nonce of the id token.
pub async fn callback(google: &google::Client, pending: Pending, url: &str) -> Result<google::Session> {
    google.exchange(pending, url).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let google = client()?;
    let (url, pending) = login(&google)?;
    println!("Open {url} and paste the URL that it sends you back to:");
    let mut callback_url = String::new();
    io::stdin().read_line(&mut callback_url)?;
    let session = callback(&google, pending, callback_url.trim()).await?;
    let id_token = session.id_token().ok_or("Google issues one for the scope `openid`")?;
    println!("{} of {}: {:?}", id_token.subject(), id_token.issuer(), id_token.claims().get("email"));
    Ok(())
}
