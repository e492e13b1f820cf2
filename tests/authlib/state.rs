//! What is kept between the authorization request and its callback.

use std::collections::HashMap;

use grantry_engine::{Callback, Client, Error, ErrorKind, Pending, Session};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock};
use serde_json::{Value, json};

use crate::common::{ACME, SECRET, client_of};

fn tokens() -> Sent {
    Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer" }))
}

/// A server with tokens for everybody.
fn script() -> Script {
    Script::start(|_| tokens())
}

fn started(client: &Client, state: &str) -> Pending {
    client.authorize().state(state).start().unwrap().1
}

fn stored(pending: &Pending) -> String {
    serde_json::to_string(pending).unwrap()
}

async fn callback(client: &Client, stored: &str, state: &str) -> Result<Session, Error> {
    let pending: Pending = serde_json::from_str(stored).unwrap();
    client.exchange(pending, format!("/callback?code=c&state={state}")).await
}

#[track_caller]
fn refused(result: Result<Session, Error>, problem: &str) {
    let error = result.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Callback);
    assert!(error.to_string().contains(problem), "{error}");
}

// rows: 293
#[tokio::test]
async fn one_value_holds_all_that_the_callback_needs() {
    let script = script();
    let clock = TestClock::default();
    let client = client_of(ACME, SECRET, &script, &clock);
    let text = stored(&started(&client, "st"));
    let members: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&members["provider"], &members["state"]), (&json!("acme"), &json!("st")));
    assert_eq!(members["redirect_uri"], "https://app.example/callback");
    assert_eq!(members["created_at"], NOW);
    // Another process, which has nothing but the text, ends the sign-in.
    callback(&client_of(ACME, SECRET, &script, &clock), &text, "st").await.unwrap();
    let request = script.only();
    assert_eq!(request.form_value("code_verifier").as_deref(), members["code_verifier"].as_str());
    assert_eq!(request.form_value("redirect_uri").as_deref(), Some("https://app.example/callback"));
}

// rows: 294, 297
#[tokio::test]
async fn a_server_finds_it_by_its_state_for_one_hour() {
    let script = script();
    let clock = TestClock::default();
    let client = client_of(ACME, SECRET, &script, &clock);
    let pending = started(&client, "st");
    let cache = HashMap::from([(pending.state().to_owned(), stored(&pending))]);
    clock.advance(3600);
    callback(&client, &cache["st"], "st").await.unwrap();
    assert_eq!(script.received().len(), 1);
    clock.advance(1);
    refused(callback(&client, &cache["st"], "st").await, "more than an hour ago");
    assert_eq!(script.received().len(), 1);
}

// rows: 295, 298
#[tokio::test]
async fn each_tab_has_its_own_and_another_browsers_is_refused() {
    let script = script();
    let client = client_of(ACME, SECRET, &script, &TestClock::default());
    let mine = [stored(&started(&client, "tab-1")), stored(&started(&client, "tab-2"))];
    let theirs = stored(&started(&client, "other-browser"));
    for kept in &mine {
        refused(callback(&client, kept, "other-browser").await, "not that of this sign-in");
    }
    refused(callback(&client, &theirs, "tab-1").await, "not that of this sign-in");
    refused(callback(&client, &mine[0], "tab-2").await, "not that of this sign-in");
    assert!(script.received().is_empty());
    // Both tabs end, the later one first.
    callback(&client, &mine[1], "tab-2").await.unwrap();
    callback(&client, &mine[0], "tab-1").await.unwrap();
    let verifiers: Vec<_> = script.received().iter().map(|request| request.form_value("code_verifier").unwrap()).collect();
    assert_ne!(verifiers[0], verifiers[1]);
}

// rows: 296
#[test]
fn nothing_is_kept_without_a_state() {
    let client = client_of(ACME, SECRET, &script(), &TestClock::default());
    let error = client.authorize().state("").start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("the state is empty"), "{error}");
    assert_eq!(started(&client, "st").state(), "st");
    assert_eq!(client.authorize().start().unwrap().1.state().len(), 43);
}

// rows: 299
#[test]
fn what_is_no_pending_sign_in_cannot_be_read() {
    let client = client_of(ACME, SECRET, &script(), &TestClock::default());
    let text = stored(&started(&client, "st"));
    assert!(serde_json::from_str::<Pending>(&text).is_ok());
    for corrupt in ["", "null", "{}", "[]", "garbage", &text[..text.len() - 1], &text.replace("code_verifier", "verifier")] {
        assert!(serde_json::from_str::<Pending>(corrupt).is_err(), "{corrupt}");
    }
}

// rows: 300
#[tokio::test]
async fn a_posted_callback_is_checked_against_the_same() {
    let script = script();
    let clock = TestClock::default();
    let client = client_of(ACME, SECRET, &script, &clock);
    let posted = async |body: &str, wait: u64| {
        let (url, pending) = client.authorize().state("st").param("response_mode", "form_post").start().unwrap();
        assert!(url.as_str().ends_with("&response_mode=form_post"), "{url}");
        clock.advance(wait);
        client.exchange(pending, Callback::form_post(body)).await
    };
    posted("code=c&state=st", 0).await.unwrap();
    assert_eq!(script.only().form_value("code").as_deref(), Some("c"));
    refused(posted("code=c&state=other", 0).await, "not that of this sign-in");
    refused(posted("code=c", 0).await, "has no state");
    refused(posted("code=c&state=st", 3601).await, "more than an hour ago");
    script.only();
}
