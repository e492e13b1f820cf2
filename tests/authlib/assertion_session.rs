//! Sessions that an assertion of the application's own authorizes.

use std::time::Duration;

use grantry_engine::{AssertionSession, AssertionSessionBuilder, Descriptor, ErrorKind, Session, SigningKey};
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock, jwt_parts};
use grantry_tests::{NOW, keys};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::common::{ACME, client_of};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn key() -> SigningKey {
    SigningKey::from_pem(keys::private_key_pem("es256").unwrap()).unwrap()
}

/// A builder of sessions against the script, on the test's clock.
fn robot(script: &Script, clock: &TestClock) -> AssertionSessionBuilder {
    let (transport, clock) = (script.transport(), clock.clone());
    AssertionSession::builder()
        .token_endpoint("https://acme.example/token")
        .issuer("robot@acme.example")
        .base_url("https://api.acme.example/")
        .key(key())
        .configure(move |client| client.transport(transport).clock(clock))
}

/// Issues a token with these members at the token endpoint, and answers `[]` elsewhere.
fn provider(members: Value) -> Script {
    Script::start(move |request| match request.url.path() {
        "/token" => Sent::json(200, members.clone()),
        _ => Sent::json(200, json!([])),
    })
}

fn hourly() -> Script {
    provider(json!({ "access_token": "at", "expires_in": 3600 }))
}

fn token_calls(script: &Script) -> Vec<Received> {
    script.received().into_iter().filter(|request| request.url.path() == "/token").collect()
}

fn assertion(request: &Received) -> (Map<String, Value>, Map<String, Value>) {
    jwt_parts(&request.form_value("assertion").unwrap())
}

/// The token request of a session's first request, and its claims.
async fn first(script: &Script, builder: AssertionSessionBuilder) -> (Received, Map<String, Value>) {
    let session = builder.build().unwrap();
    session.get("items").send().await.unwrap();
    let request = token_calls(script).pop().unwrap();
    let (_, claims) = assertion(&request);
    (request, claims)
}

async fn get(session: &Session) {
    session.get("items").send().await.unwrap();
}

// rows: 197, 198, 199
#[tokio::test]
async fn the_first_request_exchanges_an_assertion_for_a_token() {
    let script = hourly();
    let session = robot(&script, &TestClock::default()).build().unwrap();
    assert!(session.current_token().is_none());
    assert!(script.received().is_empty());
    get(&session).await;
    let received = script.received();
    assert_eq!(received.len(), 2);
    assert_eq!((received[0].method.as_str(), received[0].url.as_str()), ("POST", "https://acme.example/token"));
    assert_eq!(received[0].form_value("grant_type").as_deref(), Some(JWT_BEARER));
    let (_, claims) = assertion(&received[0]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("robot@acme.example"), &json!("https://acme.example/token")));
    assert_eq!(received[1].header("authorization"), Some("Bearer at"));
}

// rows: 200
#[tokio::test]
async fn the_algorithm_is_the_keys_and_another_is_refused_before_any_request() {
    let script = hourly();
    let clock = TestClock::default();
    let (request, _) = first(&script, robot(&script, &clock)).await;
    assert_eq!(assertion(&request).0["alg"], json!("ES256"));
    let (request, _) = first(&script, robot(&script, &clock).algorithm("ES256")).await;
    assert_eq!(assertion(&request).0["alg"], json!("ES256"));
    let sent = script.received().len();
    for alg in ["RS256", "HS256", "none", ""] {
        assert_eq!(robot(&script, &clock).algorithm(alg).build().unwrap_err().kind(), ErrorKind::Misuse, "{alg}");
    }
    assert_eq!(script.received().len(), sent);
}

// rows: 201
#[tokio::test]
async fn there_is_a_subject_only_where_one_is_named() {
    let script = hourly();
    let clock = TestClock::default();
    assert!(!first(&script, robot(&script, &clock)).await.1.contains_key("sub"));
    assert_eq!(first(&script, robot(&script, &clock).subject("jdoe")).await.1["sub"], json!("jdoe"));
}

// rows: 202
#[tokio::test]
async fn issue_time_and_lifetime_can_be_set() {
    let script = hourly();
    let clock = TestClock::default();
    let times = |claims: &Map<String, Value>| (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    let (_, claims) = first(&script, robot(&script, &clock)).await;
    assert_eq!(times(&claims), (NOW, NOW + 3600));
    let shorter = robot(&script, &clock).lifetime(Duration::from_secs(600));
    assert_eq!(times(&first(&script, shorter).await.1), (NOW, NOW + 600));
    let earlier = robot(&script, &clock).set("service_accounts.assertion.assertion.backdate", 60);
    assert_eq!(times(&first(&script, earlier).await.1), (NOW - 60, NOW - 60 + 3600));
}

// rows: 203, 208, 209
#[tokio::test]
async fn each_assertion_has_an_expiry_and_an_id_of_its_own() {
    for with_claims in [false, true] {
        let script = provider(json!({ "access_token": "at", "expires_in": 600 }));
        let clock = TestClock::default();
        let builder = robot(&script, &clock).lifetime(Duration::from_secs(300));
        let builder = if with_claims { builder.claim("scope", "read").unwrap() } else { builder };
        let session = builder.build().unwrap();
        get(&session).await;
        clock.advance(1000);
        get(&session).await;
        let claims: Vec<_> = token_calls(&script).iter().map(|request| assertion(request).1).collect();
        assert_eq!(claims.len(), 2);
        assert_eq!((&claims[0]["exp"], &claims[1]["exp"]), (&json!(NOW + 300), &json!(NOW + 1300)));
        assert_ne!(claims[0]["jti"], claims[1]["jti"]);
        assert_eq!(claims[1].contains_key("scope"), with_claims);
    }
}

// rows: 204
#[tokio::test]
async fn the_registered_claims_are_the_engines() {
    let script = hourly();
    let clock = TestClock::default();
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat"] {
        let error = robot(&script, &clock).claim(name, "mine").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse);
        assert!(error.to_string().contains(name), "{error}");
    }
    let (_, claims) = first(&script, robot(&script, &clock).claim("tenant", json!({ "id": 7 })).unwrap()).await;
    assert_eq!(claims["tenant"], json!({ "id": 7 }));
}

// rows: 205, 206
#[tokio::test]
async fn a_scope_is_a_claim_or_a_parameter_as_it_is_given() {
    let script = hourly();
    let clock = TestClock::default();
    let (request, claims) = first(&script, robot(&script, &clock).claim("scope", "read write").unwrap()).await;
    assert_eq!((&claims["scope"], request.form_value("scope")), (&json!("read write"), None));
    assert_eq!(request.form_value("client_id"), None);
    let parameters = robot(&script, &clock).scopes(["read", "write"]).param("client_id", "dev");
    let (request, claims) = first(&script, parameters).await;
    assert!(!claims.contains_key("scope"));
    assert_eq!(request.form_value("scope").as_deref(), Some("read write"));
    assert_eq!(request.form_value("client_id").as_deref(), Some("dev"));
}

// rows: 207, 210
#[tokio::test]
async fn an_assertion_has_an_id_of_the_engines_or_of_the_callers() {
    let script = hourly();
    let clock = TestClock::default();
    let (_, claims) = first(&script, robot(&script, &clock)).await;
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
    let (_, claims) = first(&script, robot(&script, &clock).claim("jti", "mine").unwrap()).await;
    assert_eq!(claims["jti"], json!("mine"));
}

// rows: 211, 212
#[tokio::test]
async fn a_valid_token_is_used_again_and_an_expired_one_replaced() {
    let script = hourly();
    let clock = TestClock::default();
    let session = robot(&script, &clock).build().unwrap();
    get(&session).await;
    clock.advance(3540);
    get(&session).await;
    assert_eq!(token_calls(&script).len(), 1);
    clock.advance(1);
    get(&session).await;
    let calls = token_calls(&script);
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].form_value("assertion"), calls[1].form_value("assertion"));
    assert_eq!(assertion(&calls[1]).1["iat"], json!(NOW + 3541));
}

// rows: 213
#[tokio::test]
async fn the_leeway_is_the_one_that_was_set() {
    let script = hourly();
    let clock = TestClock::default();
    let builder = robot(&script, &clock).configure(|client| client.refresh_leeway(Duration::from_secs(5)));
    let session = builder.build().unwrap();
    get(&session).await;
    clock.advance(3595);
    get(&session).await;
    assert_eq!(token_calls(&script).len(), 1);
    clock.advance(1);
    get(&session).await;
    assert_eq!(token_calls(&script).len(), 2);
}

// rows: 214
#[tokio::test]
async fn a_token_without_expiry_is_fetched_once() {
    let script = provider(json!({ "access_token": "at" }));
    let clock = TestClock::default();
    let session = robot(&script, &clock).build().unwrap();
    get(&session).await;
    clock.advance(10 * 365 * 24 * 60 * 60);
    get(&session).await;
    assert_eq!(token_calls(&script).len(), 1);
    assert_eq!(script.received().len(), 3);
}

// rows: 215
#[tokio::test]
async fn a_short_lived_token_is_not_fetched_before_each_request() {
    let script = provider(json!({ "access_token": "at", "expires_in": 30 }));
    let clock = TestClock::default();
    let session = robot(&script, &clock).build().unwrap();
    for _ in 0..3 {
        get(&session).await;
    }
    clock.advance(15);
    get(&session).await;
    assert_eq!(token_calls(&script).len(), 1);
    clock.advance(1);
    get(&session).await;
    assert_eq!(token_calls(&script).len(), 2);
}

// rows: 216
#[tokio::test]
async fn ten_first_requests_at_once_make_one_token_request() {
    let script = hourly();
    let session = robot(&script, &TestClock::default()).build().unwrap();
    let mut requests: JoinSet<_> = (0..10).map(|_| session.get("items").send()).collect();
    while let Some(response) = requests.join_next().await {
        response.unwrap().unwrap();
    }
    assert_eq!(token_calls(&script).len(), 1);
    assert_eq!(script.received().len(), 11);
}

// rows: 217
#[tokio::test]
async fn a_refresh_token_of_the_answer_is_not_used() {
    let script = provider(json!({ "access_token": "at", "expires_in": 60, "refresh_token": "rt" }));
    let clock = TestClock::default();
    let session = robot(&script, &clock).build().unwrap();
    get(&session).await;
    clock.advance(61);
    get(&session).await;
    let calls = token_calls(&script);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].form_value("grant_type").as_deref(), Some(JWT_BEARER));
    assert_eq!(calls[1].form_value("refresh_token"), None);
}

// rows: 218, 220
#[tokio::test]
async fn the_header_names_the_keys_id_and_sessions_share_nothing_but_the_key() {
    let script = hourly();
    let clock = TestClock::default();
    let plain = key();
    let named = robot(&script, &clock).key(plain.clone().key_id("key-1")).build().unwrap();
    let unnamed = robot(&script, &clock).key(plain.clone()).build().unwrap();
    get(&named).await;
    get(&unnamed).await;
    let headers: Vec<_> = token_calls(&script).iter().map(|request| assertion(request).0).collect();
    assert_eq!(Value::Object(headers[0].clone()), json!({ "alg": "ES256", "typ": "JWT", "kid": "key-1" }));
    assert_eq!(Value::Object(headers[1].clone()), json!({ "alg": "ES256", "typ": "JWT" }));
    assert_eq!(plain.id(), None);
}

// rows: 219
#[tokio::test]
async fn an_unknown_grant_is_an_error_before_any_request() {
    let script = hourly();
    let problems = Descriptor::from_yaml(&ACME.replace("  - password\n", "  - made_up\n"), "acme.yaml").unwrap_err().to_string();
    assert!(problems.contains("made_up"), "{problems}");
    let error = robot(&script, &TestClock::default()).set("grant_types_supported.0", "made_up").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("made_up"), "{error}");
    let without = ACME.replace("  - client_credentials\n", "");
    let error = client_of(&without, "secret", &script, &TestClock::default()).client_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("client_credentials"), "{error}");
    assert!(script.received().is_empty());
}
