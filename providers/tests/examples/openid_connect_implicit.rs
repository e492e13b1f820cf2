//! The example `openid_connect_implicit`.

use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, provider_jwks, provider_jwt};
use serde_json::json;

use crate::common::{at, parameters, place};

#[path = "../../examples/openid_connect_implicit.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

#[tokio::test]
async fn the_id_token_of_the_fragment_is_verified() {
    let script = Script::answers([Sent::json(200, provider_jwks())]);
    let client = at(&script, example::client().unwrap());
    let (url, pending) = example::login(&client).unwrap();
    assert_eq!(place(&url), "https://some-service.com/oauth/authorize");
    let asked = parameters(&url);
    assert_eq!((asked["response_type"].as_str(), asked["scope"].as_str()), ("id_token", "openid email"));

    let claims = json!({
        "iss": "https://some-service.com", "aud": "Your client ID", "sub": "alice", "iat": NOW, "exp": NOW + 300,
        "nonce": asked["nonce"],
    });
    let id_token = provider_jwt("RS256", &json!({}), &claims, "");
    let callback_url = format!("https://example.com/cb#id_token={id_token}&state={}", asked["state"]);
    let session = example::callback(&client, pending, &callback_url).await.unwrap();
    assert_eq!(session.id_token().unwrap().subject(), "alice");
    assert_eq!(script.only().url.as_str(), "https://some-service.com/jwks");
}
