//! Asks a provider about a token, and gives it back.

use std::error::Error;
use std::fs;

use grantry::{Client, Descriptor, Introspection, NoVariables, Result, Token, TokenTypeHint};

/// The client; made once, cheap to clone.
pub fn client() -> Result<Client> {
    let service = Descriptor::builder("some_service")
        .token_endpoint("https://some-service.com/oauth/token")
        .introspection_endpoint("https://some-service.com/oauth/introspect")
        .revocation_endpoint("https://some-service.com/oauth/revoke")
        .client_authentication_method("client_secret_basic")
        .grant_types(["client_credentials", "refresh_token"])
        .build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", "Your client secret")
}

/// What the provider says about the access token: whether it is active, until when, for which scopes.
pub async fn introspect(client: &Client, token: &Token) -> Result<Introspection> {
    client.introspect(token).await
}

/// The refresh token, and with it the whole grant.
pub async fn revoke(client: &Client, token: &Token) -> Result<()> {
    client.revoke(token).await
}

/// The access token alone.
pub async fn revoke_access_token(client: &Client, token: &Token) -> Result<()> {
    client.revoke(token).token_type_hint(TokenTypeHint::AccessToken).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = client()?;
    let token = Token::from_storage(&fs::read_to_string("token.json")?)?;
    if introspect(&client, &token).await?.is_active() {
        revoke_access_token(&client, &token).await?;
        revoke(&client, &token).await?;
    }
    Ok(())
}
