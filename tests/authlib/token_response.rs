//! What the token endpoint answers, and the token that is made of it.

use std::sync::Arc;

use grantry_engine::{AssertionSession, ErrorKind, Hooks, Phase, Result, Session, SigningKey, Token};
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock};
use grantry_tests::{NOW, keys};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::{ACME, client, client_of};

/// The token of an answer, under a descriptor with these further lines.
async fn read(yaml: &str, answer: Sent) -> Result<Arc<Token>> {
    let script = Script::answers([answer]);
    let client = client_of(&format!("{ACME}{yaml}"), "secret", &script, &TestClock::default());
    let session = client.client_credentials().await?;
    Ok(session.current_token().unwrap())
}

/// The token of an answer with these members beside the access token.
async fn token(members: Value) -> Result<Arc<Token>> {
    let mut answer = json!({ "access_token": "at" });
    answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    read("", Sent::json(200, answer)).await
}

async fn expiry(members: Value) -> Option<u64> {
    token(members).await.unwrap().expires_at
}

async fn error(answer: Sent) -> grantry_engine::Error {
    read("", answer).await.unwrap_err()
}

// rows: 113
#[tokio::test]
async fn a_json_answer_is_the_sessions_token() {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer" })), Sent::text(200, "")]);
    let session = client("secret", &script).client_credentials().await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");
    session.get("items").send().await.unwrap();
    assert_eq!(script.received()[1].header("authorization"), Some("Bearer at"));
}

// rows: 114
#[tokio::test]
async fn an_error_member_is_an_error_whatever_the_status() {
    for status in [200, 400, 401, 499] {
        let answer = json!({ "error": "invalid_scope", "error_description": "unknown scope", "access_token": "at" });
        let error = error(Sent::json(status, answer)).await;
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Refused, Some(Phase::Token)));
        assert_eq!((error.code(), error.description()), (Some("invalid_scope"), Some("unknown scope")));
        assert_eq!(error.status(), Some(status));
    }
}

// rows: 115
#[tokio::test]
async fn a_failing_server_is_an_error_that_keeps_what_the_body_says() {
    let page = error(Sent::text(503, "down for maintenance").header("retry-after", "7")).await;
    assert_eq!((page.kind(), page.status(), page.is_retryable()), (ErrorKind::Refused, Some(503), true));
    assert_eq!((page.excerpt(), page.retry_after()), (Some("down for maintenance"), Some(7)));
    let oauth = error(Sent::json(500, json!({ "error": "server_error", "error_description": "sorry" }))).await;
    assert_eq!((oauth.code(), oauth.description(), oauth.status()), (Some("server_error"), Some("sorry"), Some(500)));
}

// rows: 116
#[tokio::test]
async fn an_answer_that_is_no_json_is_an_error_with_what_it_is() {
    for (status, kind) in [(200, ErrorKind::InvalidResponse), (400, ErrorKind::Refused)] {
        let page = Sent::text(status, "<h1>Hello</h1>").header("content-type", "text/html; charset=utf-8");
        let error = error(page).await;
        assert_eq!((error.kind(), error.status(), error.excerpt()), (kind, Some(status), Some("<h1>Hello</h1>")));
        assert!(error.to_string().contains("of type text/html"), "{error}");
    }
}

// rows: 117
#[tokio::test]
async fn a_form_body_is_no_token_unless_a_hook_or_the_descriptor_reads_it() {
    const BODY: &str = "access_token=at&expires_in=60";
    let error = error(Sent::text(200, BODY)).await;
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.hint().unwrap().contains("response.format: form"), "{error}");

    let script = Script::answers([Sent::text(200, BODY)]);
    let hooks = Hooks::new().access_token_response(|mut response| async move {
        let members: serde_json::Map<String, Value> =
            form_urlencoded::parse(&response.body).map(|(name, value)| (name.into(), value.into_owned().into())).collect();
        response.body = Value::Object(members).to_string().into();
        Ok(response)
    });
    let session = client("secret", &script).hooks(hooks).client_credentials().await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");

    let stated = read("response: { format: form, content_type: text/plain }\n", Sent::text(200, BODY)).await.unwrap();
    assert_eq!((stated.access_token.expose(), stated.expires_at), ("at", Some(NOW + 60)));
}

// rows: 118
#[tokio::test]
async fn a_refusal_without_an_error_member_is_no_token() {
    for body in [json!({ "message": "who are you?" }), json!({ "access_token": "at", "token_type": "bearer" })] {
        let error = error(Sent::json(401, body)).await;
        assert_eq!((error.kind(), error.status(), error.code()), (ErrorKind::Refused, Some(401), None));
    }
}

// rows: 119, 120
#[tokio::test]
async fn an_answer_without_an_access_token_is_no_token() {
    for body in [json!({ "token_type": "bearer" }), json!({ "access_token": "" }), json!({ "access_token": 7 })] {
        let error = error(Sent::json(200, body)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(error.to_string().contains("access_token"), "{error}");
    }
    for body in [json!([{ "access_token": "at" }]), json!("at"), json!(null)] {
        assert_eq!(error(Sent::json(200, body)).await.kind(), ErrorKind::InvalidResponse);
    }
}

// rows: 121
#[tokio::test]
async fn a_token_that_is_fetched_again_replaces_the_former_one_entirely() {
    let first = json!({ "access_token": "first", "expires_in": 60, "scope": "a b", "refresh_expires": 1, "team": "x" });
    let script = Script::answers([Sent::json(200, first), Sent::json(200, json!({ "access_token": "second" }))]);
    let clock = TestClock::default();
    let session = client_of(ACME, "secret", &script, &clock).client_credentials().await.unwrap();
    assert_eq!(session.current_token().unwrap().extra.len(), 2);
    clock.advance(61);
    let token = session.token().await.unwrap();
    assert_eq!((token.access_token.expose(), token.expires_at), ("second", None));
    assert!(token.extra.is_empty() && token.scopes.is_empty(), "{token:?}");
}

// rows: 122, 123
#[tokio::test]
async fn expiry_is_a_point_in_time_or_a_lifetime_as_number_or_text() {
    let at = NOW + 100;
    for expires_at in [json!(at), json!(at as f64), json!(at.to_string())] {
        assert_eq!(expiry(json!({ "expires_at": expires_at })).await, Some(at));
    }
    for expires_in in [json!(3600), json!("3600")] {
        assert_eq!(expiry(json!({ "expires_in": expires_in })).await, Some(NOW + 3600));
    }
}

// rows: 124
#[tokio::test]
async fn a_lifetime_wins_over_a_point_in_time() {
    assert_eq!(expiry(json!({ "expires_in": 3600, "expires_at": NOW + 10 })).await, Some(NOW + 3600));
}

// rows: 125, 126
#[tokio::test]
async fn an_unreadable_point_in_time_counts_only_where_there_is_no_lifetime() {
    assert_eq!(expiry(json!({ "expires_at": "soon", "expires_in": 60 })).await, Some(NOW + 60));
    let error = token(json!({ "expires_at": "soon" })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("expires_at"), "{error}");
}

// rows: 127
#[tokio::test]
async fn expiry_at_zero_is_long_ago() {
    let token = token(json!({ "expires_at": 0 })).await.unwrap();
    assert!(token.is_expired(NOW, 0));
    let script = Script::answers([Sent::json(200, json!({ "access_token": "new" }))]);
    let stored = Token::from_storage(r#"{"access_token":"old","expires_at":0,"refresh_token":"rt"}"#).unwrap();
    let session = client("secret", &script).session(stored);
    assert_eq!(session.token().await.unwrap().access_token.expose(), "new");
}

// rows: 128
#[tokio::test]
async fn a_token_of_unknown_lifetime_never_expires() {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at" })), Sent::text(200, "")]);
    let clock = TestClock::default();
    let session = client_of(ACME, "secret", &script, &clock).client_credentials().await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!(token.expires_at, None);
    assert!(!token.is_expired(u64::MAX, 60));
    clock.advance(100 * 365 * 24 * 60 * 60);
    session.get("items").send().await.unwrap();
    assert_eq!(script.received()[1].url.path(), "/v1/items");
}

// rows: 129
#[tokio::test]
async fn a_lifetime_of_zero_is_over_unless_the_descriptor_says_never() {
    assert_eq!(expiry(json!({ "expires_in": null })).await, None);
    assert_eq!(expiry(json!({ "expires_in": 0 })).await, Some(NOW));
    let answer = || Sent::json(200, json!({ "access_token": "at", "expires_in": 0 }));
    assert_eq!(read("token: { lifetime: { zero: never } }\n", answer()).await.unwrap().expires_at, None);
}

// rows: 130
#[tokio::test]
async fn a_lifetime_with_a_fraction_is_cut_and_junk_is_an_error() {
    for expires_in in [json!("3600.5"), json!(3600.5)] {
        assert_eq!(expiry(json!({ "expires_in": expires_in })).await, Some(NOW + 3600));
    }
    let error = token(json!({ "expires_in": "abc" })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("expires_in"), "{error}");
}

// rows: 131
#[tokio::test]
async fn a_token_is_due_when_less_than_a_minute_is_left() {
    let answer = |name: &str| Sent::json(200, json!({ "access_token": name, "expires_in": 3600 }));
    let script = Script::answers([answer("first"), answer("second")]);
    let clock = TestClock::default();
    let session = client_of(ACME, "secret", &script, &clock).client_credentials().await.unwrap();
    clock.advance(3540);
    assert_eq!(session.token().await.unwrap().access_token.expose(), "first");
    clock.advance(1);
    assert_eq!(session.token().await.unwrap().access_token.expose(), "second");
    assert_eq!(script.received().len(), 2);
    let token = session.current_token().unwrap();
    let end = token.expires_at.unwrap();
    assert!(!token.is_expired(end, 0));
    assert!(token.is_expired(end + 1, 0));
}

// rows: 132
#[tokio::test]
async fn the_leeway_decides_about_a_token_with_ten_seconds_left() {
    let mut token = Token::new("old");
    token.expires_at = Some(NOW + 10);
    token.refresh_token = Some("rt".into());
    assert!(token.is_expired(NOW, 15));
    assert!(!token.is_expired(NOW, 5));
    for (leeway, used) in [(15, "new"), (5, "old")] {
        let script = Script::answers([Sent::json(200, json!({ "access_token": "new" }))]);
        let client = client("secret", &script).refresh_leeway(std::time::Duration::from_secs(leeway));
        assert_eq!(client.session(token.clone()).token().await.unwrap().access_token.expose(), used);
    }
}

// rows: 133
#[tokio::test]
async fn other_members_are_kept_also_in_storage() {
    let token = token(json!({ "team": { "id": 7 }, "bot": true })).await.unwrap();
    let stored = Token::from_storage(token.expose_for_storage().expose()).unwrap();
    for token in [&*token, &stored] {
        assert_eq!(Value::Object(token.extra.clone()), json!({ "team": { "id": 7 }, "bot": true }));
    }
}

// rows: 134
#[tokio::test]
async fn nothing_prints_a_token() {
    let members = json!({
        "access_token": "hunter1", "refresh_token": "hunter2", "id_token": "hunter3", "api_key": "hunter4", "scope": "read",
    });
    let text = members.to_string();
    let script = Script::answers([]);
    let session = client("hunter5", &script).session(Token::from_storage(&text).unwrap());
    let printed = format!("{session:?} {:?}", session.current_token().unwrap());
    assert!(!printed.contains("hunter"), "{printed}");
    assert!(printed.contains("read") && printed.contains("api_key"), "{printed}");
}

// rows: 135
#[tokio::test]
async fn an_error_description_may_have_any_character() {
    const WORDS: &str = "the \"code\" in C:\\tmp ist ungültig ✗";
    let refusal = || Sent::json(400, json!({ "error": "invalid_grant", "error_description": WORDS }));
    assert_eq!(error(refusal()).await.description(), Some(WORDS));
    let script = Script::answers([refusal()]);
    let transport = script.transport();
    let session: Session = AssertionSession::builder()
        .token_endpoint("https://acme.example/token")
        .issuer("robot")
        .key(SigningKey::from_pem(keys::private_key_pem("es256").unwrap()).unwrap())
        .configure(|client| client.transport(transport))
        .build()
        .unwrap();
    let error = session.token().await.unwrap_err();
    assert_eq!((error.code(), error.description()), (Some("invalid_grant"), Some(WORDS)));
}

// rows: 136, 137
#[tokio::test]
async fn bearer_is_spelt_in_any_way_or_not_at_all() {
    for members in [json!({ "token_type": "bEARER" }), json!({}), json!({ "token_type": null })] {
        let mut answer = json!({ "access_token": "at" });
        answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let script = Script::answers([Sent::json(200, answer), Sent::text(200, "")]);
        let session = client("secret", &script).client_credentials().await.unwrap();
        session.get("items").send().await.unwrap();
        assert_eq!(script.received()[1].header("authorization"), Some("Bearer at"), "{members}");
    }
}

// rows: 138
#[tokio::test]
async fn a_token_of_another_type_is_never_sent() {
    let error = token(json!({ "token_type": "mac" })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("\"mac\""), "{error}");

    let script = Script::answers([]);
    let stored = || Token::from_storage(r#"{"access_token":"at","token_type":"mac"}"#).unwrap();
    let error = client("secret", &script).session(stored()).get("items").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("\"mac\""), "{error}");
    assert!(script.received().is_empty());

    let script = Script::answers([Sent::text(200, "")]);
    let yaml = format!("{ACME}token: {{ response: {{ names: {{ token_type: null }} }} }}\n");
    client_of(&yaml, "secret", &script, &TestClock::default()).session(stored()).get("items").send().await.unwrap();
    assert_eq!(script.only().header("authorization"), Some("Bearer at"));
}
