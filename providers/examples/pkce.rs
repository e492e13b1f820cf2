//! A public client, such as an application on the user's own device: the code alone is worth nothing, thanks to PKCE (RFC 7636).
//!
//! Every client sends `code_challenge` and `code_verifier`; there is nothing to turn on.

use std::error::Error;
use std::io;

use grantry::{Client, Credential, Descriptor, NoVariables, Pending, Result, Session, Url};

/// The client; made once, cheap to clone.
pub fn client() -> Result<Client> {
    let service = Descriptor::builder("some_service")
        .authorization_endpoint("https://some-service.com/oauth/authorize")
        .token_endpoint("https://some-service.com/oauth/token")
        .client_authentication_method("none")
        .build()?;
    let client = Client::from_descriptor(service, NoVariables, "Your client ID", Credential::None)?;
    client.redirect_uri("com.example.app:/cb")
}

/// The handler of the sign-in button: keep `Pending` in the user's session, redirect the browser to the URL.
pub fn login(client: &Client) -> Result<(Url, Pending)> {
    client.authorize().start()
}

/// The handler of the redirect URI.
pub async fn callback(client: &Client, pending: Pending, url: &str) -> Result<Session> {
    client.exchange(pending, url).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = client()?;
    let (url, pending) = login(&client)?;
    println!("Open {url} and paste the URL that it sends you back to:");
    let mut callback_url = String::new();
    io::stdin().read_line(&mut callback_url)?;
    let session = callback(&client, pending, callback_url.trim()).await?;
    println!("{:?}", session.token().await?);
    Ok(())
}
