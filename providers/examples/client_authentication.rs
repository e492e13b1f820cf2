//! How a client proves that it is itself: the methods of RFC 7591, and one of the application's own.

use grantry::{Builder, Client, Credential, Descriptor, NoVariables, Result, Session};

fn service() -> Builder {
    Descriptor::builder("some_service").token_endpoint("https://some-service.com/oauth/token").grant_types(["client_credentials"])
}

/// The secret goes into the `Authorization` header.
pub fn client_secret_basic() -> Result<Client> {
    let service = service().client_authentication_method("client_secret_basic").build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", "Your client secret")
}

/// The secret goes into the body.
pub fn client_secret_post() -> Result<Client> {
    let service = service().client_authentication_method("client_secret_post").build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", "Your client secret")
}

/// A public client, such as an application on the user's own device, has no secret.
pub fn none() -> Result<Client> {
    let service = service().client_authentication_method("none").build()?;
    Client::from_descriptor(service, NoVariables, "Your client ID", Credential::None)
}

/// A method of your own sees the whole request.
pub fn your_auth() -> Result<Client> {
    let client = none()?;
    Ok(client.authenticate_with(|request| async move {
        let length = request.body.as_bytes().unwrap_or_default().len();
        request.with_header("x-signature", format!("length={length}"))
    }))
}

/// Gets a token; the client proves itself on the way.
pub async fn authorize(client: &Client) -> Result<Session> {
    client.client_credentials().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    for client in [client_secret_basic()?, client_secret_post()?, none()?, your_auth()?] {
        println!("{:?}", authorize(&client).await?.token().await?);
    }
    Ok(())
}
