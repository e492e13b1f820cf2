//! Sessions renew their token by themselves, before a request; the application stores the new one.

use std::error::Error;
use std::fs;

use grantry::{Result, Token, TokenUpdate, google};

/// The client; made once, cheap to clone.
pub fn client(save: impl Fn(TokenUpdate) -> Result<()> + Send + Sync + 'static) -> google::Client {
    google::Client::new("Your Google client ID", "Your Google client secret").update_token(move |update| {
        let saved = save(update);
        async { saved }
    })
}

/// Calls the API; a token that has expired is renewed first, and saved.
pub async fn files(google: &google::Client, stored: &str) -> Result<serde_json::Value> {
    let session = google.session(Token::from_storage(stored)?);
    session.get("drive/v3/files").await?.json().await
}

/// By hand, without a session.
pub async fn refresh(google: &google::Client, stored: &str) -> Result<Token> {
    google.refresh(&Token::from_storage(stored)?).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let google = client(|update| {
        fs::write("token.json", update.token.expose_for_storage().expose())
            .map_err(|error| grantry::Error::custom(error.to_string()))
    });
    println!("{}", files(&google, &fs::read_to_string("token.json")?).await?);
    Ok(())
}
