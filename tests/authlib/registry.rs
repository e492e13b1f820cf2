//! Clients by name, and where their settings come from.

use std::collections::HashMap;

use grantry::{Client, catalog, github};
use grantry_engine::{Credential, ErrorKind};
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock};
use serde_json::json;

use crate::common::{ACME, SECRET, client_of};
use crate::processes::run_again;

// rows: 301, 302
#[test]
fn clients_are_found_by_the_providers_name() {
    let acme = client_of(ACME, SECRET, &Script::answers([]), &TestClock::default());
    let erased: Client = github::Client::new("gh-id", "secret").into();
    let clients: HashMap<String, Client> =
        [acme, erased].into_iter().map(|client| (client.descriptor().id().to_owned(), client)).collect();
    let found = |id: &str| clients.get(id).map(|client| (client.descriptor().name(), client.client_id()));
    assert_eq!(found("acme"), Some(("Acme", "dev")));
    assert_eq!(found("github"), Some(("GitHub", "gh-id")));
    assert_eq!(found("nobody"), None);
    assert_eq!(catalog::get("github").unwrap().name(), "GitHub");
    assert!(catalog::get("nobody").is_none());
}

/// Set for [`the_environment_as_it_is`] alone.
const MARK: &str = "GRANTRY_TEST_ENVIRONMENT";

// rows: 303
#[test]
fn credentials_come_from_the_environment_under_the_providers_name() {
    let test = "registry::the_environment_as_it_is";
    let run = |mark: &str, id: &str, secret: &str| {
        run_again(test, &[(MARK, mark), ("GITHUB_CLIENT_ID", id), ("GITHUB_CLIENT_SECRET", secret)]);
    };
    run("id and secret", "env-id", "env-secret");
    run("id alone", "env-id", "");
    run("nothing", "", "env-secret");
}

#[tokio::test]
async fn the_environment_as_it_is() {
    let Ok(mark) = std::env::var(MARK) else { return };
    let client = github::Client::from_env();
    if mark == "nothing" {
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse);
        assert!(error.to_string().contains("GITHUB_CLIENT_ID"), "{error}");
        return;
    }
    let script = Script::answers([Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "scope": "" }))]);
    let client = client.unwrap().transport(script.transport()).redirect_uri("https://app.example/callback").unwrap();
    let (_, pending) = client.authorize().state("st").start().unwrap();
    client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
    let secret = (mark == "id and secret").then(|| "env-secret".to_owned());
    let request = script.only();
    assert_eq!((request.form_value("client_id").as_deref(), request.form_value("client_secret")), (Some("env-id"), secret));
}

// rows: 306
#[tokio::test]
async fn a_generated_client_has_its_endpoints_built_in() {
    let script = Script::answers([
        Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "scope": "" })),
        Sent::json(200, json!([])),
    ]);
    let client = github::Client::new("gh-id", "secret").transport(script.transport());
    let client = client.redirect_uri("https://app.example/callback").unwrap();
    let (url, pending) = client.authorize().state("st").start().unwrap();
    assert!(url.as_str().starts_with("https://github.com/login/oauth/authorize?response_type=code&client_id=gh-id&"), "{url}");
    let session = client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
    session.get("user/repos").send().await.unwrap();
    let urls: Vec<String> = script.received().iter().map(|received| received.url.to_string()).collect();
    assert_eq!(urls, ["https://github.com/login/oauth/access_token", "https://api.github.com/user/repos"]);
}

#[test]
fn clients_of_one_descriptor_share_no_settings() {
    let script = Script::answers([]);
    let first = client_of(ACME, Credential::None, &script, &TestClock::default());
    let second = first.clone().redirect_uri("https://other.example/").unwrap();
    let url = |client: &Client| client.authorize().state("st").start().unwrap().0.to_string();
    assert!(url(&first).contains("redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&"));
    assert!(url(&second).contains("redirect_uri=https%3A%2F%2Fother.example%2F&"));
}
