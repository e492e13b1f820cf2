//! The example `jwt_client_authentication`.

use grantry::Client;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, jwt_parts};
use grantry_tests::{NOW, keys};
use serde_json::{Value, json};

use crate::common::at;

#[path = "../../examples/jwt_client_authentication.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

async fn request_of(client: Client) -> Received {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" }))]);
    example::authorize(&at(&script, client)).await.unwrap();
    script.only()
}

/// Header and claims of the request's assertion.
fn assertion(request: &Received) -> (Value, Value) {
    assert_eq!(
        request.form_value("client_assertion_type").as_deref(),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    assert_eq!((request.header("authorization"), request.form_value("client_secret")), (None, None));
    let (header, claims) = jwt_parts(&request.form_value("client_assertion").unwrap());
    (header.into(), claims.into())
}

fn is_of_the_client(claims: &Value) {
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("Your client ID"), &json!("Your client ID")));
    assert_eq!(claims["aud"], "https://some-service.com/oauth/token");
    assert_eq!(claims["iat"], NOW);
    assert!(claims["exp"].as_u64() > Some(NOW) && claims["jti"].is_string());
}

#[tokio::test]
async fn the_secret_signs() {
    let (header, claims) = assertion(&request_of(example::client_secret_jwt().unwrap()).await);
    assert_eq!(header["alg"], "HS256");
    is_of_the_client(&claims);
}

#[tokio::test]
async fn the_key_signs() {
    let pem = keys::private_key_pem("es256").unwrap();
    let (header, claims) = assertion(&request_of(example::private_key_jwt(pem).unwrap()).await);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("your-key-id")));
    is_of_the_client(&claims);
}
