//! Gets a token with a user's name and password: for first-party applications of old services only.

use grantry::{Client, Descriptor, NoVariables, Result, Session};

/// The client; made once, cheap to clone.
pub fn client() -> Result<Client> {
    let service = Descriptor::builder("some_service")
        .token_endpoint("https://some-service.com/oauth/token")
        .client_authentication_method("client_secret_basic")
        .grant_types(["password", "refresh_token"])
        .build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", "Your client secret")
}

/// Exchanges name and password for a token. Neither is kept.
pub async fn sign_in(client: &Client) -> Result<Session> {
    client.password("a-name", "a-password").await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let session = sign_in(&client()?).await?;
    println!("{:?}", session.token().await?);
    Ok(())
}
