//! Ending the user's session at the provider.

use grantry_engine::{Client, Error, ErrorKind, Pending, PendingLogout, Phase, Token};
use grantry_tests::script::{Script, TestClock};

use crate::common::{ACME, SECRET, client_of};

fn client_on(clock: &TestClock, script: &Script) -> Client {
    client_of(ACME, SECRET, script, clock)
}

fn token() -> Token {
    let mut token = Token::new("at");
    token.id_token = Some("header.claims.signature".into());
    token
}

/// A logout with a redirect URI.
fn started(client: &Client) -> (url::Url, PendingLogout) {
    let (url, pending) = client.end_session().redirect_uri("https://app.example/bye").start().unwrap();
    (url, pending.unwrap())
}

fn value(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

// rows: 285, 290
#[test]
fn the_url_names_the_user_the_client_and_the_way_back() {
    let script = Script::answers([]);
    let client = client_on(&TestClock::default(), &script);
    let logout = client.end_session().token(&token()).redirect_uri("https://app.example/bye?a=b c").state("st/1");
    let (url, pending) = logout.start().unwrap();
    assert_eq!(
        url.as_str(),
        "https://acme.example/logout?id_token_hint=header.claims.signature&client_id=dev\
         &post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye%3Fa%3Db%20c&state=st%2F1"
    );
    assert_eq!(pending.unwrap().state(), "st/1");
    assert!(script.received().is_empty());
}

// rows: 286
#[test]
fn without_a_way_back_there_is_no_state_and_nothing_to_keep() {
    let client = client_on(&TestClock::default(), &Script::answers([]));
    let (url, pending) = client.end_session().token(&token()).state("st").start().unwrap();
    assert_eq!(url.as_str(), "https://acme.example/logout?id_token_hint=header.claims.signature&client_id=dev");
    assert!(pending.is_none());
}

// rows: 287
#[test]
fn the_state_is_the_callers_else_random() {
    let client = client_on(&TestClock::default(), &Script::answers([]));
    let ((first, pending), (second, _)) = (started(&client), started(&client));
    let state = value(&first, "state").unwrap();
    assert_eq!((state.as_str(), state.len()), (pending.state(), 43));
    assert_ne!(state, value(&second, "state").unwrap());
    let empty = client.end_session().redirect_uri("https://app.example/bye").state("").start();
    assert_eq!(empty.unwrap_err().kind(), ErrorKind::Misuse);
}

// rows: 288
#[test]
fn client_hint_and_languages_are_sent_and_whatever_else_the_caller_names() {
    let client = client_on(&TestClock::default(), &Script::answers([]));
    let logout = client.end_session().logout_hint("jane@acme.example").ui_locales("de en").param("tenant", "blue");
    let (url, _) = logout.start().unwrap();
    assert_eq!(
        url.as_str(),
        "https://acme.example/logout?client_id=dev&logout_hint=jane%40acme.example&ui_locales=de%20en&tenant=blue"
    );
    let (url, _) = client.end_session().param("client_id", "other").start().unwrap();
    assert_eq!(url.as_str(), "https://acme.example/logout?client_id=other");
}

// rows: 289
#[test]
fn a_provider_without_the_endpoint_says_so() {
    let yaml = ACME.replace("  end_session_endpoint: https://acme.example/logout\n", "");
    let client = client_of(&yaml, SECRET, &Script::answers([]), &TestClock::default());
    let error = client.end_session().start().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Logout)));
    assert!(error.to_string().contains("has no end_session_endpoint"), "{error}");
}

// rows: 291
#[test]
fn the_user_comes_back_with_the_state_of_the_logout() {
    let clock = TestClock::default();
    let script = Script::answers([]);
    let client = client_on(&clock, &script);
    let run = |wait: u64, callback: &dyn Fn(&str) -> String| -> Result<(), Error> {
        let (_, pending) = started(&client);
        let callback = callback(pending.state());
        // Kept as text, as an application keeps it.
        let pending: PendingLogout = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
        clock.advance(wait);
        client.end_session_callback(pending, &callback)
    };
    run(0, &|state| format!("https://app.example/bye?state={state}")).unwrap();
    run(3600, &|state| format!("/bye?x=1&state={state}#top")).unwrap();
    let refused = [
        run(0, &|_| "https://app.example/bye".to_owned()),
        run(0, &|_| "/bye?state=".to_owned()),
        run(0, &|state| format!("/bye?state={state}x")),
        run(3601, &|state| format!("/bye?state={state}")),
    ];
    let problems: Vec<String> = refused
        .into_iter()
        .map(|result| {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.phase()), (ErrorKind::Callback, Some(Phase::Logout)));
            error.to_string()
        })
        .collect();
    assert_eq!(
        problems,
        [
            "acme: logout: the callback has no state",
            "acme: logout: the state of the callback is not that of this logout",
            "acme: logout: the state of the callback is not that of this logout",
            "acme: logout: the logout was started more than an hour ago",
        ]
    );
}

// rows: 292
#[test]
fn a_logout_is_no_sign_in_and_a_sign_in_no_logout() {
    let client = client_on(&TestClock::default(), &Script::answers([]));
    let (_, logout) = started(&client);
    let (_, sign_in) = client.authorize().start().unwrap();
    let (logout, sign_in) = (serde_json::to_string(&logout).unwrap(), serde_json::to_string(&sign_in).unwrap());
    assert!(serde_json::from_str::<PendingLogout>(&logout).is_ok());
    assert!(serde_json::from_str::<Pending>(&sign_in).is_ok());
    assert!(serde_json::from_str::<Pending>(&logout).is_err());
    assert!(serde_json::from_str::<PendingLogout>(&sign_in).is_err());
}

#[test]
fn the_way_back_and_the_state_are_remembered_however_they_are_given() {
    let client = client_on(&TestClock::default(), &Script::answers([]));
    let logout = client.end_session().param("post_logout_redirect_uri", "https://app.example/bye").param("state", "mine");
    let (url, pending) = logout.start().unwrap();
    assert_eq!(
        url.as_str(),
        "https://acme.example/logout?client_id=dev&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye&state=mine"
    );
    let pending = pending.unwrap();
    assert_eq!(pending.state(), "mine");
    client.end_session_callback(pending, "/bye?state=mine").unwrap();
    let no_uri = client.end_session().param("post_logout_redirect_uri", "bye").start();
    assert_eq!(no_uri.unwrap_err().kind(), ErrorKind::Misuse);
    let empty = client.end_session().redirect_uri("https://app.example/bye").param("state", "").start();
    assert_eq!(empty.unwrap_err().kind(), ErrorKind::Misuse);
}
