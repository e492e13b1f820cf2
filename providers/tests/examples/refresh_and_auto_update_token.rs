//! The example `refresh_and_auto_update_token`.

use std::sync::{Arc, Mutex};

use grantry::{Error, TokenUpdate};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{at, place};

#[path = "../../examples/refresh_and_auto_update_token.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

const STORED: &str = r#"{ "access_token": "old", "token_type": "bearer", "expires_at": 1, "refresh_token": "rt" }"#;

fn renewed() -> Sent {
    Sent::json(200, json!({ "access_token": "new", "token_type": "bearer", "expires_in": 3600 }))
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_saved_before_the_request() {
    let script = Script::answers([renewed(), Sent::json(200, json!({ "files": [] }))]);
    let saved: Arc<Mutex<Vec<TokenUpdate>>> = Arc::default();
    let rows = Arc::clone(&saved);
    let google = example::client(move |update| {
        rows.lock().unwrap().push(update);
        Ok(())
    });
    assert_eq!(example::files(&at(&script, google), STORED).await.unwrap(), json!({ "files": [] }));

    let received = script.received();
    assert_eq!(received.len(), 2);
    assert_eq!(place(&received[0].url), "https://oauth2.googleapis.com/token");
    assert_eq!(received[0].form_value("grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(received[0].form_value("refresh_token").as_deref(), Some("rt"));
    assert_eq!(received[1].url.as_str(), "https://www.googleapis.com/drive/v3/files");
    assert_eq!(received[1].header("authorization"), Some("Bearer new"));

    let saved = saved.lock().unwrap();
    assert_eq!(saved.len(), 1);
    assert_eq!((saved[0].token.access_token.expose(), saved[0].token.expires_at), ("new", Some(NOW + 3600)));
    assert_eq!(saved[0].token.refresh_token.as_ref().unwrap().expose(), "rt");
    assert_eq!(saved[0].previous.as_ref().unwrap().access_token.expose(), "old");
}

#[tokio::test]
async fn a_token_that_cannot_be_saved_is_an_error_of_the_request() {
    let script = Script::answers([renewed()]);
    let google = example::client(|_| Err(Error::custom("the disk is full")));
    let error = example::files(&at(&script, google), STORED).await.unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

#[tokio::test]
async fn a_token_is_renewed_by_hand() {
    let script = Script::answers([renewed()]);
    let token = example::refresh(&at(&script, example::client(|_| Ok(()))), STORED).await.unwrap();
    assert_eq!(token.access_token.expose(), "new");
    assert_eq!(script.only().form_value("refresh_token").as_deref(), Some("rt"));
}
