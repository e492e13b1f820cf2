//! Metadata and key sets: when they are fetched, how long they are kept, what they can say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use grantry_engine::metadata::{MetadataError, oauth_authorization_server_url, openid_configuration_url, well_known_url};
use grantry_engine::{Client, Descriptor, Entropy, Error, ErrorKind, IdTokenError, NoVariables, Phase, Session};
use grantry_tests::NOW;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock};
use serde_json::{Value, json};

use crate::common::{ACME, ISSUER, SECRET, client_of};
use crate::signing::{jwks, jwt_of, reason};

struct Ones;

impl Entropy for Ones {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.fill(1);
        Ok(())
    }
}

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://acme.example/authorize",
        "token_endpoint": "https://acme.example/token",
        "jwks_uri": "https://acme.example/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

fn id_token(kid: &str) -> String {
    let claims = json!({ "iss": ISSUER, "sub": "jane", "aud": "dev", "iat": NOW, "exp": NOW + 1_000_000, "nonce": "n-1" });
    jwt_of("RS256", &json!({ "alg": "RS256", "kid": kid }), &claims)
}

fn tokens(id_token: &str) -> Sent {
    Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token }))
}

/// The provider with its metadata, tokens and keys.
fn provider(received: &Received) -> Sent {
    match received.url.path() {
        "/.well-known/openid-configuration" => Sent::json(200, document()),
        "/token" => tokens(&id_token("rsa")),
        "/jwks" => Sent::json(200, jwks()),
        _ => Sent::text(404, "not here"),
    }
}

/// How often a path was asked for.
fn count(script: &Script, path: &str) -> usize {
    script.received().iter().filter(|received| received.url.path() == path).count()
}

async fn discovered(script: &Script, clock: &TestClock) -> Result<Client, Error> {
    let configure = |client: Client| client.clock(clock.clone()).danger_entropy(Ones);
    let client = Client::from_issuer(ISSUER, "dev", SECRET).transport(script.transport()).configure(configure).await?;
    client.redirect_uri("https://app.example/callback")
}

async fn sign_in(client: &Client) -> Result<Session, Error> {
    let authorize = client.authorize().scopes(["openid".to_owned()]).state("st").nonce("n-1");
    let (_, pending) = authorize.start()?;
    client.exchange(pending, "/callback?code=c&state=st").await
}

fn openid() -> String {
    format!("{ACME}openid:\n  issuer: {ISSUER}\n")
}

/// A client of a descriptor's, whose id tokens name keys that the test chooses.
fn client_with_keys(clock: &TestClock, answer: impl Fn(&Received) -> Sent + Send + Sync + 'static) -> (Client, Script) {
    let script = Script::start(answer);
    (client_of(&openid(), SECRET, &script, clock), script)
}

// rows: 252, 253
#[tokio::test]
async fn metadata_and_keys_are_fetched_once_when_needed_under_the_applications_name() {
    let script = Script::start(provider);
    let transport = script.transport_builder().user_agent("shop/1.2").build();
    let configure = |client: Client| client.clock(TestClock::default());
    let discover = Client::from_issuer(ISSUER, "dev", SECRET).transport(transport).configure(configure);
    assert!(script.received().is_empty());
    let client = discover.await.unwrap().redirect_uri("https://app.example/callback").unwrap();
    assert_eq!(script.only().target(), "/.well-known/openid-configuration");
    for _ in 0..3 {
        sign_in(&client).await.unwrap();
    }
    let targets: Vec<String> = script.received().iter().map(Received::target).collect();
    assert_eq!(targets, ["/.well-known/openid-configuration", "/token", "/jwks", "/token", "/token"]);
    for received in script.received() {
        assert_eq!(received.header("user-agent"), Some("shop/1.2"), "{received:?}");
    }
    let other = Script::start(provider);
    discovered(&other, &TestClock::default()).await.unwrap();
    assert!(other.only().header("user-agent").unwrap().starts_with("grantry/"));
}

// rows: 254
#[tokio::test]
async fn a_status_that_is_no_success_is_an_error() {
    let script = Script::start(|_| Sent::text(503, "down"));
    let error = discovered(&script, &TestClock::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.status()), (ErrorKind::Refused, Some(Phase::Discovery), Some(503)));
    assert!(error.is_retryable());
    let script = Script::start(|received| match received.url.path() {
        "/jwks" => Sent::json(403, jwks()),
        _ => provider(received),
    });
    let client = discovered(&script, &TestClock::default()).await.unwrap();
    let error = sign_in(&client).await.map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.status()), (ErrorKind::Refused, Some(Phase::Jwks), Some(403)));
}

// rows: 255
#[tokio::test]
async fn keys_and_metadata_are_kept_for_a_time_and_longer_only_while_the_provider_is_down() {
    const HOUR: u64 = 3600;
    let is_down = Arc::new(AtomicU64::new(0));
    let down = Arc::clone(&is_down);
    let script = Script::start(move |received| match received.url.path() {
        "/token" => provider(received),
        _ if down.load(Ordering::SeqCst) == 1 => Sent::text(503, "down"),
        _ => provider(received),
    });
    let clock = TestClock::default();
    let client = discovered(&script, &clock).await.unwrap();
    let fetches = async |client: &Client| {
        let before = count(&script, "/jwks");
        let result = sign_in(client).await.map(|_| ());
        (count(&script, "/jwks") - before, result)
    };
    assert!(matches!(fetches(&client).await, (1, Ok(()))));
    clock.advance(HOUR - 1);
    assert!(matches!(fetches(&client).await, (0, Ok(()))));
    clock.advance(1);
    assert!(matches!(fetches(&client).await, (1, Ok(()))));
    is_down.store(1, Ordering::SeqCst);
    clock.advance(HOUR);
    assert!(matches!(fetches(&client).await, (1, Ok(()))));
    assert!(matches!(fetches(&client).await, (0, Ok(()))), "asked again at once");
    clock.advance(23 * HOUR + 1);
    let (asked, result) = fetches(&client).await;
    assert_eq!((asked, result.unwrap_err().status()), (1, Some(503)));

    // Metadata: one day, and a week while the provider is down.
    let metadata = || count(&script, "/.well-known/openid-configuration");
    is_down.store(0, Ordering::SeqCst);
    let client = client.rediscover().await.unwrap();
    assert_eq!(metadata(), 2);
    clock.advance(24 * HOUR - 1);
    let client = client.rediscover().await.unwrap();
    assert_eq!(metadata(), 2);
    is_down.store(1, Ordering::SeqCst);
    clock.advance(1);
    let client = client.rediscover().await.unwrap();
    assert_eq!(metadata(), 3);
    clock.advance(6 * 24 * HOUR);
    assert_eq!(client.rediscover().await.unwrap_err().status(), Some(503));
}

// rows: 256
#[tokio::test]
async fn keys_that_the_application_has_are_not_fetched() {
    let (client, script) = client_with_keys(&TestClock::default(), |_| tokens(&id_token("rsa")));
    let known = client.clone().jwks(&jwks().to_string()).unwrap();
    sign_in(&known).await.unwrap();
    assert_eq!(script.only().url.path(), "/token");
    let none = client.clone().jwks(r#"{"keys":[]}"#).unwrap();
    assert_eq!(reason(&sign_in(&none).await.unwrap_err()), IdTokenError::UnknownKey);
    assert_eq!(count(&script, "/jwks"), 0);
    assert_eq!(client.jwks("{}").unwrap_err().kind(), ErrorKind::Misuse);
}

// rows: 257, 258
#[tokio::test]
async fn a_key_that_is_not_known_is_looked_for_once_in_thirty_seconds() {
    let fetched = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&fetched);
    let kid = Arc::new(std::sync::Mutex::new("old".to_owned()));
    let current = Arc::clone(&kid);
    let clock = TestClock::default();
    let (client, _script) = client_with_keys(&clock, move |received| match received.url.path() {
        "/jwks" => {
            let name = ["old", "new"][usize::from(counter.fetch_add(1, Ordering::SeqCst) > 0)];
            let mut key = jwks()["keys"][0].clone();
            key["kid"] = name.into();
            Sent::json(200, json!({ "keys": [key] }))
        }
        _ => tokens(&id_token(&current.lock().unwrap())),
    });
    let sign_in_with = async |name: &str| {
        name.clone_into(&mut kid.lock().unwrap());
        sign_in(&client).await
    };
    sign_in_with("old").await.unwrap();
    clock.advance(30);
    sign_in_with("new").await.unwrap();
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    for forged in ["a", "b", "c", "../../jwks", "new "] {
        assert_eq!(reason(&sign_in_with(forged).await.unwrap_err()), IdTokenError::UnknownKey);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    clock.advance(30);
    for forged in ["d", "e", "f"] {
        assert_eq!(reason(&sign_in_with(forged).await.unwrap_err()), IdTokenError::UnknownKey);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 3);
    sign_in_with("new").await.unwrap();
}

// rows: 259
#[tokio::test]
async fn without_keys_and_without_their_address_the_client_is_not_set_up() {
    let script = Script::start(|_| tokens(&id_token("rsa")));
    let yaml = openid().replace("  jwks_uri: https://acme.example/jwks\n", "");
    let error = sign_in(&client_of(&yaml, SECRET, &script, &TestClock::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("has no jwks_uri"), "{error}");
}

// rows: 260
#[tokio::test]
async fn metadata_of_another_issuer_is_refused() {
    for other in ["https://evil.example", "https://acme.example/", "https://acme.example/tenant"] {
        let script = Script::start(move |_| {
            let mut document = document();
            document["issuer"] = other.into();
            Sent::json(200, document)
        });
        let error = discovered(&script, &TestClock::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::Discovery)));
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<MetadataError>());
        assert_eq!(source.unwrap().member(), Some("issuer"));
    }
}

// rows: 261
#[tokio::test]
async fn members_that_are_settings_of_the_client_do_nothing() {
    let hostile = json!({
        "verify": false, "trust_env": false, "scope": "admin", "state": "fixed", "redirect_uri": "https://evil.example/",
        "client_id": "evil", "client_secret": "evil", "token_endpoint_auth_method": "none", "proxies": { "https": "http://evil.example" },
        "headers": { "x-evil": "1" }, "code_challenge_method": "plain", "response_type": "token", "timeout": 0,
    });
    let mut seen = Vec::new();
    for extra in [json!({}), hostile] {
        let script = Script::start(move |received| match received.url.path() {
            "/.well-known/openid-configuration" => {
                let mut document = document();
                document.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                Sent::json(200, document)
            }
            _ => provider(received),
        });
        let client = discovered(&script, &TestClock::default()).await.unwrap();
        let (url, _) = client.authorize().scopes(["openid".to_owned()]).start().unwrap();
        sign_in(&client).await.unwrap();
        let requests: Vec<_> = script.received().into_iter().map(|one| (one.url, one.headers, one.body)).collect();
        seen.push((client.metadata().cloned(), url, requests));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].1.as_str().contains("scope=openid&"));
}

// rows: 262
#[tokio::test]
async fn what_the_descriptor_states_wins_over_the_metadata() {
    let script = Script::start(|received| match received.url.path() {
        "/.well-known/openid-configuration" => {
            let mut document = document();
            document["authorization_endpoint"] = "https://elsewhere.example/authorize".into();
            document["token_endpoint"] = "https://elsewhere.example/token".into();
            Sent::json(200, document)
        }
        "/own-token" => tokens(&id_token("rsa")),
        _ => provider(received),
    });
    let descriptor = Descriptor::builder("acme")
        .issuer(ISSUER)
        .documentation("https://docs.acme.example/")
        .authorization_endpoint("https://acme.example/own-authorize")
        .token_endpoint("https://acme.example/own-token")
        .client_authentication_method("client_secret_post")
        .build()
        .unwrap_or_else(|problems| panic!("{problems}"));
    let discover = Client::discover_descriptor(descriptor, NoVariables, "dev", SECRET);
    let client = discover.transport(script.transport()).configure(|client| client.clock(TestClock::default())).await.unwrap();
    let client = client.redirect_uri("https://app.example/callback").unwrap();
    let (url, _) = client.authorize().start().unwrap();
    assert!(url.as_str().starts_with("https://acme.example/own-authorize?"), "{url}");
    sign_in(&client).await.unwrap();
    let targets: Vec<String> = script.received().iter().map(|received| received.url.to_string()).collect();
    // What it leaves open is the metadata's: the keys.
    assert_eq!(
        targets,
        ["https://acme.example/.well-known/openid-configuration", "https://acme.example/own-token", "https://acme.example/jwks"]
    );
}

// rows: 263
#[tokio::test]
async fn well_known_places_stand_after_the_path_or_before_it() {
    for issuer in ["https://id.example/issuer1", "https://id.example/issuer1/"] {
        let url = issuer.parse().unwrap();
        assert_eq!(openid_configuration_url(&url).as_str(), "https://id.example/issuer1/.well-known/openid-configuration");
        assert_eq!(
            oauth_authorization_server_url(&url).as_str(),
            "https://id.example/.well-known/oauth-authorization-server/issuer1"
        );
        assert_eq!(well_known_url(&url, "acme").as_str(), "https://id.example/.well-known/acme/issuer1");
    }
    let bare = "https://id.example".parse().unwrap();
    assert_eq!(openid_configuration_url(&bare).as_str(), "https://id.example/.well-known/openid-configuration");
    // Both are asked, in this order.
    let script = Script::start(|_| Sent::text(404, "not here"));
    let client = Client::from_issuer("https://acme.example/tenant", "dev", SECRET).transport(script.transport());
    assert_eq!(client.await.unwrap_err().status(), Some(404));
    let targets: Vec<String> = script.received().iter().map(Received::target).collect();
    assert_eq!(targets, ["/tenant/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/tenant"]);
}
