//! Refreshing, by hand and by itself.

use grantry_engine::Token;
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock};
use serde_json::json;

use crate::common::{ACME, client_of};

fn expired() -> Token {
    let mut token = Token::new("old");
    token.expires_at = Some(NOW - 1);
    token.refresh_token = Some("rt-1".into());
    token
}

// rows: 175, 174
#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_request_carries_the_new_one() {
    let script = Script::answers([
        Sent::json(200, json!({ "access_token": "new", "token_type": "bearer", "expires_in": 3600, "refresh_token": "rt-2" })),
        Sent::json(200, json!([])),
    ]);
    let client = client_of(ACME, "secret", &script, &TestClock::default());
    let session = client.session(expired());
    session.get("items").send().await.unwrap();
    let received = script.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body_text(), "grant_type=refresh_token&refresh_token=rt-1");
    assert_eq!(received[1].header("authorization"), Some("Bearer new"));
    let token = session.current_token().unwrap();
    assert_eq!(token.refresh_token.as_ref().unwrap().expose(), "rt-2");
}
