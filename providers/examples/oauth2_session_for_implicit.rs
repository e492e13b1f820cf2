//! Gets a token through the browser: the implicit flow of an old service.
//!
//! GitHub does not have it, so `github::Client::implicit` does not compile. Prefer the authorization code flow where there is one.

use std::error::Error;
use std::io;

use grantry::{Client, Credential, Descriptor, NoVariables, Pending, Result, Session, Url};

/// The client; made once, cheap to clone.
pub fn client() -> Result<Client> {
    let service = Descriptor::builder("some_service")
        .authorization_endpoint("https://some-service.com/oauth/authorize")
        .client_authentication_method("none")
        .grant_types(["implicit"])
        .build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", Credential::None)?.redirect_uri("https://example.com/cb")
}

/// The handler of the sign-in button: keep `Pending` in the user's session, redirect the browser to the URL.
pub fn login(client: &Client) -> Result<(Url, Pending)> {
    client.implicit().start()
}

/// The token is in the URL's fragment, which the browser does not send: a page of the application's passes `location.href` on.
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
