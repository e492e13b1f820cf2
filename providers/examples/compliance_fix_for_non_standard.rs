//! Services that depart from the standards: with hooks, which are code, or with a descriptor, which is data.
//!
//! `grantry::linkedin_v1` and `grantry::slack` have these fixes built in.

use std::error::Error;
use std::fs;

use grantry::{Builder, Client, Descriptor, Hooks, NoVariables, Pending, Result, Session, Token};

fn linkedin() -> Builder {
    Descriptor::builder("linkedin")
        .authorization_endpoint("https://www.linkedin.com/oauth/v2/authorization")
        .token_endpoint("https://www.linkedin.com/oauth/v2/accessToken")
        .client_authentication_method("client_secret_post")
        .base_url("https://api.linkedin.com/v1/")
}

/// LinkedIn's first API wanted the token as `oauth2_access_token` in the query.
pub fn linkedin_with_a_hook() -> Result<Client> {
    let client = Client::from_descriptor(linkedin().build()?, NoVariables, "Your client ID", "Your client secret")?;
    Ok(client.hooks(Hooks::new().protected_request(|mut request| async move {
        if let Some(token) = request.take_bearer_token() {
            request.url.query_pairs_mut().append_pair("oauth2_access_token", token.expose());
        }
        Ok(request)
    })))
}

/// The same as data.
pub fn linkedin_with_a_descriptor() -> Result<Client> {
    let linkedin =
        linkedin().set("requests.access_token.in", "query").set("requests.access_token.name", "oauth2_access_token").build()?;
    Client::from_descriptor(linkedin, NoVariables, "Your client ID", "Your client secret")
}

/// Calls the API with a token from storage.
pub async fn profile(client: &Client, token: &Token) -> Result<serde_json::Value> {
    client.session(token.clone()).get("people/~").await?.json().await
}

/// Slack says whose token it is (`bot`, `user`) where the standard says how it is sent, and has the user's token further down.
pub fn slack_with_a_hook() -> Result<Client> {
    let slack = Descriptor::builder("slack")
        .authorization_endpoint("https://slack.com/oauth/v2/authorize")
        .token_endpoint("https://slack.com/api/oauth.v2.access")
        .client_authentication_method("client_secret_post")
        .code_challenge_method("none")
        .build()?;
    let hooks = Hooks::new().access_token_response(|response| async move {
        let mut token = response.json()?;
        if token["access_token"].is_null() {
            token["access_token"] = token["authed_user"]["access_token"].take();
        }
        token["token_type"] = "Bearer".into();
        Ok(response.with_json(&token))
    });
    let client = Client::from_descriptor(slack, NoVariables, "Your client ID", "Your client secret")?;
    client.hooks(hooks).redirect_uri("https://example.com/slack")
}

/// The handler of the redirect URI.
pub async fn slack_callback(client: &Client, pending: Pending, url: &str) -> Result<Session> {
    client.exchange(pending, url).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = Token::from_storage(&fs::read_to_string("token.json")?)?;
    for client in [linkedin_with_a_hook()?, linkedin_with_a_descriptor()?] {
        println!("{}", profile(&client, &token).await?);
    }
    let (url, _pending) = slack_with_a_hook()?.authorize().start()?;
    println!("Open {url}");
    Ok(())
}
