//! The example `assertion_session`.

use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, jwt_parts};
use grantry_tests::{NOW, keys};
use serde_json::{Value, json};

use crate::common::prepared;

#[path = "../../examples/assertion_session.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

fn conf() -> Value {
    json!({
        "type": "service_account",
        "client_email": "robot@my-project.iam.gserviceaccount.com",
        "private_key_id": "4f1a",
        "private_key": keys::rsa_private_key_pem(),
        "token_uri": "https://oauth2.googleapis.com/token",
    })
}

#[tokio::test]
async fn the_session_authorizes_itself_on_first_use_only() {
    let script = Script::answers([
        Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 3600 })),
        Sent::json(200, json!({ "items": [] })),
        Sent::json(200, json!({})),
    ]);
    let transport = script.transport();
    let session = example::service_account(&conf()).unwrap();
    let session = session.configure(|client| prepared(client).transport(transport)).build().unwrap();
    assert!(script.received().is_empty());
    session.get("analytics/v3/management/accounts").await.unwrap();
    session.post("analytics/v3/management/accounts").json(&json!({})).await.unwrap();

    let received = script.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].url.as_str(), "https://oauth2.googleapis.com/token");
    assert_eq!(received[0].form_value("grant_type").as_deref(), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    assert_eq!(received[0].form_value("scope"), None);
    let (header, claims) = jwt_parts(&received[0].form_value("assertion").unwrap());
    assert_eq!(Value::from(header), json!({ "alg": "RS256", "kid": "4f1a", "typ": "JWT" }));
    for (name, value) in [
        ("iss", json!("robot@my-project.iam.gserviceaccount.com")),
        ("aud", json!("https://oauth2.googleapis.com/token")),
        ("scope", json!("https://www.googleapis.com/auth/analytics.readonly")),
        ("iat", json!(NOW)),
        ("exp", json!(NOW + 3600)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims.get("sub"), None);
    for request in &received[1..] {
        assert_eq!(request.url.as_str(), "https://www.googleapis.com/analytics/v3/management/accounts");
        assert_eq!(request.header("authorization"), Some("Bearer at"));
    }
}
