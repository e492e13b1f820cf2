//! The example `google_service_account`.

use grantry::google::ServiceAccount;
use grantry_tests::emulator::Sent;
use grantry_tests::keys;
use grantry_tests::script::{Script, jwt_parts};
use serde_json::{Value, json};

#[path = "../../examples/google_service_account.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

fn key_file(token_uri: &str) -> String {
    let conf = json!({
        "type": "service_account",
        "client_email": "robot@my-project.iam.gserviceaccount.com",
        "private_key_id": "4f1a",
        "private_key": keys::rsa_private_key_pem(),
        "token_uri": token_uri,
    });
    conf.to_string()
}

fn account(token_uri: &str, script: &Script) -> grantry::Result<ServiceAccount> {
    let transport = script.transport();
    Ok(example::with_scope(ServiceAccount::from_json(&key_file(token_uri))?).configure(|client| client.transport(transport)))
}

#[tokio::test]
async fn ten_first_requests_make_one_token_call() {
    let script = Script::start(|request| match request.url.path() {
        "/token" => Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 3600 })),
        _ => Sent::json(200, json!({})),
    });
    let account = account("https://oauth2.googleapis.com/token", &script).unwrap();
    let session = account.session().unwrap();
    let requests: Vec<_> = (0..10).map(|_| tokio::spawn(session.get("analytics/v3/management/accounts").send())).collect();
    for request in requests {
        request.await.unwrap().unwrap();
    }
    // The account's sessions are one.
    account.session().unwrap().get("analytics/v3/management/accounts").await.unwrap();

    let received = script.received();
    let (tokens, others): (Vec<_>, Vec<_>) = received.iter().partition(|request| request.url.path() == "/token");
    assert_eq!((tokens.len(), others.len()), (1, 11));
    let (header, claims) = jwt_parts(&tokens[0].form_value("assertion").unwrap());
    assert_eq!(header["kid"], "4f1a");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/analytics.readonly");
    assert_eq!(claims["iss"], Value::from("robot@my-project.iam.gserviceaccount.com"));
    assert!(others.iter().all(|request| request.header("authorization") == Some("Bearer at")));
}

#[tokio::test]
async fn a_key_file_sends_nothing_to_strangers() {
    for token_uri in
        ["https://evil.example/token", "http://oauth2.googleapis.com/token", "https://oauth2.googleapis.com:444/token"]
    {
        let error = ServiceAccount::from_json(&key_file(token_uri)).unwrap_err();
        assert!(error.to_string().contains("not the provider's"), "{error}");
    }
}
