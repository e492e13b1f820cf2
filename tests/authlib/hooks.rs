//! The application's own code between the engine and the provider.

use std::sync::{Arc, Mutex};

use grantry_engine::{Descriptor, Error, ErrorKind, Hooks, HttpRequest, Token};
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::{ACME, client, client_of};

/// `dev:secret` as Basic credentials.
const BASIC: &str = "Basic ZGV2OnNlY3JldA==";

fn answers() -> Script {
    Script::start(|_| Sent::json(200, json!({ "access_token": "at" })))
}

fn refreshable() -> Token {
    let mut token = Token::new("old");
    token.refresh_token = Some("rt".into());
    token
}

/// Appends a word to the header `x-seen`.
fn see(mut request: HttpRequest, word: &str) -> HttpRequest {
    let seen = request.headers.get("x-seen").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = format!("{seen}{word}").parse().unwrap();
    request.headers.insert("x-seen", value);
    request
}

// rows: 160
#[test]
fn a_descriptor_with_an_unknown_hook_is_refused() {
    let yaml = |hook: &str| format!("{ACME}hooks: [{hook}]\n");
    Descriptor::from_yaml(&yaml("protected_request"), "acme.yaml").unwrap();
    let problems = Descriptor::from_yaml(&yaml("made_up"), "acme.yaml").unwrap_err().to_string();
    assert!(problems.contains("made_up") && problems.contains("protected_request"), "{problems}");
}

// rows: 161, 166
#[tokio::test]
async fn what_a_response_hook_returns_is_what_is_parsed() {
    let script = Script::answers([Sent::text(200, "token=at&secret=s%20t&ttl=60")]);
    let seen = Arc::new(Mutex::new(None));
    let log = Arc::clone(&seen);
    let hooks = Hooks::new().access_token_response(move |mut response| {
        *log.lock().unwrap() = Some((response.status.as_u16(), response.headers["content-type"].clone(), response.body.clone()));
        async move {
            let form: Vec<_> = form_urlencoded::parse(&response.body).into_owned().collect();
            let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let token = json!({ "access_token": value("token"), "expires_in": value("ttl"), "extra": value("secret") });
            response.body = token.to_string().into();
            Ok(response)
        }
    });
    let session = client("secret", &script).hooks(hooks).client_credentials().await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.extra.get("extra")), ("at", Some(&Value::from("s t"))));
    let (status, media_type, body) = seen.lock().unwrap().take().unwrap();
    assert_eq!((status, media_type.as_bytes()), (200, &b"text/plain"[..]));
    assert_eq!(&body[..], b"token=at&secret=s%20t&ttl=60");
}

// rows: 162
#[tokio::test]
async fn a_hook_of_protected_requests_sees_the_token_and_may_change_it() {
    let script = answers();
    let hooks = Hooks::new().protected_request(|mut request| async move {
        let bearer = request.headers.remove("authorization").unwrap();
        request.headers.insert("x-token", bearer);
        Ok(request)
    });
    client("secret", &script).hooks(hooks).session(Token::new("at")).get("items").send().await.unwrap();
    let request = script.only();
    assert_eq!((request.header("x-token"), request.header("authorization")), (Some("Bearer at"), None));
}

// rows: 163
#[tokio::test]
async fn a_hook_adds_the_token_to_the_query_and_a_descriptor_moves_it_there() {
    let script = answers();
    let hooks = Hooks::new().protected_request(|mut request| async move {
        request.url.query_pairs_mut().append_pair("oauth2_access_token", "at");
        Ok(request)
    });
    client("secret", &script).hooks(hooks).session(Token::new("at")).get("items").send().await.unwrap();
    let yaml = format!("{ACME}  access_token: {{ in: query, name: oauth2_access_token }}\n");
    let stated = client_of(&yaml, "secret", &script, &TestClock::default());
    stated.session(Token::new("at")).get("items").send().await.unwrap();
    let received = script.received();
    for (request, header) in received.iter().zip([Some("Bearer at"), None]) {
        assert_eq!((request.url.query(), request.header("authorization")), (Some("oauth2_access_token=at"), header));
    }
}

// rows: 164
#[tokio::test]
async fn a_hook_of_refreshes_changes_all_of_the_request_and_the_client_authenticates() {
    let script = answers();
    let hooks = Hooks::new().refresh_token_request(|mut request| async move {
        assert_eq!(request.body.as_bytes(), Some(&b"grant_type=refresh_token&refresh_token=rt"[..]));
        request.url = "https://acme.example/renew?v=2".parse().unwrap();
        request.body = "renew=rt".into();
        Ok(see(request, "hook"))
    });
    let client = client("secret", &script).hooks(hooks);
    client.refresh(&refreshable()).await.unwrap();
    let own = client.authenticate_with(|request| async move { Ok(see(request, ", then the method")) });
    own.refresh(&refreshable()).await.unwrap();
    let received = script.received();
    for (request, seen, authorization) in [(&received[0], "hook", Some(BASIC)), (&received[1], "hook, then the method", None)] {
        assert_eq!((request.target().as_str(), request.body_text().as_str()), ("/renew?v=2", "renew=rt"));
        assert_eq!((request.header("x-seen"), request.header("authorization")), (Some(seen), authorization));
    }
}

// rows: 165
#[tokio::test]
async fn hooks_of_revocation_and_introspection_see_their_endpoints() {
    let script = Script::start(|_| Sent::json(200, json!({ "active": true })));
    let see_url = |request: HttpRequest| async move {
        let url = request.url.to_string();
        Ok(see(request, &url))
    };
    let hooks = Hooks::new().revoke_token_request(see_url).introspect_token_request(see_url);
    let client = client("secret", &script).hooks(hooks);
    client.revoke(&Token::new("at")).await.unwrap();
    client.introspect(&Token::new("at")).await.unwrap();
    let seen: Vec<_> = script.received().iter().map(|request| request.header("x-seen").unwrap().to_owned()).collect();
    assert_eq!(seen, ["https://acme.example/revoke", "https://acme.example/introspect"]);
}

// rows: 167
#[tokio::test]
async fn hooks_run_in_the_order_in_which_they_were_added() {
    let script = answers();
    let word = |word: &'static str| move |request| async move { Ok(see(request, word)) };
    let client = client("secret", &script)
        .hooks(Hooks::new().protected_request(word("a")).protected_request(word("b")))
        .hooks(Hooks::new().protected_request(word("c")).protected_request(word("d")).protected_request(word("e")));
    client.session(Token::new("at")).get("items").send().await.unwrap();
    assert_eq!(script.only().header("x-seen"), Some("abcde"));
}

// rows: 168
#[tokio::test]
async fn a_hook_that_gives_nothing_stops_the_call_with_its_reason() {
    let script = answers();
    let stop = |_| async { Err(Error::custom("no tenant")) };
    let client = client("secret", &script).hooks(Hooks::new().access_token_request(stop).protected_request(stop));
    for error in
        [client.client_credentials().await.unwrap_err(), client.session(Token::new("at")).get("items").send().await.unwrap_err()]
    {
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Misuse, Some("acme")));
        assert!(error.to_string().contains("no tenant"), "{error}");
    }
    assert!(script.received().is_empty());
}

// rows: 169
#[tokio::test]
async fn a_clients_hooks_hold_for_each_of_its_sessions() {
    let script = answers();
    let hooks = Hooks::new().protected_request(|request| async move { Ok(see(request, "fixed")) });
    let client = client("secret", &script).hooks(hooks);
    client.session(Token::new("one")).get("items").send().await.unwrap();
    client.session(Token::new("two")).get("items").send().await.unwrap();
    client.client_credentials().await.unwrap().get("items").send().await.unwrap();
    let seen: Vec<_> = script.received().iter().map(|request| request.header("x-seen").map(str::to_owned)).collect();
    let fixed = Some("fixed".to_owned());
    assert_eq!(seen, [fixed.clone(), fixed.clone(), None, fixed]);
}
