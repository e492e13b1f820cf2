//! Giving tokens back, and asking about them.

use grantry_engine::{ErrorKind, Phase, SigningKey, Token, TokenTypeHint};
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, jwt_parts};
use grantry_tests::{NOW, keys};
use serde_json::{Value, json};

use crate::common::client;

/// `dev:secret` as Basic credentials.
const BASIC: &str = "Basic ZGV2OnNlY3JldA==";

fn both() -> Token {
    let mut token = Token::new("at");
    token.refresh_token = Some("rt".into());
    token
}

fn answers(status: u16, body: Value) -> Script {
    Script::start(move |_| Sent::json(status, body.clone()))
}

// rows: 190, 191, 196
#[tokio::test]
async fn a_token_is_posted_as_a_form_with_the_clients_credentials() {
    let script = answers(200, json!({ "active": true }));
    let client = client("secret", &script);
    client.revoke(&Token::new("a t")).await.unwrap();
    client.introspect(&Token::new("a t")).await.unwrap();
    for (request, path) in script.received().iter().zip(["/revoke", "/introspect"]) {
        assert_eq!((request.method.as_str(), request.target().as_str()), ("POST", path));
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.body_text(), "token=a%20t&token_type_hint=access_token");
        assert_eq!(request.header("authorization"), Some(BASIC));
        assert_eq!(request.header("accept"), Some("application/json"));
    }
}

// rows: 112
#[tokio::test]
async fn a_private_key_is_never_sent_in_a_revocation() {
    let pem = keys::private_key_pem("es256").unwrap();
    let script = answers(200, json!({}));
    client(SigningKey::from_pem(pem).unwrap(), &script).revoke(&both()).await.unwrap();
    let request = script.only();
    assert_eq!(request.header("authorization"), None);
    let (_, claims) = jwt_parts(&request.form_value("client_assertion").unwrap());
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("dev"), &json!("dev")));
    let secret = pem.lines().nth(1).unwrap();
    let sent = format!("{:?} {}", request.headers, request.body_text());
    assert!(!sent.contains(secret) && !sent.contains("PRIVATE"), "{sent}");
}

// rows: 192
#[tokio::test]
async fn the_refresh_token_goes_first_and_the_hint_says_so() {
    let script = answers(200, json!({}));
    let client = client("secret", &script);
    client.session(both()).revoke().await.unwrap();
    client.session(Token::new("at")).revoke().await.unwrap();
    client.revoke(&both()).token_type_hint(TokenTypeHint::AccessToken).await.unwrap();
    let bodies: Vec<_> = script.received().iter().map(|request| request.body_text()).collect();
    assert_eq!(
        bodies,
        [
            "token=rt&token_type_hint=refresh_token",
            "token=at&token_type_hint=access_token",
            "token=at&token_type_hint=access_token"
        ]
    );
}

// rows: 193
#[tokio::test]
async fn a_refused_revocation_or_introspection_is_an_error() {
    let body = json!({ "error": "unsupported_token_type", "error_description": "no" });
    for status in [200, 400] {
        let script = answers(status, body.clone());
        let client = client("secret", &script);
        let errors = [
            (client.revoke(&both()).await.unwrap_err(), Phase::Revocation),
            (client.introspect(&both()).await.unwrap_err(), Phase::Introspection),
        ];
        for (error, phase) in errors {
            assert_eq!((error.kind(), error.phase(), error.status()), (ErrorKind::Refused, Some(phase), Some(status)));
            assert_eq!((error.code(), error.description()), (Some("unsupported_token_type"), Some("no")));
        }
    }
    let unavailable = Script::start(|_| Sent::text(503, "later"));
    assert!(client("secret", &unavailable).revoke(&both()).await.unwrap_err().is_retryable());
    // RFC 7009 section 2.2: a token that the provider does not know is revoked.
    for answer in ["", "OK"] {
        let script = Script::start(move |_| Sent::text(200, answer));
        client("secret", &script).revoke(&both()).await.unwrap();
    }
}

// rows: 194
#[tokio::test]
async fn what_the_provider_says_about_a_token_is_kept_whole() {
    let body = json!({
        "active": true, "scope": "read write", "client_id": "dev", "username": "jdoe", "token_type": "Bearer", "exp": NOW + 60,
        "iat": NOW, "nbf": NOW, "sub": "42", "aud": ["a", "b"], "iss": "https://acme.example", "jti": "j", "department": { "id": 7 },
    });
    let script = answers(200, body.clone());
    let introspection = client("secret", &script).introspect(&Token::new("at")).await.unwrap();
    assert_eq!(Value::Object(introspection.members().clone()), body);
    assert!(introspection.is_active());
    assert_eq!(introspection.scopes(), ["read", "write"]);
    assert_eq!((introspection.client_id(), introspection.username()), (Some("dev"), Some("jdoe")));
    assert_eq!((introspection.subject(), introspection.issuer()), (Some("42"), Some("https://acme.example")));
    assert_eq!((introspection.issued_at(), introspection.not_before()), (Some(NOW), Some(NOW)));
    assert_eq!((introspection.expires_at(), introspection.token_type()), (Some(NOW + 60), Some("Bearer")));
    let inactive = answers(200, json!({ "active": false }));
    assert!(!client("secret", &inactive).introspect(&Token::new("at")).await.unwrap().is_active());
}

// rows: 195
#[tokio::test]
async fn a_session_keeps_its_token_when_it_was_revoked() {
    let script = answers(200, json!({}));
    let session = client("secret", &script).session(both());
    session.revoke().await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.refresh_token.as_ref().unwrap().expose()), ("at", "rt"));
}

#[tokio::test]
async fn what_the_provider_says_about_a_token_is_not_in_a_log() {
    let script = answers(200, json!({ "active": true, "access_token": "l1ve", "sub": "jane", "cnf": { "jkt": "l1ve" } }));
    let introspection = client("secret", &script).introspect(&Token::new("at")).await.unwrap();
    let shown = format!("{introspection:?}");
    assert_eq!(shown, r#"Introspection { active: true, members: ["access_token", "active", "cnf", "sub"] }"#);
}
