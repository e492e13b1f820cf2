//! The example `oauth2_session_for_password`.

use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{BASIC, at, place};

#[path = "../../examples/oauth2_session_for_password.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

#[tokio::test]
async fn name_and_password_become_a_token() {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" }))]);
    let session = example::sign_in(&at(&script, example::client().unwrap())).await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");
    let request = script.only();
    assert_eq!((request.method.as_str(), place(&request.url).as_str()), ("POST", "https://some-service.com/oauth/token"));
    assert_eq!(request.header("authorization"), Some(BASIC));
    assert_eq!(request.body_text(), "grant_type=password&username=a-name&password=a-password");
}
