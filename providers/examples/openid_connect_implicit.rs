//! Gets an id token through the browser, and nothing else: the implicit flow of OpenID Connect.

use std::error::Error;
use std::io;

use grantry::{Client, Credential, Descriptor, NoVariables, Pending, Result, Session, Url};

/// The client; made once, cheap to clone.
pub fn client() -> Result<Client> {
    let service = Descriptor::builder("some_service")
        .issuer("https://some-service.com")
        .authorization_endpoint("https://some-service.com/oauth/authorize")
        .jwks_uri("https://some-service.com/jwks")
        .client_authentication_method("none")
        .grant_types(["implicit"])
        .default_scopes(["openid", "email"])
        .build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", Credential::None)?.redirect_uri("https://example.com/cb")
}

/// With an access token beside it: `implicit()` without a response type of your own.
pub fn login(client: &Client) -> Result<(Url, Pending)> {
    client.implicit().response_type("id_token").start()
}

/// The tokens are in the URL's fragment, which the browser does not send: a page of the application's passes `location.href` on.
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
    println!("{:?}", session.id_token());
    Ok(())
}
