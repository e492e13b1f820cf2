//! The example `oauth2_session_for_client_credentials`.

use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{BASIC, at, place};

#[path = "../../examples/oauth2_session_for_client_credentials.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

#[tokio::test]
async fn the_application_authorizes_itself_and_calls_the_api() {
    let script = Script::answers([
        Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "expires_in": 3600 })),
        Sent::text(200, "all is well"),
    ]);
    let session = example::authorize(&at(&script, example::client().unwrap())).await.unwrap();
    assert_eq!(example::reports(&session).await.unwrap(), "all is well");
    let received = script.received();
    assert_eq!(received.len(), 2);
    assert_eq!(place(&received[0].url), "https://some-service.com/oauth/token");
    assert_eq!(received[0].header("authorization"), Some(BASIC));
    assert_eq!(received[0].body_text(), "grant_type=client_credentials&scope=reports");
    assert_eq!(received[1].url.as_str(), "https://api.some-service.com/v1/reports");
    assert_eq!(received[1].header("authorization"), Some("Bearer at"));
}
