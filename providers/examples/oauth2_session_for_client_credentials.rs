//! Authorizes the application itself: no user is involved. The session renews its token by itself.

use grantry::{Client, Descriptor, NoVariables, Result, Session};

/// The client; made once, cheap to clone.
pub fn client() -> Result<Client> {
    let service = Descriptor::builder("some_service")
        .token_endpoint("https://some-service.com/oauth/token")
        .client_authentication_method("client_secret_basic")
        .grant_types(["client_credentials"])
        .base_url("https://api.some-service.com/v1/")
        .build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", "Your client secret")
}

/// Gets the first token.
pub async fn authorize(client: &Client) -> Result<Session> {
    client.client_credentials().scopes(["reports".into()]).await
}

/// Calls the API.
pub async fn reports(session: &Session) -> Result<String> {
    session.get("reports").await?.text().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let session = authorize(&client()?).await?;
    println!("{}", reports(&session).await?);
    Ok(())
}
