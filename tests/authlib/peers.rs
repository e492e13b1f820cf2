//! What another Python library for the same protocol does.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use grantry_engine::{
    AssertionSession, AuthenticationMethod, Client, Credential, Descriptor, ErrorKind, Hooks, HttpRequest, SigningKey, Token,
};
use grantry_tests::NOW;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::keys::private_key_pem;
use grantry_tests::script::{Script, TestClock};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::common::{ACME, SECRET, client, client_of};
use crate::processes::run_again;

fn tokens(members: Value) -> Sent {
    let mut answer = json!({ "access_token": "at", "token_type": "bearer" });
    answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Sent::json(200, answer)
}

/// The token request of a sign-in.
async fn token_request(client: &Client, script: &Script) -> Received {
    let (_, pending) = client.authorize().state("st").start().unwrap();
    client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
    script.received().pop().unwrap()
}

fn refreshable() -> Token {
    let mut token = Token::new("old");
    token.refresh_token = Some("rt".into());
    token
}

// rows: 317
#[tokio::test]
async fn only_https_is_called() {
    let script = Script::answers([]);
    let insecure = async |mut request: HttpRequest| {
        request.url = "http://acme.example/x".parse().unwrap();
        Ok(request)
    };
    let client = client(SECRET, &script).hooks(Hooks::new().access_token_request(insecure).protected_request(insecure));
    let (_, pending) = client.authorize().state("st").start().unwrap();
    let from_token = client.exchange(pending, "/callback?code=c&state=st").await.map(|_| ()).unwrap_err();
    let from_api = client.session(Token::new("at")).get("items").send().await.map(|_| ()).unwrap_err();
    for error in [from_token, from_api] {
        assert_eq!(error.kind(), ErrorKind::Misuse);
        assert!(error.to_string().contains("http://acme.example is not an https URL"), "{error}");
    }
    assert!(script.received().is_empty());
}

// rows: 318
#[tokio::test]
async fn credentials_stand_in_the_header_or_in_the_body_and_never_in_both() {
    let script = Script::start(|_| tokens(json!({})));
    let sent = |request: &Received| {
        let header = request.header("authorization").map(str::to_owned);
        (header, request.form_value("client_id"), request.form_value("client_secret"))
    };
    let text = |text: &str| Some(text.to_owned());
    let basic = client("hush", &script);
    assert_eq!(sent(&token_request(&basic, &script).await), (text("Basic ZGV2Omh1c2g="), None, None));
    let post = basic.authentication_method(AuthenticationMethod::ClientSecretPost).unwrap();
    assert_eq!(sent(&token_request(&post, &script).await), (None, text("dev"), text("hush")));
    let public = client(Credential::None, &script);
    assert_eq!(sent(&token_request(&public, &script).await), (None, text("dev"), None));
    let empty = client("", &script).authentication_method(AuthenticationMethod::ClientSecretPost).unwrap();
    assert_eq!(sent(&token_request(&empty, &script).await), (None, text("dev"), None));
}

// rows: 319
#[tokio::test]
async fn a_token_request_can_go_by_the_query() {
    let script = Script::answers([tokens(json!({}))]);
    let yaml =
        ACME.replace("methods: [client_secret_basic, client_secret_post,", "methods: [client_secret_post, client_secret_basic,");
    let client = client_of(&format!("{yaml}token:\n  encoding: query\n"), "hush", &script, &TestClock::default());
    let request = token_request(&client, &script).await;
    let query = request.query();
    let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((request.method.as_str(), request.body.len(), request.header("content-type")), ("POST", 0, None));
    assert_eq!((value("grant_type"), value("code"), value("client_id")), (Some("authorization_code"), Some("c"), Some("dev")));
    assert_eq!((value("client_secret"), value("code_verifier").map(str::len)), (Some("hush"), Some(43)));
}

// rows: 320
#[test]
fn credentials_in_the_home_folder_are_not_sent() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("netrc");
    fs::create_dir_all(&home).unwrap();
    let file = home.join(".netrc");
    fs::write(&file, "default login eve password hunter2\nmachine api.acme.example login eve password hunter2\n").unwrap();
    let (home, file) = (home.to_str().unwrap(), file.to_str().unwrap());
    run_again("peers::the_token_is_the_only_authorization", &[("HOME", home), ("USERPROFILE", home), ("NETRC", file)]);
}

#[tokio::test]
async fn the_token_is_the_only_authorization() {
    let script = Script::start(|_| tokens(json!({})));
    let session = client(SECRET, &script).session(Token::new("at"));
    session.get("items").send().await.unwrap();
    session.get("items").without_token().send().await.unwrap();
    token_request(&client(Credential::None, &script), &script).await;
    let headers: Vec<Option<String>> =
        script.received().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(headers, [Some("Bearer at".to_owned()), None, None]);
}

// rows: 321
#[tokio::test]
async fn the_code_verifier_is_made_with_the_url_and_sent_with_the_code() {
    for (method, cell) in [("S256", ""), ("plain", "authorization:\n  code_challenge_method: plain\n")] {
        let script = Script::answers([tokens(json!({}))]);
        let client = client_of(&format!("{ACME}{cell}"), SECRET, &script, &TestClock::default());
        let (url, pending) = client.authorize().state("st").start().unwrap();
        let value = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
        let verifier = script.only().form_value("code_verifier").unwrap();
        assert_eq!((value("code_challenge_method").as_str(), verifier.len()), (method, 43));
        let hash = crate::signing::base64(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()));
        assert_eq!(value("code_challenge"), if method == "plain" { verifier } else { hash });
    }
    let wrong = format!("{ACME}authorization:\n  code_challenge_method: S512\n");
    assert!(Descriptor::from_yaml(&wrong, "acme.yaml").unwrap_err().to_string().contains("S512"));
}

// rows: 322
#[tokio::test]
async fn the_state_is_remembered_and_compared() {
    let script = Script::answers([tokens(json!({}))]);
    let client = client(SECRET, &script);
    for callback in ["/callback?code=c", "/callback?code=c&state=", "/callback?code=c&state=other"] {
        let (_, pending) = client.authorize().state("st").start().unwrap();
        let error = client.exchange(pending, callback).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Callback, "{callback}");
    }
    assert!(script.received().is_empty());
    token_request(&client, &script).await;
}

// rows: 323
#[tokio::test]
async fn a_refresh_authenticates_the_client_where_it_has_a_secret() {
    let script = Script::start(|_| tokens(json!({})));
    client(Credential::None, &script).refresh(&refreshable()).await.unwrap();
    client("hush", &script).refresh(&refreshable()).await.unwrap();
    let received = script.received();
    assert_eq!(received[0].header("authorization"), None);
    assert_eq!(received[0].body_text(), "grant_type=refresh_token&refresh_token=rt&client_id=dev");
    assert_eq!(received[1].header("authorization"), Some("Basic ZGV2Omh1c2g="));
    assert_eq!(received[1].body_text(), "grant_type=refresh_token&refresh_token=rt");
}

// rows: 324
#[tokio::test]
async fn a_renewed_token_is_used_at_once_whether_or_not_anybody_stores_it() {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&stored);
    for has_updater in [false, true] {
        let script = Script::answers([tokens(json!({ "access_token": "new" })), Sent::json(200, json!([]))]);
        let mut client = client(SECRET, &script);
        if has_updater {
            let log = Arc::clone(&log);
            client = client.update_token(move |update| {
                log.lock().unwrap().push(update.token.access_token.expose().to_owned());
                async { Ok(()) }
            });
        }
        let mut expired = refreshable();
        expired.expires_at = Some(NOW - 1);
        let session = client.session(expired);
        session.get("items").send().await.unwrap();
        assert_eq!(script.received()[1].header("authorization"), Some("Bearer new"));
        assert_eq!(session.current_token().unwrap().access_token.expose(), "new");
    }
    assert_eq!(*stored.lock().unwrap(), ["new"]);
}

// rows: 325
#[tokio::test]
async fn a_certificate_of_the_clients_reaches_the_server_and_its_id_stands_in_the_body() {
    let (script, certificate) = Script::start_mutual(|_| tokens(json!({})));
    let client = client(Credential::None, &script);
    let (_, pending) = client.authorize().state("st").start().unwrap();
    let error = client.exchange(pending, "/callback?code=c&state=st").await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(script.received().is_empty());
    let shown = client.transport(script.transport_builder().client_certificate(certificate).build());
    let request = token_request(&shown, &script).await;
    assert_eq!((request.form_value("client_id").as_deref(), request.form_value("client_secret")), (Some("dev"), None));
    assert_eq!(request.header("authorization"), None);
}

// rows: 326
#[tokio::test]
async fn a_provider_may_grant_other_scopes_than_were_asked_for() {
    let script = Script::answers([tokens(json!({ "scope": "read" })), tokens(json!({ "scope": "admin read write" }))]);
    let client = client(SECRET, &script);
    for granted in [vec!["read"], vec!["admin", "read", "write"]] {
        let (_, pending) = client.authorize().scopes(["read", "write"].map(str::to_owned)).state("st").start().unwrap();
        let session = client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
        assert_eq!(session.current_token().unwrap().scopes, granted);
    }
}

// rows: 327
#[tokio::test]
async fn request_hooks_have_one_shape() {
    let script = Script::start(|_| tokens(json!({})));
    let mark = async |mut request: HttpRequest| {
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://acme.example/token"));
        request.headers.insert("x-hook", "seen".parse().unwrap());
        let body = String::from_utf8(request.body.as_bytes().unwrap().to_vec()).unwrap();
        request.body = format!("{body}&added=1").into();
        Ok(request)
    };
    let client = client("hush", &script).hooks(Hooks::new().access_token_request(mark).refresh_token_request(mark));
    token_request(&client, &script).await;
    client.refresh(&refreshable()).await.unwrap();
    for (request, grant) in script.received().iter().zip(["authorization_code", "refresh_token"]) {
        assert_eq!(request.header("x-hook"), Some("seen"));
        assert_eq!(request.form_value("grant_type").as_deref(), Some(grant));
        assert_eq!(request.form_value("added").as_deref(), Some("1"));
    }
    assert_eq!(script.received().len(), 2);
}

// rows: 328
#[tokio::test]
async fn a_protected_requests_hook_sees_the_token_and_can_take_it_out() {
    let script = Script::start(|_| Sent::json(200, json!([])));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let hooks = Hooks::new().protected_request(move |mut request| {
        let header = request.headers.remove("authorization");
        log.lock().unwrap().push(header.map(|value| value.to_str().unwrap().to_owned()));
        async { Ok(request) }
    });
    client(SECRET, &script).hooks(hooks).session(Token::new("at")).get("items").send().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [Some("Bearer at".to_owned())]);
    assert_eq!(script.only().header("authorization"), None);
}

/// Everything that anybody logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{}={value:?}\n", field.name()));
    }
}

// rows: 329
#[tokio::test]
async fn no_log_and_no_debug_text_has_a_secret() {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let script = Script::answers([
        Sent::text(200, r#"{"access_token":"secret-at","refresh_token":"secret-rt","scope":"a","expires_in":7200000000}"#),
        Sent::json(200, json!([])),
        Sent::text(400, r#"{"error":"invalid_grant","error_description":"secret-rt is gone"}"#),
    ]);
    let client = client("secret-of-the-client-0123456789abcdef", &script);
    let (_, pending) = client.authorize().state("st").start().unwrap();
    let mut shown = format!("{client:?}{pending:?}");
    let session = client.exchange(pending, "/callback?code=secret-code&state=st").await.unwrap();
    session.get("items").query(&[("q", "secret-query")]).send().await.unwrap();
    let error = session.refresh().await.unwrap_err();
    shown.push_str(&format!("{session:?}{:?}{error:?}{error}", session.current_token()));
    drop(guard);
    let log = log.0.lock().unwrap().clone();
    // The provider's drift was told, so the log does work.
    assert!(log.contains("text/plain"), "{log}");
    assert!(!log.contains("secret-"), "{log}");
    assert!(!shown.contains("secret-"), "{shown}");
}

// rows: 330
#[tokio::test]
async fn a_session_is_authorized_once_it_has_a_token() {
    let script = Script::answers([tokens(json!({}))]);
    let session = client(SECRET, &script).client_credentials().await.unwrap();
    assert!(session.current_token().is_some());
    let session = AssertionSession::builder()
        .token_endpoint("https://acme.example/token")
        .issuer("me")
        .audience("https://acme.example/token")
        .key(SigningKey::from_pem(private_key_pem("es256").unwrap()).unwrap())
        .build()
        .unwrap();
    assert!(session.current_token().is_none());
}
