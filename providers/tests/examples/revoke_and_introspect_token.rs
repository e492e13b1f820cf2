//! The example `revoke_and_introspect_token`.

use grantry::Token;
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{BASIC, at};

#[path = "../../examples/revoke_and_introspect_token.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

fn token() -> Token {
    Token::from_storage(r#"{ "access_token": "at", "refresh_token": "rt" }"#).unwrap()
}

#[tokio::test]
async fn the_provider_tells_about_the_access_token() {
    let script = Script::answers([Sent::json(200, json!({ "active": true, "scope": "read write", "exp": NOW, "sub": "alice" }))]);
    let told = example::introspect(&at(&script, example::client().unwrap()), &token()).await.unwrap();
    assert!(told.is_active());
    assert_eq!(told.scopes(), ["read", "write"]);
    assert_eq!((told.subject(), told.expires_at()), (Some("alice"), Some(NOW)));
    let request = script.only();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://some-service.com/oauth/introspect"));
    assert_eq!(request.header("authorization"), Some(BASIC));
    assert_eq!(request.body_text(), "token=at&token_type_hint=access_token");
}

#[tokio::test]
async fn the_refresh_token_is_given_back() {
    let script = Script::answers([Sent::text(200, "")]);
    example::revoke(&at(&script, example::client().unwrap()), &token()).await.unwrap();
    let request = script.only();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://some-service.com/oauth/revoke"));
    assert_eq!(request.header("authorization"), Some(BASIC));
    assert_eq!(request.body_text(), "token=rt&token_type_hint=refresh_token");
}

#[tokio::test]
async fn the_access_token_alone_is_given_back() {
    let script = Script::answers([Sent::text(200, "")]);
    example::revoke_access_token(&at(&script, example::client().unwrap()), &token()).await.unwrap();
    assert_eq!(script.only().body_text(), "token=at&token_type_hint=access_token");
}
