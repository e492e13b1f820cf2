//! The example `openid_connect_hybrid`.

use std::sync::{Arc, Mutex};

use grantry::{Client, ErrorKind, Phase, Result, Session};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, provider_jwks, provider_jwt};
use serde_json::{Value, json};

use crate::common::{parameters, place, prepared};

#[path = "../../examples/openid_connect_hybrid.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

const CODE: &str = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";

/// Its hash: both are of OpenID Connect Core, appendix A.4.
const C_HASH: &str = "LDktKdoQak3Pk0cnXxCltA";

fn metadata() -> Value {
    json!({
        "issuer": "https://some-service.com",
        "authorization_endpoint": "https://some-service.com/oauth/authorize",
        "token_endpoint": "https://some-service.com/oauth/token",
        "jwks_uri": "https://some-service.com/jwks",
        "response_types_supported": ["code", "code id_token"],
        "grant_types_supported": ["authorization_code", "implicit"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

/// The service, whose first id token is of a code with this hash.
async fn sign_in(c_hash: &str) -> (Script, Result<Session>) {
    let issued: Arc<Mutex<String>> = Arc::default();
    let id_token = Arc::clone(&issued);
    let script = Script::start(move |request| match request.url.path() {
        "/.well-known/openid-configuration" => Sent::json(200, metadata()),
        "/jwks" => Sent::json(200, provider_jwks()),
        "/oauth/token" => {
            let id_token = id_token.lock().unwrap();
            Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "id_token": *id_token }))
        }
        path => Sent::text(404, path),
    });
    let discover = example::connect().configure(prepared).transport(script.transport());
    let client: Client = discover.await.unwrap().redirect_uri("https://example.com/cb").unwrap();
    let (url, pending) = example::login(&client).unwrap();
    assert_eq!(place(&url), "https://some-service.com/oauth/authorize");
    let asked = parameters(&url);
    assert_eq!((asked["response_type"].as_str(), asked["scope"].as_str()), ("code id_token", "openid email"));

    let mut claims = json!({
        "iss": "https://some-service.com", "aud": "Your client ID", "sub": "alice", "iat": NOW, "exp": NOW + 300,
        "nonce": asked["nonce"],
    });
    *issued.lock().unwrap() = provider_jwt("RS256", &json!({}), &claims, "");
    claims["c_hash"] = c_hash.into();
    let first = provider_jwt("RS256", &json!({}), &claims, "");
    let callback_url = format!("https://example.com/cb#code={CODE}&id_token={first}&state={}", asked["state"]);
    let session = example::callback(&client, pending, &callback_url).await;
    (script, session)
}

#[tokio::test]
async fn both_id_tokens_are_verified() {
    let (script, session) = sign_in(C_HASH).await;
    let session = session.unwrap();
    assert_eq!(session.id_token().unwrap().subject(), "alice");
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");
    let exchanged = script.received().into_iter().find(|request| request.url.path() == "/oauth/token").unwrap();
    assert_eq!(exchanged.form_value("code").as_deref(), Some(CODE));
}

#[tokio::test]
async fn an_id_token_of_another_code_is_refused_before_the_exchange() {
    let (script, session) = sign_in("o1uBp9eSe3DsmScN0jYriA").await;
    let error = session.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::IdToken)));
    assert!(script.received().iter().all(|request| request.url.path() != "/oauth/token"));
}
