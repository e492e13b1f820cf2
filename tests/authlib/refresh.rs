//! Refreshing, by hand and by itself.

use std::sync::{Arc, Mutex};

use grantry_engine::{Client, Descriptor, Error, ErrorKind, Hooks, Phase, Session, Token, TokenUpdate};
use grantry_tests::NOW;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::common::{ACME, client, client_of};

/// `dev:secret` as Basic credentials.
const BASIC: &str = "Basic ZGV2OnNlY3JldA==";

fn expired() -> Token {
    let mut token = Token::new("old");
    token.expires_at = Some(NOW - 1);
    token.refresh_token = Some("rt-1".into());
    token
}

/// Issues a token with these members at the token endpoint, and answers `[]` elsewhere.
fn provider(members: Value) -> Script {
    Script::start(move |request| match request.url.path() {
        "/token" => Sent::json(200, members.clone()),
        _ => Sent::json(200, json!([])),
    })
}

fn token_calls(script: &Script) -> Vec<Received> {
    script.received().into_iter().filter(|request| request.url.path() == "/token").collect()
}

/// What `update_token` heard.
type Heard = Arc<Mutex<Vec<TokenUpdate>>>;

fn listening(client: Client) -> (Client, Heard) {
    let heard = Heard::default();
    let log = Arc::clone(&heard);
    let client = client.update_token(move |update| {
        log.lock().unwrap().push(update);
        async { Ok(()) }
    });
    (client, heard)
}

/// A session of the client's own, one hour after its token expired.
async fn client_session(client: Client, clock: &TestClock) -> Session {
    let session = client.client_credentials().await.unwrap();
    clock.advance(3600 + 3600);
    session
}

// rows: 170
#[tokio::test]
async fn a_refresh_by_hand_sends_a_scope_only_where_one_is_named() {
    let script = provider(json!({ "access_token": "new" }));
    let client = client("secret", &script);
    let mut token = expired();
    token.scopes = vec!["read".into(), "write".into()];
    let renewed = client.refresh(&token).await.unwrap();
    assert_eq!((renewed.access_token.expose(), renewed.scopes), ("new", token.scopes.clone()));
    client.refresh(&token).scopes(["read".to_owned()]).await.unwrap();
    let received = script.received();
    assert_eq!(received[0].body_text(), "grant_type=refresh_token&refresh_token=rt-1");
    assert_eq!(received[1].body_text(), "grant_type=refresh_token&refresh_token=rt-1&scope=read");
}

// rows: 171
#[tokio::test]
async fn a_session_refreshes_with_its_own_refresh_token() {
    let script = provider(json!({ "access_token": "new" }));
    let session = client("secret", &script).session(expired());
    assert_eq!(session.refresh().await.unwrap().access_token.expose(), "new");
    assert_eq!(script.only().form_value("refresh_token").as_deref(), Some("rt-1"));
}

// rows: 172
#[tokio::test]
async fn without_a_refresh_token_nothing_is_sent() {
    let script = provider(json!({ "access_token": "new" }));
    let client = client("secret", &script);
    let token = Token::new("old");
    let errors = [client.refresh(&token).await.unwrap_err(), client.session(token).refresh().await.unwrap_err()];
    for error in errors {
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Refresh)));
        assert!(error.to_string().contains("no refresh token"), "{error}");
    }
    assert!(script.received().is_empty());
}

// rows: 173
#[tokio::test]
async fn a_refresh_token_that_is_not_repeated_is_kept() {
    let script = provider(json!({ "access_token": "new", "expires_in": 3600 }));
    let session = client("secret", &script).session(expired());
    for _ in 0..2 {
        let token = session.refresh().await.unwrap();
        assert_eq!(token.refresh_token.as_ref().map(|token| token.expose()), Some("rt-1"));
    }
    assert_eq!(script.received()[1].form_value("refresh_token").as_deref(), Some("rt-1"));
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

// rows: 176, 188
#[tokio::test]
async fn a_renewal_is_told_once_with_the_token_before() {
    let script = provider(json!({ "access_token": "new", "expires_in": 3600, "refresh_token": "rt-2" }));
    let (client, heard) = listening(client("secret", &script));
    let session = client.session(expired());
    session.get("items").send().await.unwrap();
    session.get("items").send().await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1);
    let previous = heard[0].previous.as_ref().unwrap();
    assert_eq!(heard[0].token.access_token.expose(), "new");
    assert_eq!(heard[0].token.refresh_token.as_ref().unwrap().expose(), "rt-2");
    assert_eq!((previous.access_token.expose(), previous.refresh_token.as_ref().unwrap().expose()), ("old", "rt-1"));
}

// rows: 177, 178
#[tokio::test]
async fn a_client_of_its_own_fetches_another_token_and_tells_if_it_is_asked_to() {
    for listens in [false, true] {
        let issued = Mutex::new(0);
        let script = Script::start(move |request| match request.url.path() {
            "/token" => {
                let mut issued = issued.lock().unwrap();
                *issued += 1;
                Sent::json(200, json!({ "access_token": format!("at-{issued}"), "expires_in": 3600 }))
            }
            _ => Sent::json(200, json!([])),
        });
        let clock = TestClock::default();
        let client = client_of(ACME, "secret", &script, &clock);
        let (client, heard) = if listens { listening(client) } else { (client, Heard::default()) };
        let session = client_session(client, &clock).await;
        session.get("items").send().await.unwrap();
        let received = script.received();
        assert_eq!(received.len(), 3);
        assert_eq!(received[1].body_text(), "grant_type=client_credentials");
        assert_eq!(received[2].header("authorization"), Some("Bearer at-2"));
        let heard = heard.lock().unwrap();
        let told: Vec<_> = heard
            .iter()
            .map(|update| (update.token.access_token.expose(), update.previous.as_ref().unwrap().access_token.expose()))
            .collect();
        assert_eq!(told, if listens { vec![("at-2", "at-1")] } else { vec![] });
    }
}

// rows: 179
#[tokio::test]
async fn the_body_of_the_request_that_renews_is_delivered() {
    let script = provider(json!({ "access_token": "at", "expires_in": 3600 }));
    let clock = TestClock::default();
    let session = client_session(client_of(ACME, "secret", &script, &clock), &clock).await;
    session.post("items").json(&json!({ "a": 1 })).send().await.unwrap();
    let received = script.received();
    assert_eq!(received.len(), 3);
    assert_eq!((received[2].method.as_str(), received[2].body_text().as_str()), ("POST", r#"{"a":1}"#));
    assert_eq!(received[2].header("content-type"), Some("application/json"));
}

// rows: 180
#[tokio::test]
async fn an_expired_token_that_nothing_renews_is_an_error_before_the_api_is_called() {
    let script = provider(json!({ "access_token": "new" }));
    let mut token = expired();
    token.refresh_token = None;
    let error = client("secret", &script).session(token).get("items").send().await.unwrap_err();
    assert_eq!((error.kind(), error.needs_login()), (ErrorKind::ReauthRequired, true));
    assert!(script.received().is_empty());
}

// rows: 181
#[tokio::test]
async fn ten_requests_at_once_make_one_refresh_and_tell_it_once() {
    let script = provider(json!({ "access_token": "new", "expires_in": 3600, "refresh_token": "rt-2" }));
    let (client, heard) = listening(client("secret", &script));
    let session = client.session(expired());
    let mut requests: JoinSet<_> = (0..10).map(|_| session.get("items").send()).collect();
    while let Some(response) = requests.join_next().await {
        response.unwrap().unwrap();
    }
    assert_eq!(token_calls(&script).len(), 1);
    assert_eq!(heard.lock().unwrap().len(), 1);
    let calls: Vec<_> = script.received().into_iter().filter(|request| request.url.path() == "/v1/items").collect();
    assert_eq!(calls.len(), 10);
    assert!(calls.iter().all(|request| request.header("authorization") == Some("Bearer new")));
}

// rows: 182
#[tokio::test]
async fn a_refused_renewal_is_the_providers_error_and_the_token_stays() {
    let refusal = json!({ "error": "invalid_grant", "error_description": "revoked" });
    let script = Script::answers([Sent::json(400, refusal)]);
    let session = client("secret", &script).session(expired());
    let error = session.get("items").send().await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ReauthRequired, Some(Phase::Refresh)));
    assert_eq!((error.code(), error.description(), error.needs_login()), (Some("invalid_grant"), Some("revoked"), true));
    assert_eq!(script.only().url.path(), "/token");
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.refresh_token.as_ref().unwrap().expose()), ("old", "rt-1"));
}

// rows: 183
#[tokio::test]
async fn an_error_of_the_storage_is_told_and_loses_no_token() {
    let script = provider(json!({ "access_token": "new", "expires_in": 3600, "refresh_token": "rt-2" }));
    let client = client("secret", &script).update_token(|_| async { Err(Error::custom("the disk is full")) });
    let session = client.session(expired());
    let error = session.get("items").send().await.unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(session.current_token().unwrap().refresh_token.as_ref().unwrap().expose(), "rt-2");
    session.get("items").send().await.unwrap();
    assert_eq!(token_calls(&script).len(), 1);
    assert_eq!(script.received()[1].header("authorization"), Some("Bearer new"));
}

// rows: 184
#[tokio::test]
async fn a_token_tells_when_its_refresh_token_expires_and_the_provider_decides() {
    let script = provider(json!({ "access_token": "at", "expires_in": 60, "refresh_token": "rt", "refresh_expires_in": 600 }));
    let clock = TestClock::default();
    let yaml = format!("{ACME}response: {{ names: {{ refresh_token_expires_in: refresh_expires_in }} }}\n");
    let client = client_of(&yaml, "secret", &script, &clock);
    let token = client.password("user", "password").await.unwrap().current_token().unwrap();
    assert_eq!(token.refresh_token_expires_at, Some(NOW + 600));
    let stored = Token::from_storage(token.expose_for_storage().expose()).unwrap();
    assert_eq!(stored.refresh_token_expires_at, Some(NOW + 600));
    clock.advance(601);
    let renewed = client.session(stored).token().await.unwrap();
    assert_eq!(renewed.refresh_token_expires_at, Some(NOW + 601 + 600));
    assert_eq!(script.received()[1].form_value("grant_type").as_deref(), Some("refresh_token"));
}

// rows: 185
#[test]
fn a_grant_without_a_token_endpoint_is_no_descriptor() {
    const YAML: &str = "
name: Acme
documentation: https://docs.acme.example/
endpoints: { revocation_endpoint: https://acme.example/revoke }
grant_types_supported: [client_credentials]
client_authentication: { method: client_secret_basic }
";
    let problems = Descriptor::from_yaml(YAML, "acme.yaml").unwrap_err().to_string();
    assert!(problems.contains("`client_credentials` needs `endpoints.token_endpoint`"), "{problems}");
    let complete = YAML.replace("{ revocation_", "{ token_endpoint: https://acme.example/token, revocation_");
    Descriptor::from_yaml(&complete, "acme.yaml").unwrap();
}

// rows: 186
#[tokio::test]
async fn a_password_is_never_sent_again() {
    let script = provider(json!({ "access_token": "at", "expires_in": 60 }));
    let clock = TestClock::default();
    let session = client_of(ACME, "secret", &script, &clock).password("user", "password").await.unwrap();
    clock.advance(61);
    let error = session.get("items").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReauthRequired);
    assert_eq!(script.only().form_value("password").as_deref(), Some("password"));
}

// rows: 187
#[tokio::test]
async fn an_expired_token_from_storage_is_renewed_with_the_clients_credentials_first() {
    let script = provider(json!({ "access_token": "new", "expires_in": 3600 }));
    let text = json!({ "access_token": "old", "expires_at": NOW - 100, "refresh_token": "rt-1" }).to_string();
    let session = client("secret", &script).session(Token::from_storage(&text).unwrap());
    let response = session.get("user").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let received = script.received();
    assert_eq!((received[0].url.path(), received[0].header("authorization")), ("/token", Some(BASIC)));
    assert_eq!((received[1].url.path(), received[1].header("authorization")), ("/v1/user", Some("Bearer new")));
}

// rows: 189
#[tokio::test]
async fn renewals_can_be_switched_off_and_given_headers_of_their_own() {
    let script = provider(json!({ "access_token": "new", "expires_in": 3600 }));
    let hooks = Hooks::new().refresh_token_request(|mut request| async move {
        request.headers.insert("x-partner", "acme".parse().unwrap());
        Ok(request)
    });
    let client = client("secret", &script).hooks(hooks);
    client.clone().without_automatic_refresh().session(expired()).get("items").send().await.unwrap();
    assert_eq!(script.only().header("authorization"), Some("Bearer old"));
    client.session(expired()).get("items").send().await.unwrap();
    let received = script.received();
    assert_eq!((received[1].url.path(), received[1].header("x-partner")), ("/token", Some("acme")));
    assert_eq!(received[2].header("x-partner"), None);
}
