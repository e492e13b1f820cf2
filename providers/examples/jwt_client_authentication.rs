//! A client that proves itself with a signed assertion: `client_secret_jwt` and `private_key_jwt` (RFC 7523, OpenID Connect).

use std::error::Error;
use std::fs;

use grantry::{Builder, Client, Descriptor, NoVariables, Result, Session, SigningKey};

fn service() -> Builder {
    Descriptor::builder("some_service").token_endpoint("https://some-service.com/oauth/token").grant_types(["client_credentials"])
}

/// The secret signs, and is not sent.
pub fn client_secret_jwt() -> Result<Client> {
    let service = service().client_authentication_method("client_secret_jwt").build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", "Your client secret, at least 32 bytes long")
}

/// The key signs; the service knows its public half.
pub fn private_key_jwt(pem: &str) -> Result<Client> {
    let service = service().client_authentication_method("private_key_jwt").build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", SigningKey::from_pem(pem)?.key_id("your-key-id"))
}

/// Gets a token; the client proves itself on the way.
pub async fn authorize(client: &Client) -> Result<Session> {
    client.client_credentials().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let pem = fs::read_to_string("your-private-key.pem")?;
    for client in [client_secret_jwt()?, private_key_jwt(&pem)?] {
        println!("{:?}", authorize(&client).await?.token().await?);
    }
    Ok(())
}
