//! How the client proves who it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantry_engine::{AuthenticationMethod, Body, Client, Code, Credential, Descriptor, ErrorKind, HttpRequest, Token};
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::ACME;
use crate::sign_in::{acme, acme_by, granted, offline, online, problems};

/// The request for a token by client credentials.
async fn sent(yaml: &str, credential: impl Into<Credential>) -> Received {
    let script = Script::answers([granted()]);
    online(yaml, credential, &script).client_credentials().await.unwrap();
    script.only()
}

/// The same, of a client of another id.
async fn sent_by(yaml: &str, id: &str, secret: &str) -> Received {
    let script = Script::answers([granted()]);
    let descriptor = Descriptor::from_yaml(yaml, "acme.yaml").unwrap();
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), id, secret).unwrap().transport(script.transport());
    client.client_credentials().await.unwrap();
    script.only()
}

/// What stands in a request's Basic credentials.
fn basic(request: &Received) -> String {
    let encoded = request.header("authorization").and_then(|header| header.strip_prefix("Basic ")).unwrap();
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

// rows: 87, 88
#[tokio::test]
async fn a_secret_makes_basic_credentials_and_without_one_the_id_is_in_the_body() {
    let request = sent(ACME, "secret").await;
    assert_eq!(request.header("authorization"), Some("Basic ZGV2OnNlY3JldA=="));
    assert_eq!(request.body_text(), "grant_type=client_credentials");
    let request = sent(ACME, Credential::None).await;
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.body_text(), "grant_type=client_credentials&client_id=dev");
}

// rows: 89
#[tokio::test]
async fn post_appends_id_and_secret_to_the_body() {
    let script = Script::answers([granted()]);
    let client = online(ACME, "s&c", &script).authentication_method(AuthenticationMethod::ClientSecretPost).unwrap();
    client.client_credentials().scopes(["s".into()]).await.unwrap();
    let request = script.only();
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.body_text(), "grant_type=client_credentials&scope=s&client_id=dev&client_secret=s%26c");
}

// rows: 90
#[tokio::test]
async fn basic_credentials_are_encoded_unless_the_descriptor_says_raw() {
    let raw = acme_by("client_secret_basic", "").replace("client_secret_basic\n", "client_secret_basic\n  encoding: raw\n");
    assert_eq!(basic(&sent_by(ACME, "i:d", "s c+/=").await), "i%3Ad:s%20c%2B%2F%3D");
    assert_eq!(basic(&sent_by(&raw, "i:d", "s c+/=").await), "i:d:s c+/=");
}

// rows: 91
#[tokio::test]
async fn basic_credentials_are_utf_8() {
    let raw = acme_by("client_secret_basic", "").replace("client_secret_basic\n", "client_secret_basic\n  encoding: raw\n");
    assert_eq!(basic(&sent(&raw, "\u{43f}\u{430}\u{440}").await), "dev:\u{43f}\u{430}\u{440}");
    assert_eq!(basic(&sent(ACME, "\u{43f}\u{e9}").await), "dev:%D0%BF%C3%A9");
}

// rows: 92
#[tokio::test]
async fn post_without_a_secret_sends_no_empty_secret() {
    let script = Script::answers([granted(), granted()]);
    for credential in [Credential::None, "".into()] {
        let client = online(ACME, credential, &script).authentication_method(AuthenticationMethod::ClientSecretPost).unwrap();
        client.client_credentials().await.unwrap();
    }
    let bodies: Vec<String> = script.received().iter().map(Received::body_text).collect();
    assert_eq!(bodies, ["grant_type=client_credentials&client_id=dev"; 2]);
}

// rows: 93
#[tokio::test]
async fn revocation_can_have_a_method_of_its_own_and_introspection_has_the_clients() {
    let script = Script::answers([granted(), Sent::text(200, ""), Sent::json(200, json!({ "active": true }))]);
    let client = online(&acme("revocation:\n  authentication: client_secret_post\n"), "secret", &script);
    client.client_credentials().await.unwrap();
    client.revoke(&Token::new("at")).await.unwrap();
    client.introspect(&Token::new("at")).await.unwrap();
    let [token, revocation, introspection] = &script.received()[..] else { panic!("three requests") };
    assert_eq!((basic(token).as_str(), basic(introspection).as_str()), ("dev:secret", "dev:secret"));
    assert_eq!(introspection.form_value("client_secret"), None);
    assert_eq!(revocation.header("authorization"), None);
    assert_eq!(revocation.form_value("client_id").as_deref(), Some("dev"));
    assert_eq!(revocation.form_value("client_secret").as_deref(), Some("secret"));
}

// rows: 94, 96, 99
#[tokio::test]
async fn a_function_can_be_the_method_and_sees_and_changes_the_whole_request() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let script = Script::answers([granted()]);
    let client = online(ACME, "secret", &script).authenticate_with(move |mut request: HttpRequest| {
        let body = String::from_utf8_lossy(request.body.as_bytes().unwrap()).into_owned();
        log.lock().unwrap().extend([request.method.to_string(), request.url.to_string(), body.clone()]);
        log.lock().unwrap().extend(request.headers.get("accept").map(|accept| accept.to_str().unwrap().to_owned()));
        request.url.set_query(Some("signed=1"));
        request.headers.insert("x-proof", "p-1".parse().unwrap());
        request.body = Body::from(format!("{body}&proof=p-2"));
        async { Ok(request) }
    });
    client.client_credentials().await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        ["POST", "https://acme.example/token", "grant_type=client_credentials", "application/json"]
    );
    let request = script.only();
    assert_eq!(request.target(), "/token?signed=1");
    assert_eq!((request.header("x-proof"), request.header("authorization")), (Some("p-1"), None));
    assert_eq!(request.body_text(), "grant_type=client_credentials&proof=p-2");
}

/// A method with a state of its own.
struct Numbering {
    next: Mutex<u32>,
}

impl Numbering {
    fn sign(&self, mut request: HttpRequest) -> HttpRequest {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        request.headers.insert("x-number", next.to_string().parse().unwrap());
        request
    }
}

// rows: 95
#[tokio::test]
async fn an_object_can_be_the_method_of_every_endpoint() {
    let script = Script::answers([granted(), granted(), Sent::text(200, ""), Sent::json(200, json!({ "active": false }))]);
    let numbering = Arc::new(Numbering { next: Mutex::new(0) });
    let client = online(ACME, Credential::None, &script).authenticate_with(move |request| {
        let signed = numbering.sign(request);
        async { Ok(signed) }
    });
    let mut token = Token::new("at");
    client.client_credentials().await.unwrap();
    token.refresh_token = Some("rt".into());
    client.refresh(&token).await.unwrap();
    client.revoke(&token).await.unwrap();
    client.introspect(&token).await.unwrap();
    let numbers: Vec<_> = script.received().iter().map(|request| request.header("x-number").unwrap().to_owned()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn an_own_method_holds_also_where_the_descriptor_names_one() {
    let yaml = acme_by(
        "client_secret_basic",
        "revocation: { authentication: client_secret_post }\nintrospection: { authentication: none }\n",
    );
    let script = Script::answers([Sent::text(200, ""), Sent::json(200, json!({ "active": false }))]);
    let numbering = Arc::new(Numbering { next: Mutex::new(0) });
    let client = online(&yaml, "secret", &script).authenticate_with(move |request| {
        let signed = numbering.sign(request);
        async { Ok(signed) }
    });
    client.revoke(&Token::new("at")).await.unwrap();
    client.introspect(&Token::new("at")).await.unwrap();
    let [revocation, introspection] = &script.received()[..] else { panic!("two requests") };
    assert_eq!((revocation.header("x-number"), revocation.form_value("client_secret")), (Some("1"), None));
    assert_eq!(introspection.header("x-number"), None);
}

#[tokio::test]
async fn an_own_method_holds_also_for_a_call_of_the_profile() {
    let calls = "userinfo:\n  additional:\n    badge: { url: \"https://acme.example/badge\", authentication: client_secret_basic }\n  \
                 claims: { sub: id }\n";
    let script = Script::start(|_| Sent::json(200, json!({ "id": 7 })));
    let client = online(&acme(calls), "secret", &script);
    let client = client.authenticate_with(|request| async { request.with_header("x-proof", "p-1") });
    client.session(Token::new("at")).profile().await.unwrap();
    let [userinfo, badge] = &script.received()[..] else { panic!("two requests") };
    assert_eq!((userinfo.header("authorization"), userinfo.header("x-proof")), (Some("Bearer at"), None));
    assert_eq!((badge.header("authorization"), badge.header("x-proof")), (None, Some("p-1")));
}

// rows: 97
#[tokio::test]
async fn credentials_and_parameters_can_all_be_in_the_url_of_a_post() {
    let expected = "/token?grant_type=client_credentials&client_id=dev&client_secret=secret";
    let request =
        sent(&acme_by("client_secret_post", "").replace("requests:", "token:\n  encoding: query\nrequests:"), "secret").await;
    assert_eq!((request.method.as_str(), request.target().as_str(), request.body_text().as_str()), ("POST", expected, ""));
    assert_eq!((request.header("content-type"), request.header("authorization")), (None, None));

    let script = Script::answers([granted()]);
    let client = online(ACME, "secret", &script).authenticate_with(|mut request: HttpRequest| async {
        let body = String::from_utf8_lossy(request.body.as_bytes().unwrap()).into_owned();
        request.url.set_query(Some(&format!("{body}&client_id=dev&client_secret=secret")));
        request.body = Body::empty();
        Ok(request)
    });
    client.client_credentials().await.unwrap();
    let request = script.only();
    assert_eq!((request.method.as_str(), request.target().as_str(), request.body_text().as_str()), ("POST", expected, ""));
}

// rows: 98
#[test]
fn a_method_that_nobody_knows_is_refused_before_there_is_a_client() {
    assert_eq!(problems(&acme_by("client_secret_uri", "")), [Code::UnregisteredMethod]);
    let client = offline(&acme_by("client_secret_basic", ""));
    let error = client.authentication_method(AuthenticationMethod::ClientSecretPost).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("it has: client_secret_basic"), "{error}");
}
