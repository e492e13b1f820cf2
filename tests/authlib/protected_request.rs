//! Requests for protected resources: where the token goes, and where it never goes.

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use grantry_engine::{Descriptor, Error, ErrorKind, Phase, Session, Token};
use grantry_tests::NOW;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock};
use serde_json::json;

use crate::common::{ACME, client, client_of};

const IN_FORM: &str = "  access_token: { in: form }\n";
const IN_QUERY: &str = "  access_token: { in: query }\n";
const FORM: &str = "application/x-www-form-urlencoded";

/// A session with the token `t0ken`; the lines are added to the descriptor's section `requests`.
fn session(lines: &str, script: &Script) -> Session {
    client_of(&format!("{ACME}{lines}"), "secret", script, &TestClock::default()).session(Token::new("t0ken"))
}

fn answers() -> Script {
    Script::start(|_| Sent::json(200, json!([])))
}

fn refused(result: Result<grantry_engine::Response, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
    error.to_string()
}

fn headers<'a>(request: &'a Received, name: &str) -> Vec<&'a str> {
    request.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

// rows: 139, 148
#[tokio::test]
async fn the_header_is_the_engines_also_where_the_caller_set_it() {
    let script = answers();
    let session = session("", &script);
    session.get("items").send().await.unwrap();
    session.get("items").header("Authorization", "Basic Y2FsbGVy").send().await.unwrap();
    for request in script.received() {
        assert_eq!(headers(&request, "authorization"), ["Bearer t0ken"]);
        assert_eq!(request.target(), "/v1/items");
    }
}

// rows: 140, 142
#[tokio::test]
async fn in_an_empty_form_the_token_is_all_also_of_a_get() {
    let script = answers();
    let session = session(IN_FORM, &script);
    session.get("items").send().await.unwrap();
    session.post("items").send().await.unwrap();
    let received = script.received();
    assert_eq!((received[0].method.as_str(), received[1].method.as_str()), ("GET", "POST"));
    for request in received {
        assert_eq!(request.body_text(), "access_token=t0ken");
        assert_eq!(request.header("content-type"), Some(FORM));
        assert_eq!((request.header("authorization"), request.url.query()), (None, None));
    }
}

// rows: 141
#[tokio::test]
async fn in_a_form_the_token_follows_what_is_there_as_it_is() {
    let script = answers();
    let session = session(IN_FORM, &script);
    session.post("items").header("content-type", FORM).body("k=v+w").send().await.unwrap();
    assert_eq!(script.only().body_text(), "k=v+w&access_token=t0ken");
}

// rows: 143
#[tokio::test]
async fn a_token_for_a_form_never_touches_a_body_of_another_kind() {
    let script = answers();
    let session = session(IN_FORM, &script);
    let body = json!({ "a": "b c" });
    assert!(refused(session.post("items").json(&body).send().await).contains("form body"));
    assert!(script.received().is_empty());
    session.post("items").json(&body).without_token().send().await.unwrap();
    assert_eq!(script.only().body_text(), body.to_string());
}

// rows: 144, 145
#[tokio::test]
async fn in_the_query_the_token_follows_what_is_there_as_it_is() {
    let script = answers();
    let session = session(IN_QUERY, &script);
    for (target, sent) in [
        ("items", "/v1/items?access_token=t0ken"),
        ("items?a=1", "/v1/items?a=1&access_token=t0ken"),
        (
            "people/~:(id)?q=a%20b+c&flag&projection=(id,name*)&x=%7E",
            "/v1/people/~:(id)?q=a%20b+c&flag&projection=(id,name*)&x=%7E&access_token=t0ken",
        ),
    ] {
        session.get(target).send().await.unwrap();
        assert_eq!(script.received().last().unwrap().target(), sent);
    }
    assert!(script.received().iter().all(|request| request.header("authorization").is_none()));
}

// rows: 146
#[tokio::test]
async fn a_parameter_of_the_tokens_name_is_refused() {
    let script = answers();
    let query = session(IN_QUERY, &script);
    for request in [query.get("items?access_token=mine"), query.get("items").query(&[("access_token", "mine")])] {
        assert!(refused(request.send().await).contains("`access_token` already"));
    }
    let form = session(IN_FORM, &script);
    assert!(refused(form.post("items").form(&[("access_token", "mine")]).send().await).contains("`access_token` already"));
    assert!(script.received().is_empty());
}

// rows: 147
#[test]
fn an_unknown_placement_is_no_descriptor() {
    for place in ["headers", "body", "uri", "url", "cookie"] {
        let yaml = format!("{ACME}  access_token: {{ in: {place} }}\n");
        let problems = Descriptor::from_yaml(&yaml, "acme.yaml").unwrap_err().to_string();
        assert!(problems.contains(place) && problems.contains("query"), "{problems}");
    }
    for place in ["query", "form"] {
        Descriptor::from_yaml(&format!("{ACME}  access_token: {{ in: {place} }}\n"), "acme.yaml").unwrap();
    }
}

// rows: 149, 158
#[tokio::test]
async fn a_session_sends_the_token_that_it_was_given_and_nothing_without_one() {
    let script = answers();
    let client = client("secret", &script);
    for name in ["one", "two"] {
        client.session(Token::new(name)).get("items").send().await.unwrap();
        assert_eq!(script.received().last().unwrap().header("authorization"), Some(format!("Bearer {name}").as_str()));
    }
    assert!(refused(client.session(Token::new("")).get("items").send().await).contains("no access token"));
    assert_eq!(script.received().len(), 2);
    assert_eq!(Token::from_storage("{}").unwrap_err().kind(), ErrorKind::Misuse);
}

// rows: 150, 151
#[tokio::test]
async fn without_the_token_nothing_is_checked_and_the_callers_authorization_stands() {
    let script = answers();
    let mut expired = Token::new("old");
    expired.expires_at = Some(NOW - 1);
    expired.refresh_token = Some("rt".into());
    let session = client("secret", &script).session(expired);
    session.get("items").without_token().send().await.unwrap();
    session.get("items").without_token().header("authorization", "Basic Y2FsbGVy").send().await.unwrap();
    let received = script.received();
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|request| request.url.path() == "/v1/items"));
    assert_eq!(received[0].header("authorization"), None);
    assert_eq!(headers(&received[1], "authorization"), ["Basic Y2FsbGVy"]);
}

// rows: 152
#[tokio::test]
async fn an_answer_can_be_read_piece_by_piece_wherever_the_token_goes() {
    let long = "0123456789".repeat(20_000);
    let body = long.clone();
    let script = Script::start(move |_| Sent::text(200, body.clone()));
    for lines in ["", IN_FORM, IN_QUERY] {
        let mut response = session(lines, &script).post("items").send().await.unwrap();
        let (mut read, mut pieces) = (Vec::new(), 0);
        while let Some(piece) = response.chunk().await.unwrap() {
            read.extend_from_slice(&piece);
            pieces += 1;
        }
        assert!(pieces > 1);
        assert_eq!(String::from_utf8(read).unwrap(), long);
    }
    let received = script.received();
    assert_eq!(received[0].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(received[1].body_text(), "access_token=t0ken");
    assert_eq!(received[2].url.query(), Some("access_token=t0ken"));
}

// rows: 153
#[tokio::test]
async fn a_session_gives_another_http_client_a_valid_token() {
    let script = Script::answers([Sent::json(200, json!({ "access_token": "new", "expires_in": 3600 }))]);
    let mut expired = Token::new("old");
    expired.expires_at = Some(NOW - 1);
    expired.refresh_token = Some("rt".into());
    let session = client("secret", &script).session(expired);
    for _ in 0..2 {
        assert_eq!(session.token().await.unwrap().access_token.expose(), "new");
    }
    assert_eq!(script.only().form_value("grant_type").as_deref(), Some("refresh_token"));
}

/// How the request of a session ends that waits this long for a server that never answers.
async fn unanswered(read_timeout: Duration, own: Option<Duration>) -> Error {
    let (over, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let script = Script::start(move |_| {
        let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
        Sent::text(200, "")
    });
    // Dropped before the script, which waits for its last answer.
    let _over = over;
    let transport = script.transport_builder().connect_timeout(LONG).read_timeout(read_timeout).build();
    let request = client("secret", &script).transport(transport).session(Token::new("t0ken")).get("items");
    let request = own.into_iter().fold(request, grantry_engine::RequestBuilder::timeout);
    tokio::time::timeout(Duration::from_secs(20), request.send()).await.unwrap().unwrap_err()
}

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(3600);

// rows: 154
#[tokio::test]
async fn the_transports_timeout_holds_and_a_requests_own_ends_it_earlier() {
    for error in [unanswered(SHORT, None).await, unanswered(LONG, Some(SHORT)).await] {
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Network, Some(Phase::ProtectedRequest)));
        assert!(error.to_string().contains("in time"), "{error}");
    }
}

// rows: 155
#[tokio::test]
async fn the_token_goes_to_the_providers_origins_only() {
    let script = answers();
    let session = session("  api_origins: [\"https://api.acme.example\", \"https://files.acme.example\"]\n", &script);
    for stranger in [
        "https://evil.test/x",
        "http://api.acme.example/v1/items",
        "https://api.acme.example:8443/v1/items",
        "https://api.acme.example@evil.test/x",
        "https://api.acme.example.evil.test/x",
    ] {
        refused(session.get(stranger).send().await);
    }
    assert!(script.received().is_empty());
    for own in ["https://api.acme.example/v2/items", "https://files.acme.example/x"] {
        session.get(own).send().await.unwrap();
        let received = script.received();
        let request = received.last().unwrap();
        assert_eq!((request.url.as_str(), request.header("authorization")), (own, Some("Bearer t0ken")));
    }
}

// rows: 156
#[tokio::test]
async fn a_redirect_takes_the_token_nowhere() {
    for lines in ["", IN_QUERY] {
        let script = Script::answers([Sent::text(302, "").header("location", "https://evil.test/x")]);
        let response = session(lines, &script).get("items").send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["location"].as_bytes()), (302, &b"https://evil.test/x"[..]));
        let request = script.only();
        assert_eq!((request.url.host_str(), request.header("referer")), (Some("api.acme.example"), None));
    }
}

// rows: 157
#[tokio::test]
async fn a_path_stays_below_the_base_url() {
    let script = answers();
    let session = session("", &script);
    for target in ["/user", "user"] {
        session.get(target).send().await.unwrap();
        assert_eq!(script.received().last().unwrap().url.as_str(), "https://api.acme.example/v1/user");
    }
    for hostile in ["//evil.test/x", "///evil.test/x", "/\\evil.test/x", "\\\\evil.test/x", "../x", "a/%2e%2e/%2E%2e/x"] {
        refused(session.get(hostile).send().await);
    }
    assert_eq!(script.received().len(), 2);
}

// rows: 159
#[tokio::test]
async fn a_token_with_a_line_break_is_refused() {
    let script = answers();
    for hostile in ["a\r\nx-evil: 1", "a\nb", "a\0b"] {
        let message = refused(client("secret", &script).session(Token::new(hostile)).get("items").send().await);
        assert!(message.contains("Authorization"), "{message}");
    }
    assert!(script.received().is_empty());
}

#[tokio::test]
async fn an_api_that_repeats_a_renewed_token_puts_it_into_no_error() {
    let script = Script::answers([
        Sent::text(401, ""),
        Sent::json(200, json!({ "access_token": "n3w-token" })),
        Sent::text(403, "no scope for n3w-token"),
    ]);
    let mut token = Token::new("t0ken");
    token.refresh_token = Some("rt".into());
    let session = client("secret", &script).session(token);
    let error = session.get("items").await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert_eq!(error.excerpt().map(|excerpt| excerpt.contains("n3w-token")), Some(false), "{error}");
}

#[tokio::test]
async fn json_that_was_not_expected_is_in_no_error() {
    let refused = async |body: &str| {
        let script = Script::answers([Sent::text(200, body)]);
        let response = session("", &script).get("items").send().await.unwrap();
        let error = response.json::<u64>().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidResponse, Some(200)));
        assert!(!format!("{error:?}{:?}", std::error::Error::source(&error)).contains("hunter2"), "{error:?}");
        error.to_string()
    };
    assert!(refused(r#""hunter2""#).await.contains("is not the JSON that was expected, at line 1, column 9"));
    assert!(refused("hunter2").await.contains("is no JSON, at line 1, column 1"));
    assert!(refused("[7,").await.contains("is not the JSON"));
    assert!(refused("").await.contains("is JSON that ends too early, at line 1, column 0"));
}
