//! The example `client_authentication`.

use grantry::Client;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{BASIC, at};

#[path = "../../examples/client_authentication.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

async fn request_of(client: Client) -> Received {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" }))]);
    example::authorize(&at(&script, client)).await.unwrap();
    script.only()
}

#[tokio::test]
async fn the_secret_is_in_the_header() {
    let request = request_of(example::client_secret_basic().unwrap()).await;
    assert_eq!(request.header("authorization"), Some(BASIC));
    assert_eq!(request.body_text(), "grant_type=client_credentials");
}

#[tokio::test]
async fn the_secret_is_in_the_body() {
    let request = request_of(example::client_secret_post().unwrap()).await;
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.form_value("client_id").as_deref(), Some("Your client ID"));
    assert_eq!(request.form_value("client_secret").as_deref(), Some("Your client secret"));
}

#[tokio::test]
async fn a_public_client_says_who_it_is() {
    let request = request_of(example::none().unwrap()).await;
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.form_value("client_id").as_deref(), Some("Your client ID"));
    assert_eq!(request.form_value("client_secret"), None);
}

#[tokio::test]
async fn a_method_of_ones_own_sees_the_request() {
    let request = request_of(example::your_auth().unwrap()).await;
    assert_eq!(request.header("x-signature"), Some(format!("length={}", request.body.len()).as_str()));
    assert!(!request.body.is_empty());
}
