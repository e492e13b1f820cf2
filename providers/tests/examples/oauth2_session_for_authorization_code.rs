//! The example `oauth2_session_for_authorization_code`.

use grantry::{ErrorKind, Pending};
use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{at, parameters, place};

#[path = "../../examples/oauth2_session_for_authorization_code.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

fn script() -> Script {
    Script::answers([Sent::json(200, json!({ "access_token": "e..ad", "token_type": "bearer", "scope": "user:email" }))])
}

#[tokio::test]
async fn the_code_of_the_callback_becomes_a_token() {
    let script = script();
    let github = at(&script, example::client().unwrap());
    let (url, pending) = example::login(&github).unwrap();
    assert_eq!(place(&url), "https://github.com/login/oauth/authorize");
    let asked = parameters(&url);
    assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", "Your GitHub client ID"));
    assert_eq!((asked["scope"].as_str(), asked["redirect_uri"].as_str()), ("user:email", "https://example.com/github"));

    // A web application keeps it between the two requests.
    let pending: Pending = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    let callback_url = format!("https://example.com/github?code=42..e9&state={}", asked["state"]);
    let session = example::callback(&github, pending, &callback_url).await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.token_type.as_str()), ("e..ad", "Bearer"));
    assert_eq!(token.scopes, ["user:email"]);

    let request = script.only();
    assert_eq!((request.method.as_str(), place(&request.url).as_str()), ("POST", "https://github.com/login/oauth/access_token"));
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "42..e9"),
        ("redirect_uri", "https://example.com/github"),
        ("client_id", "Your GitHub client ID"),
        ("client_secret", "Your GitHub client secret"),
    ] {
        assert_eq!(request.form_value(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_forged_callback_sends_nothing() {
    let script = script();
    let github = at(&script, example::client().unwrap());
    let (_, pending) = example::login(&github).unwrap();
    let error = example::callback(&github, pending, "https://example.com/github?code=42..e9&state=another").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Callback);
    assert!(script.received().is_empty());
}
