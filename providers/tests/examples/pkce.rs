//! The example `pkce`.

use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, code_challenge};
use serde_json::json;

use crate::common::{at, parameters, place};

#[path = "../../examples/pkce.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

#[tokio::test]
async fn the_verifier_of_the_challenge_goes_with_the_code() {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" }))]);
    let client = at(&script, example::client().unwrap());
    let (url, pending) = example::login(&client).unwrap();
    assert_eq!(place(&url), "https://some-service.com/oauth/authorize");
    let asked = parameters(&url);
    assert_eq!(asked["code_challenge_method"], "S256");

    let callback_url = format!("com.example.app:/cb?code=c&state={}", asked["state"]);
    example::callback(&client, pending, &callback_url).await.unwrap();
    let request = script.only();
    let verifier = request.form_value("code_verifier").unwrap();
    assert_eq!(asked["code_challenge"], code_challenge(&verifier));
    assert_eq!(request.form_value("client_id").as_deref(), Some("Your client ID"));
    assert_eq!((request.header("authorization"), request.form_value("client_secret")), (None, None));
}
