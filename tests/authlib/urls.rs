//! Which URLs are called and accepted, and how scopes and forms are written.

use grantry_engine::metadata::{Metadata, is_secure_transport, issuer_url};
use grantry_engine::{Client, Descriptor, Error, ErrorKind, Hooks, HttpRequest, Token};
use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{SECRET, client};
use crate::processes::run_again;

/// Whether a descriptor may have this URL as an endpoint.
fn is_endpoint(url: &str) -> bool {
    let descriptor = Descriptor::builder("acme").documentation("https://docs.acme.example/").client_authentication_method("none");
    let descriptor = descriptor.authorization_endpoint("https://acme.example/authorize").token_endpoint(url);
    descriptor.build().is_ok()
}

/// Whether a metadata document of an issuer on this machine may have this URL as an endpoint.
fn is_metadata_endpoint(url: &str) -> bool {
    const ISSUER: &str = "http://localhost:8080";
    let document = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example/authorize", "token_endpoint": url,
        "response_types_supported": ["code"],
    });
    Metadata::parse(ISSUER, document.to_string().as_bytes()).is_ok()
}

// rows: 309
#[test]
fn https_is_secure_anywhere_and_http_on_this_machine() {
    for url in [
        "https://provider.test/token",
        "HTTPS://PROVIDER.TEST/token",
        "https://provider.test:8443/token",
        "http://localhost/token",
        "http://localhost:8080/token",
        "HTTP://LOCALHOST/token",
        "http://127.0.0.1:5000/token",
        "http://127.8.9.10/token",
        "http://[::1]/token",
        "http://[::1]:5000/token",
        "http://[::ffff:127.0.0.1]:5000/token",
    ] {
        assert!(is_secure_transport(url), "{url}");
        assert!(is_metadata_endpoint(url), "{url}");
    }
    // A user name makes it no less secure, and no endpoint either.
    assert!(is_secure_transport("https://user@provider.test/token"));
    assert!(!is_metadata_endpoint("https://user@provider.test/token"));
}

const INSECURE: [&str; 12] = [
    "http://provider.test/token",
    "http://10.0.0.1/token",
    "http://localhost.provider.test/token",
    "http://127.0.0.1.provider.test/token",
    "http://0.0.0.0/token",
    "http://[::]/token",
    "ftp://provider.test/token",
    "urn:ietf:wg:oauth:2.0:oob",
    "javascript:alert(1)",
    "",
    "https://",
    "https:///token",
];

// rows: 310
#[test]
fn nothing_else_is_secure() {
    for url in INSECURE {
        assert!(!is_secure_transport(url), "{url}");
        assert!(!is_metadata_endpoint(url), "{url}");
        assert!(!is_endpoint(url), "{url}");
    }
    assert!(is_endpoint("https://provider.test/token"));
}

// rows: 311
#[test]
fn what_only_looks_like_this_machine_is_refused() {
    for url in [
        "http://localhost:80@attacker.test/",
        "http://127.0.0.1:80@attacker.test/",
        "http://[::1]:80@attacker.test/",
        "http://attacker.test#@localhost:80/",
        "http://attacker.test?@localhost:80/",
        "http://attacker.test\\@localhost:80/",
        "https://[::1",
        "https://[",
        "https://]",
        "https://%",
        "https://a:b:c",
        "https://provider.test:99999",
    ] {
        assert!(!is_secure_transport(url), "{url}");
        assert!(!is_metadata_endpoint(url), "{url}");
        assert!(!is_endpoint(url), "{url}");
    }
}

// rows: 312
#[test]
fn no_variable_of_the_environment_switches_the_check_off() {
    let variables =
        ["AUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_INSECURE_TRANSPORT", "GRANTRY_INSECURE_TRANSPORT"].map(|name| (name, "1"));
    run_again("urls::nothing_else_is_secure", &variables);
    run_again("urls::every_call_is_checked_at_the_moment_of_sending", &variables);
}

// rows: 313
#[test]
fn an_issuer_has_a_host_no_user_and_no_fragment_and_a_redirect_uri_no_fragment() {
    assert_eq!(issuer_url("https://h.example/a").unwrap().as_str(), "https://h.example/a");
    let wrong = [
        ("h.example", "is not an absolute URL"),
        ("https://", "is not an absolute URL"),
        ("https://user@h.example", "has a user name or password"),
        ("https://user:hunter2@h.example", "has a user name or password"),
        ("https://@h.example", "has a user name or password"),
        ("https://h.example/#top", "has a fragment"),
        ("https://h.example/#", "has a fragment"),
    ];
    for (url, problem) in wrong {
        assert_eq!(issuer_url(url).unwrap_err().problem(), problem, "{url}");
    }
    let redirect =
        |uri: &str| client(SECRET, &Script::answers([])).redirect_uri(uri).map(|_| ()).map_err(|error| error.to_string());
    redirect("https://app.example/callback?a=b").unwrap();
    assert!(redirect("https://app.example/callback#top").unwrap_err().contains("has a fragment"));
    assert!(redirect("/callback").unwrap_err().contains("is no absolute URI"));
}

// rows: 314
#[tokio::test]
async fn scopes_are_joined_by_spaces_and_taken_apart_again() {
    let script = Script::answers([
        Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "scope": "a b" })),
        Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" })),
    ]);
    let client = client(SECRET, &script);
    let scope = |scopes: &[&str]| {
        let authorize = client.authorize().scopes(scopes.iter().copied().map(str::to_owned));
        let (url, _) = authorize.start().unwrap();
        url.query_pairs().find(|(name, _)| name == "scope").map(|(_, value)| value.into_owned())
    };
    assert_eq!(scope(&["read", "write:all"]).as_deref(), Some("read write:all"));
    assert_eq!(scope(&["read write"]).as_deref(), Some("read write"));
    assert_eq!(scope(&[]), None);
    let (url, _) = client.authorize().start().unwrap();
    assert!(!url.as_str().contains("scope"), "{url}");
    for (asked, granted) in [(None, vec!["a", "b"]), (Some("c"), vec!["c"])] {
        let (_, pending) = client.authorize().scopes(asked.map(str::to_owned)).state("st").start().unwrap();
        let session = client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
        assert_eq!(session.current_token().unwrap().scopes, granted);
    }
}

// rows: 315
#[tokio::test]
async fn a_callback_that_is_not_encoded_is_refused() {
    let script = Script::start(|_| Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" })));
    let client = client(SECRET, &script);
    let run = async |query: &str| {
        let (_, pending) = client.authorize().state("st").start().unwrap();
        client.exchange(pending, format!("/callback?{query}&state=st")).await.map(|_| ())
    };
    run("code=a%20b+c%2f~!*'(),;:@/?$&note=%C3%A9").await.unwrap();
    assert_eq!(script.only().form_value("code").as_deref(), Some("a b c/~!*'(),;:@/?$"));
    for broken in
        ["code=%", "code=%2", "code=%zz", "code=100%", "code=a b", "code=é", "code=<a>", "code=\"", "code=a\nb", "code=a\0"]
    {
        let error = run(broken).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Callback, "{broken}");
        assert!(error.to_string().contains("is not form-encoded"), "{error}");
    }
    script.only();
}

fn insecure(mut request: HttpRequest) -> HttpRequest {
    let url = request.url.as_str().replacen("https://", "http://", 1);
    request.url = url.parse().unwrap();
    request
}

// rows: 316
#[tokio::test]
async fn every_call_is_checked_at_the_moment_of_sending() {
    let script = Script::answers([]);
    let hooks = Hooks::new()
        .access_token_request(async |request| Ok(insecure(request)))
        .refresh_token_request(async |request| Ok(insecure(request)))
        .protected_request(async |request| Ok(insecure(request)))
        .revoke_token_request(async |request| Ok(insecure(request)))
        .introspect_token_request(async |request| Ok(insecure(request)));
    let client = client(SECRET, &script).hooks(hooks);
    let mut token = Token::new("at");
    token.refresh_token = Some("rt".into());
    let session = client.session(token.clone());
    let (_, pending) = client.authorize().state("st").start().unwrap();
    let results: [Result<(), Error>; 6] = [
        client.exchange(pending, "/callback?code=c&state=st").await.map(|_| ()),
        client.refresh(&token).await.map(|_| ()),
        client.revoke(&token).await,
        client.introspect(&token).await.map(|_| ()),
        session.get("items").send().await.map(|_| ()),
        session.get("http://api.acme.example/v1/items").send().await.map(|_| ()),
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
        assert!(error.to_string().contains("is not an https URL") || error.to_string().contains("is no origin"), "{error}");
    }
    let discovered = Client::from_issuer("http://acme.example", "dev", SECRET).transport(script.transport()).await;
    assert_eq!(discovered.unwrap_err().kind(), ErrorKind::Misuse);
    assert!(script.received().is_empty());
}
