//! What comes to the redirect URI.

use grantry_engine::{Callback, Client, Error, ErrorKind, Pending, Phase, Session};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{ACME, client};
use crate::sign_in::{OPENID, acme, granted, online, pending};

/// A sign-in with the state `st`, called back; and how often the provider was asked for a token.
async fn called_back(yaml: &str, callback: impl Into<Callback>) -> (Result<Session, Error>, usize) {
    let script = Script::answers([granted()]);
    let client = online(yaml, "secret", &script);
    let result = client.exchange(pending(&client), callback).await;
    (result, script.received().len())
}

/// The error of a callback for which the provider was not asked.
async fn refusal(yaml: &str, callback: impl Into<Callback>) -> Error {
    let (result, requests) = called_back(yaml, callback).await;
    assert_eq!(requests, 0);
    result.unwrap_err()
}

/// As [`refusal`], for a callback that is no answer to the sign-in: kind and phase are checked.
async fn mismatch(yaml: &str, callback: impl Into<Callback>) -> String {
    let error = refusal(yaml, callback).await;
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Callback, Some(Phase::Callback)), "{error}");
    assert!(error.needs_login());
    error.to_string()
}

const WRONG_STATE: &str = "acme: callback: the state of the callback is not that of this sign-in";
const NO_STATE: &str = "acme: callback: the callback has no state";
const NO_CODE: &str = "acme: callback: the callback has neither a code nor an error";

// rows: 36, 41, 42
#[tokio::test]
async fn the_code_of_the_whole_url_or_of_its_path_and_query_is_exchanged() {
    let script = Script::answers([granted(), granted(), granted()]);
    let client = client("secret", &script);
    let url = "https://app.example/callback?code=a%2Fb&state=st";
    client.exchange(pending(&client), url).await.unwrap();
    client.exchange(pending(&client), url.parse::<url::Url>().unwrap()).await.unwrap();
    client.exchange(pending(&client), "/callback?state=st&code=a%2Fb").await.unwrap();
    let received = script.received();
    assert_eq!(received.len(), 3);
    for request in received {
        assert_eq!(request.form_value("code").as_deref(), Some("a/b"));
        assert_eq!(request.form_value("grant_type").as_deref(), Some("authorization_code"));
    }
}

// rows: 37, 58
#[tokio::test]
async fn a_callback_without_a_code_is_refused() {
    assert_eq!(mismatch(ACME, "https://app.example/callback?state=st").await, NO_CODE);
    assert_eq!(mismatch(ACME, "https://app.example/callback?code=&state=st").await, NO_CODE);
}

// rows: 38, 39, 57
#[tokio::test]
async fn a_callback_of_another_state_or_none_is_refused_before_any_request() {
    for state in ["c", "ST", "st+", "s", "stt", ""] {
        assert_eq!(mismatch(ACME, format!("https://app.example/callback?code=a&state={state}")).await, WRONG_STATE, "{state:?}");
    }
    assert_eq!(mismatch(ACME, "https://app.example/callback?code=a").await, NO_STATE);
}

// rows: 40, 43
#[tokio::test]
async fn a_code_is_exchanged_for_a_pending_sign_in_only_whose_state_it_brings() {
    let script = Script::answers([granted()]);
    let client = client("secret", &script);
    let start = || client.authorize().start().unwrap().1;
    assert_ne!(start().state(), "");
    for callback in ["/callback?code=a", "?code=a", "code=a", "a", "/callback?code=a&state=", "/callback?code=a&state=guess"] {
        let error = client.exchange(start(), callback).await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Callback, Some(Phase::Callback)), "{callback}");
    }
    assert!(script.received().is_empty());
    let started = start();
    let callback = format!("/callback?code=a&state={}", started.state());
    client.exchange(started, callback).await.unwrap();
}

// rows: 44, 53
#[tokio::test]
async fn an_error_of_the_provider_is_that_error_and_no_token_is_asked_for() {
    let callback = "https://app.example/callback?error=access_denied&error_description=The+user+said+no\
                    &error_uri=https%3A%2F%2Facme.example%2Fno&state=st";
    let error = refusal(ACME, callback).await;
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Refused, Some(Phase::Callback)));
    assert_eq!(error.code(), Some("access_denied"));
    assert_eq!(error.description(), Some("The user said no"));
    assert_eq!(error.uri(), Some("https://acme.example/no"));
    assert!(error.needs_login());
    assert_eq!(refusal(ACME, "/callback?error=server_error&state=st").await.code(), Some("server_error"));
}

// rows: 45
#[tokio::test]
async fn an_error_code_is_no_code() {
    let callback = "/callback?error=access_denied&error_code=200&error_reason=user_denied&state=st";
    let error = refusal(ACME, callback).await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, Some("access_denied")));
    let (error, requests) = called_back(ACME, "/callback?code=a&error=server_error&state=st").await;
    assert_eq!((error.unwrap_err().code(), requests), (Some("server_error"), 0));
}

// rows: 46
#[tokio::test]
async fn a_fragment_behind_a_query_with_a_code_is_ignored() {
    let script = Script::answers([granted()]);
    let client = client("secret", &script);
    client.exchange(pending(&client), "https://app.example/callback?code=v&state=st#_=_").await.unwrap();
    assert_eq!(script.only().form_value("code").as_deref(), Some("v"));
}

fn implicit(client: &Client) -> Pending {
    client.implicit().state("st").start().unwrap().1
}

// rows: 47, 48, 52
#[tokio::test]
async fn a_token_of_a_fragment_is_the_sessions_and_its_expiry_a_time() {
    let script = Script::answers([Sent::json(200, json!([]))]);
    let client = client("secret", &script);
    let callback = "https://app.example/callback#access_token=2YotnFZ&state=st&token_type=bearer&expires_in=3600&scope=read";
    let session = client.exchange(implicit(&client), callback).await.unwrap();
    assert!(script.received().is_empty());
    let token = session.current_token().unwrap();
    assert_eq!(token.access_token.expose(), "2YotnFZ");
    assert_eq!(token.expires_at, Some(NOW + 3600));
    assert_eq!(token.scopes, ["read"]);
    assert!(token.extra.is_empty(), "{token:?}");
    session.get("items").send().await.unwrap();
    assert_eq!(script.only().header("authorization"), Some("Bearer 2YotnFZ"));
}

// rows: 49, 50
#[tokio::test]
async fn of_a_fragment_the_state_is_checked_first_then_the_error_then_the_token() {
    let script = Script::answers([]);
    let client = client("secret", &script);
    let exchange =
        async |fragment: &str| client.exchange(implicit(&client), format!("https://app.example/callback#{fragment}")).await;
    let message = async |fragment: &str| exchange(fragment).await.unwrap_err().to_string();
    assert_eq!(message("state=other&token_type=bearer").await, WRONG_STATE);
    assert_eq!(message("error=access_denied&state=other").await, WRONG_STATE);
    assert_eq!(message("access_token=at&token_type=bearer").await, NO_STATE);
    let denied = exchange("error=access_denied&error_description=no&state=st").await.unwrap_err();
    assert_eq!((denied.kind(), denied.code(), denied.description()), (ErrorKind::Refused, Some("access_denied"), Some("no")));
    let empty = exchange("state=st&token_type=bearer").await.unwrap_err();
    assert_eq!((empty.kind(), empty.phase()), (ErrorKind::Callback, Some(Phase::Callback)));
    assert!(empty.to_string().contains("neither an access_token nor an error"), "{empty}");
    // Without a type it is a bearer token.
    assert_eq!(exchange("access_token=at&state=st").await.unwrap().current_token().unwrap().token_type, "Bearer");
    assert!(script.received().is_empty());
}

// rows: 51
#[tokio::test]
async fn the_code_of_a_hybrid_response_is_exchanged() {
    let script = Script::answers([granted()]);
    let client = client("secret", &script);
    let (_, started) = client.authorize().response_type("code token").state("st").start().unwrap();
    let callback = "https://app.example/callback#code=c&access_token=front&token_type=bearer&state=st";
    let session = client.exchange(started, callback).await.unwrap();
    assert_eq!(script.only().form_value("code").as_deref(), Some("c"));
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");
}

// rows: 54
#[tokio::test]
async fn the_state_of_an_error_is_checked_too() {
    assert_eq!(mismatch(ACME, "/callback?error=access_denied&state=other").await, WRONG_STATE);
    assert_eq!(mismatch(ACME, "/callback?error=access_denied").await, NO_STATE);
    let form = acme("authorization:\n  parameters: { response_mode: form_post }\n");
    assert_eq!(mismatch(&form, Callback::form_post("error=access_denied&state=other")).await, WRONG_STATE);
}

// rows: 55, 56
#[tokio::test]
async fn a_posted_form_is_read_like_a_query() {
    let yaml = acme("authorization:\n  parameters: { response_mode: form_post }\n");
    let script = Script::answers([granted()]);
    let client = online(&yaml, "secret", &script);
    client.exchange(pending(&client), Callback::form_post("code=a%2Bb+c&state=st")).await.unwrap();
    assert_eq!(script.only().form_value("code").as_deref(), Some("a+b c"));
    let error = refusal(&yaml, Callback::form_post("error=access_denied&error_description=no&state=st")).await;
    assert_eq!((error.kind(), error.code(), error.description()), (ErrorKind::Refused, Some("access_denied"), Some("no")));
    assert_eq!(mismatch(&yaml, Callback::form_post("state=st")).await, NO_CODE);
}

/// Ambiguous, and so a compile error, where `T` is `Clone`.
trait UsableOnce<Marker> {
    fn is_usable_once() -> bool {
        true
    }
}
struct IsClone;
impl<T> UsableOnce<()> for T {}
impl<T: Clone> UsableOnce<IsClone> for T {}

// rows: 59, 60
#[tokio::test]
async fn a_pending_sign_in_is_used_up_by_its_exchange_and_keeps_its_redirect_uri() {
    assert!(<Pending as UsableOnce<_>>::is_usable_once());
    let script = Script::answers([Sent::json(400, json!({ "error": "invalid_grant" })), granted()]);
    let client = client("secret", &script);
    let elsewhere = client.clone().redirect_uri("https://app.example/elsewhere").unwrap();
    // Moved into the exchange, whether that fails or not.
    let error = elsewhere.exchange(pending(&client), "/callback?code=a&state=st").await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"));
    elsewhere.exchange(pending(&client), "/callback?code=a&state=st").await.unwrap();
    let received = script.received();
    assert_eq!(received.len(), 2);
    for request in received {
        assert_eq!(request.form_value("redirect_uri").as_deref(), Some("https://app.example/callback"));
    }
}

// rows: 61
#[tokio::test]
async fn the_issuer_of_a_callback_is_checked() {
    let yaml = acme(OPENID);
    let ok = "/callback?code=a&state=st";
    let right = format!("{ok}&iss=https%3A%2F%2Facme.example");
    let wrong = format!("{ok}&iss=https%3A%2F%2Fevil.example");
    const ANOTHER: &str = "acme: callback: the callback comes from another issuer (`iss`)";
    assert!(called_back(&yaml, ok).await.0.is_ok());
    assert!(called_back(&yaml, right.as_str()).await.0.is_ok());
    assert_eq!(mismatch(&yaml, wrong.as_str()).await, ANOTHER);
    let announced = format!("{yaml}authorization:\n  iss_parameter: true\n");
    assert!(called_back(&announced, right).await.0.is_ok());
    assert_eq!(mismatch(&announced, wrong).await, ANOTHER);
    assert_eq!(mismatch(&announced, ok).await, "acme: callback: the callback does not name its issuer (`iss`)");
}

// rows: 62
#[tokio::test]
async fn further_parameters_of_the_callback_are_in_neither_request_nor_token() {
    let script = Script::answers([granted()]);
    let client = online(&acme("scopes:\n  default: [read]\n"), "secret", &script);
    let callback = "/callback?code=a&state=st&session_state=s-1&scope=admin&access_token=forged&expires_in=9";
    let session = client.exchange(pending(&client), callback).await.unwrap();
    let names: Vec<String> = script.only().form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in ["grant_type", "redirect_uri", "code", "code_verifier"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.expires_at), ("at", Some(NOW + 3600)));
    assert_eq!(token.scopes, ["read"]);
    assert!(token.extra.is_empty(), "{token:?}");
}
