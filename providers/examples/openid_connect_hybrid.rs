//! Gets an id token through the browser and the tokens behind it: the hybrid flow, its endpoints discovered from the issuer.

use std::error::Error;
use std::io;

use grantry::{Client, Discover, Dynamic, Pending, Result, Session, Url};

/// The client in the making: awaited, it reads the service's metadata.
pub fn connect() -> Discover<Dynamic> {
    Client::from_issuer("https://some-service.com", "Your client ID", "Your client secret")
}

/// The handler of the sign-in button: keep `Pending` in the user's session, redirect the browser to the URL.
pub fn login(client: &Client) -> Result<(Url, Pending)> {
    client.authorize().response_type("code id_token").scopes(["openid".into(), "email".into()]).start()
}

/// Verifies both id tokens, and that the first one is of this code and of the second one's user.
pub async fn callback(client: &Client, pending: Pending, url: &str) -> Result<Session> {
    client.exchange(pending, url).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect().await?.redirect_uri("https://example.com/cb")?;
    let (url, pending) = login(&client)?;
    println!("Open {url} and paste the URL that it sends you back to:");
    let mut callback_url = String::new();
    io::stdin().read_line(&mut callback_url)?;
    let session = callback(&client, pending, callback_url.trim()).await?;
    println!("{:?}", session.id_token());
    Ok(())
}
