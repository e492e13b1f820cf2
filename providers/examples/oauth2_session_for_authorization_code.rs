//! Signs a user in with GitHub: the authorization code flow of a web application.

use std::error::Error;
use std::io;

use grantry::{Pending, Result, Url, github};

/// The client; made once, cheap to clone.
pub fn client() -> Result<github::Client> {
    github::Client::new("Your GitHub client ID", "Your GitHub client secret").redirect_uri("https://example.com/github")
}

/// The handler that the user's sign-in button calls: keep `Pending` in the user's session, redirect the browser to the URL.
pub fn login(github: &github::Client) -> Result<(Url, Pending)> {
    github.authorize().scopes([github::Scope::UserEmail]).start()
}

/// The handler of the redirect URI. The state is checked before anything is sent.
pub async fn callback(github: &github::Client, pending: Pending, url: &str) -> Result<github::Session> {
    github.exchange(pending, url).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let github = client()?;
    let (url, pending) = login(&github)?;
    println!("Open {url} and paste the URL that it sends you back to:");
    let mut callback_url = String::new();
    io::stdin().read_line(&mut callback_url)?;
    let session = callback(&github, pending, callback_url.trim()).await?;
    println!("{:?}", session.token().await?);
    Ok(())
}
