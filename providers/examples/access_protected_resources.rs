//! Calls an API with a token that was stored when the user signed in.

use std::error::Error;
use std::fs;

use grantry::{Result, Token, github};

/// The client; made once, cheap to clone.
pub fn client() -> github::Client {
    github::Client::new("Your GitHub client ID", "Your GitHub client secret")
}

/// The session of a stored token: `stored` is what `token.expose_for_storage()` gave, or a token of another library: `{"access_token": "...", ...}`.
pub fn restore(github: &github::Client, stored: &str) -> Result<github::Session> {
    Ok(github.session(Token::from_storage(stored)?))
}

/// A path below the API's root; `https://api.github.com/user` works, too. The token goes to no other origin.
pub async fn account(session: &github::Session) -> Result<serde_json::Value> {
    session.get("user").await?.json().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let session = restore(&client(), &fs::read_to_string("token.json")?)?;
    println!("{}", account(&session).await?);
    Ok(())
}
