//! The example `oauth2_openid_connect`.

use std::collections::BTreeMap;

use grantry::{ErrorKind, Phase, Result, google};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, provider_jwks, provider_jwt};
use serde_json::json;

use crate::common::{at, parameters, place, prepared};

#[path = "../../examples/oauth2_openid_connect.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

/// Google, which signs this nonce; none: that of the sign-in.
async fn sign_in(nonce: Option<&str>) -> (BTreeMap<String, String>, Result<google::Session>) {
    let client = prepared(example::client().unwrap());
    let (url, pending) = example::login(&client).unwrap();
    assert_eq!(place(&url), "https://accounts.google.com/o/oauth2/v2/auth");
    let asked = parameters(&url);
    let claims = json!({
        "iss": "https://accounts.google.com", "aud": "Your Google client ID", "sub": "1076", "email": "jsmith@example.com",
        "iat": NOW, "exp": NOW + 3600, "nonce": nonce.unwrap_or(&asked["nonce"]),
    });
    let id_token = provider_jwt("RS256", &json!({}), &claims, "");
    let script = Script::start(move |request| match request.url.path() {
        "/token" => Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token })),
        "/oauth2/v3/certs" => Sent::json(200, provider_jwks()),
        path => Sent::text(404, path),
    });
    let callback_url = format!("https://example.com/google?code=c&state={}", asked["state"]);
    let session = example::callback(&at(&script, client), pending, &callback_url).await;
    assert_eq!(script.received()[0].form_value("code").as_deref(), Some("c"));
    (asked, session)
}

#[tokio::test]
async fn the_id_token_tells_who_signed_in() {
    let (asked, session) = sign_in(None).await;
    assert_eq!((asked["scope"].as_str(), asked["response_type"].as_str()), ("openid email profile", "code"));
    let session = session.unwrap();
    let id_token = session.id_token().unwrap();
    assert_eq!((id_token.issuer(), id_token.subject()), ("https://accounts.google.com", "1076"));
    assert_eq!(id_token.nonce(), Some(asked["nonce"].as_str()));
    assert_eq!(id_token.claims()["email"], "jsmith@example.com");
}

#[tokio::test]
async fn an_id_token_of_another_sign_in_is_refused() {
    let error = sign_in(Some("another")).await.1.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::IdToken)));
}
