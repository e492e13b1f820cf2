//! What servers do that follow the standards less closely, or more, than most: each behaviour was met in the field.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantry_engine::{Client, Credential, Descriptor, ErrorKind, Pending, Phase, SigningKey, Token};
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock, jwt_parts, provider_jwks, provider_jwt};
use grantry_tests::{NOW, keys};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

const ACME: &str = "
name: Acme
documentation: https://docs.acme.example/
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
  revocation_endpoint: https://acme.example/revoke
  introspection_endpoint: https://acme.example/introspect
  device_authorization_endpoint: https://acme.example/device
  jwks_uri: https://acme.example/jwks
grant_types_supported:
  - authorization_code
  - implicit
  - client_credentials
  - refresh_token
  - urn:ietf:params:oauth:grant-type:device_code
client_authentication:
  methods: [client_secret_basic, client_secret_jwt, private_key_jwt]
openid:
  issuer: https://acme.example
requests:
  base_url: https://api.acme.example/v1/
";

/// A secret that is long enough for HS256.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn client_of(yaml: &str, client_id: &str, credential: impl Into<Credential>, script: &Script) -> Client {
    let descriptor = Descriptor::from_yaml(yaml, "acme.yaml").unwrap_or_else(|problems| panic!("{problems}"));
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), client_id, credential.into()).unwrap();
    client.redirect_uri("https://app.example/callback").unwrap().transport(script.transport()).clock(TestClock::default())
}

fn client(script: &Script) -> Client {
    client_of(ACME, "dev", SECRET, script)
}

fn refreshable() -> Token {
    let mut token = Token::new("at-1");
    token.refresh_token = Some("rt-1".into());
    token
}

/// An answer without a body and without a Content-Type.
fn bare(status: u16) -> Sent {
    Sent { status, headers: Vec::new(), body: String::new() }
}

fn token_answer() -> Sent {
    Sent::json(200, json!({ "access_token": "at-2", "token_type": "Bearer", "expires_in": 3600 }))
}

// Errors without anything to read.

#[tokio::test]
async fn a_bare_400_is_a_refusal_that_says_no_more_than_it_knows() {
    let script = Script::answers([bare(400), bare(400)]);
    let client = client(&script);
    let error = client.client_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.status()), (ErrorKind::Refused, Some(Phase::Token), Some(400)));
    assert_eq!((error.code(), error.description(), error.excerpt()), (None, None, None));
    assert_eq!(error.to_string(), "acme: token request: the provider refused with an empty body (HTTP 400)");
    // It may be the request, not the refresh token: nobody is sent to sign in for a guess.
    let error = client.refresh(&refreshable()).await.unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.needs_login()), (ErrorKind::Refused, Some(Phase::Refresh), false));
}

#[tokio::test]
async fn a_bare_401_and_a_bare_503_at_every_endpoint() {
    let script = Script::answers([bare(401), bare(401), bare(401), bare(503).header("retry-after", "7"), bare(503)]);
    let client = client(&script);
    for (error, phase) in [
        (client.introspect(&refreshable()).await.unwrap_err(), Phase::Introspection),
        (client.revoke(&refreshable()).await.unwrap_err(), Phase::Revocation),
        (client.device().await.unwrap_err(), Phase::DeviceAuthorization),
    ] {
        assert_eq!((error.kind(), error.phase(), error.status()), (ErrorKind::Refused, Some(phase), Some(401)));
        assert!(!error.is_retryable() && !error.needs_login());
    }
    let busy = client.refresh(&refreshable()).await.unwrap_err();
    assert_eq!((busy.is_retryable(), busy.retry_after(), busy.status()), (true, Some(7), Some(503)));
    assert!(client.introspect(&refreshable()).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_bare_200_is_a_revocation_and_no_token() {
    let script = Script::answers([bare(200), bare(200), bare(200)]);
    let client = client(&script);
    client.revoke(&refreshable()).await.unwrap();
    let error = client.client_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.status()), (ErrorKind::InvalidResponse, Some(Phase::Token), Some(200)));
    let error = client.introspect(&refreshable()).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::Introspection)));
}

#[tokio::test]
async fn a_bare_401_of_the_api_renews_the_token_once() {
    let script = Script::answers([bare(401), token_answer(), Sent::json(200, json!({ "ok": true }))]);
    let session = client(&script).session(refreshable());
    let answer: Value = session.get("items").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({ "ok": true }));
    let sent: Vec<Option<String>> = script.received().iter().map(|r| r.header("authorization").map(str::to_owned)).collect();
    assert_eq!((sent[0].as_deref(), sent[2].as_deref()), (Some("Bearer at-1"), Some("Bearer at-2")));
}

// The token type.

#[tokio::test]
async fn bearer_in_any_case_is_sent_as_the_standard_writes_it() {
    for token_type in ["bearer", "BEARER", "Bearer"] {
        let answer = json!({ "access_token": "at", "token_type": token_type, "expires_in": 60 });
        let script = Script::answers([Sent::json(200, answer), Sent::json(200, json!([]))]);
        let session = client(&script).client_credentials().await.unwrap();
        assert_eq!(session.current_token().unwrap().token_type, "Bearer");
        session.get("items").send().await.unwrap();
        assert_eq!(script.received()[1].header("authorization"), Some("Bearer at"), "{token_type}");
    }
}

// The authorization response.

/// A sign-in that was started, with a state and nonce that the test knows.
fn started(client: &Client, response_type: &str) -> Pending {
    let authorize = client.authorize().scopes(["openid".to_owned()]).state("st").nonce("n-1");
    authorize.response_type(response_type).start().unwrap().1
}

fn id_token(nonce: &str, extra: Value) -> String {
    let mut claims = json!({
        "iss": "https://acme.example", "sub": "user-1", "aud": "dev", "iat": NOW, "exp": NOW + 600, "nonce": nonce,
    });
    claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    provider_jwt("RS256", &json!({}), &claims, "")
}

/// `c_hash` or `at_hash`: the left half of the SHA-256.
fn half_hash(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Answers the key set and the token request.
fn provider() -> Script {
    Script::start(|received| match received.url.path() {
        "/jwks" => Sent::json(200, provider_jwks()),
        "/token" => token_answer_with(id_token("n-1", json!({}))),
        path => Sent::text(404, path),
    })
}

fn token_answer_with(id_token: String) -> Sent {
    Sent::json(200, json!({ "access_token": "at-2", "token_type": "Bearer", "expires_in": 3600, "id_token": id_token }))
}

#[tokio::test]
async fn iss_beside_tokens_in_the_fragment_is_checked() {
    let script = provider();
    let client = client(&script);
    let at = |iss: &str| {
        let pairs = [("access_token", "at"), ("token_type", "bearer"), ("expires_in", "3600"), ("state", "st"), ("iss", iss)];
        format!("https://app.example/callback#{}", query(&pairs))
    };
    let session = client.exchange(started(&client, "token"), at("https://acme.example")).await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.expires_at), ("at", Some(NOW + 3600)));
    for other in ["https://evil.example", "https://acme.example/", "HTTPS://ACME.EXAMPLE", "https://acmeaexample", ""] {
        let error = client.exchange(started(&client, "token"), at(other)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Callback, "{other:?}");
        assert!(error.to_string().contains("(`iss`)"), "{error}");
    }
    assert_eq!(script.received().len(), 0);
}

#[tokio::test]
async fn the_hybrid_answer_may_come_in_the_query() {
    let script = provider();
    let client = client(&script);
    let jwt = id_token("n-1", json!({ "c_hash": half_hash("co-1") }));
    let parameters = query(&[("code", "co-1"), ("id_token", &jwt), ("state", "st")]);
    for callback in [format!("https://app.example/callback?{parameters}"), format!("/callback?{parameters}#")] {
        let session = client.exchange(started(&client, "code id_token"), callback).await.unwrap();
        assert_eq!(session.id_token().unwrap().subject(), "user-1");
    }
    let requests: Vec<Received> = script.received().into_iter().filter(|received| received.url.path() == "/token").collect();
    assert!(requests.iter().all(|request| request.form_value("code").as_deref() == Some("co-1")));
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn the_hybrid_answer_in_the_query_is_checked_as_one_in_the_fragment() {
    let script = provider();
    let client = client(&script);
    let hash = half_hash("co-1");
    for (jwt, problem) in [
        (id_token("n-2", json!({ "c_hash": hash })), "nonce"),
        (id_token("n-1", json!({ "c_hash": half_hash("co-2") })), "c_hash"),
        (id_token("n-1", json!({})), "c_hash"),
        (id_token("n-1", json!({ "c_hash": hash, "iss": "https://evil.example" })), "iss"),
    ] {
        let callback = format!("/callback?{}", query(&[("code", "co-1"), ("id_token", &jwt), ("state", "st")]));
        let error = client.exchange(started(&client, "code id_token"), callback).await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::IdToken)));
        assert!(error.to_string().contains(problem), "{problem}: {error}");
    }
    assert!(script.received().iter().all(|received| received.url.path() == "/jwks"), "a code was sent");
}

/// Providers that announce `iss` leave it out beside an id token, which has one (RFC 9207 is about responses that have none).
#[tokio::test]
async fn an_id_token_stands_for_the_announced_iss() {
    let script = provider();
    let announced = format!("{ACME}authorization:\n  iss_parameter: true\n");
    let client = client_of(&announced, "dev", SECRET, &script);
    let jwt = id_token("n-1", json!({ "c_hash": half_hash("co-1") }));
    let hybrid = query(&[("code", "co-1"), ("id_token", &jwt), ("state", "st")]);
    client.exchange(started(&client, "code id_token"), format!("/callback#{hybrid}")).await.unwrap();

    let other = id_token("n-1", json!({ "c_hash": half_hash("co-1"), "iss": "https://evil.example" }));
    let forged = query(&[("code", "co-1"), ("id_token", &other), ("state", "st")]);
    let error = client.exchange(started(&client, "code id_token"), format!("/callback#{forged}")).await.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::IdToken));
    let error = client.exchange(started(&client, "code"), format!("/callback?{hybrid}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Callback);
    assert_eq!(script.received().iter().filter(|received| received.url.path() == "/token").count(), 1);
}

// Basic credentials.

/// Decodes percent-encoding and nothing else: a `+` is what no client should have sent.
fn strict_basic(received: &Received) -> Sent {
    let pair = received.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    let pair = pair.and_then(|pair| STANDARD.decode(pair).ok()).and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
    let decoded = pair.split_once(':').map(|(id, secret)| {
        let decode = |half: &str| percent_decode_str(half).decode_utf8_lossy().into_owned();
        (decode(id), decode(secret))
    });
    match decoded {
        Some((id, secret)) if !pair.contains('+') && (id.as_str(), secret.as_str()) == ("a client+", "p w+:%é") => {
            token_answer()
        }
        _ => Sent::json(401, json!({ "error": "invalid_client", "error_description": pair })),
    }
}

#[tokio::test]
async fn a_space_in_basic_credentials_is_percent_20() {
    let script = Script::start(strict_basic);
    let client = client_of(ACME, "a client+", "p w+:%é", &script);
    client.client_credentials().await.unwrap();
    let expected = format!("Basic {}", STANDARD.encode("a%20client%2B:p%20w%2B%3A%25%C3%A9"));
    assert_eq!(script.only().header("authorization"), Some(expected.as_str()));
}

// Assertions.

/// Refuses assertions without `client_id` beside them, and those that are valid for longer than an hour.
fn strict_assertion(received: &Received) -> Sent {
    let refused = |why: &str| Sent::json(400, json!({ "error": "invalid_client", "error_description": why }));
    let Some(assertion) = received.form_value("client_assertion") else { return refused("no assertion") };
    let (_, claims) = jwt_parts(&assertion);
    let time = |name: &str| claims.get(name).and_then(Value::as_u64).unwrap_or_default();
    match received.form_value("client_id").as_deref() {
        Some("dev") if time("exp") > time("iat") && time("exp") - time("iat") <= 3600 => match received.url.path() {
            "/token" => token_answer(),
            "/introspect" => Sent::json(200, json!({ "active": true })),
            _ => bare(200),
        },
        Some(_) => refused("lifetime"),
        None => refused("client_id"),
    }
}

#[tokio::test]
async fn an_assertion_is_short_lived_and_has_client_id_beside_it() {
    let key = SigningKey::from_pem(keys::private_key_pem("es256").unwrap()).unwrap();
    for (credential, alg, method) in
        [(Credential::from(key), "ES256", "private_key_jwt"), (Credential::from(SECRET), "HS256", "client_secret_jwt")]
    {
        let script = Script::start(strict_assertion);
        let client = client_of(&ACME.replace("client_secret_basic, ", ""), "dev", credential, &script);
        client.client_credentials().await.unwrap();
        client.refresh(&refreshable()).await.unwrap();
        client.introspect(&refreshable()).await.unwrap();
        client.revoke(&refreshable()).await.unwrap();
        let mut ids = Vec::new();
        for request in script.received() {
            assert_eq!(request.header("authorization"), None, "{method}");
            assert_eq!(request.form_value("client_id").as_deref(), Some("dev"));
            assert_eq!(
                request.form_value("client_assertion_type").as_deref(),
                Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            );
            let (header, claims) = jwt_parts(&request.form_value("client_assertion").unwrap());
            assert_eq!(header["alg"], alg);
            for (name, expected) in [("iss", "dev"), ("sub", "dev"), ("aud", "https://acme.example/token")] {
                assert_eq!(claims[name], expected, "{name}");
            }
            assert_eq!(claims["iat"], NOW);
            assert!(claims["exp"].as_u64().unwrap() - NOW <= 300, "{claims:?}");
            ids.push(claims["jti"].as_str().unwrap().to_owned());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4, "an assertion was used twice");
    }
}

/// A provider without a userinfo endpoint and without id tokens, whose access tokens say who the user is.
#[tokio::test]
async fn a_profile_is_read_from_a_signed_access_token() {
    let yaml = include_str!("../examples/eve_online.yaml");
    let script = Script::start(|_| Sent::json(200, provider_jwks()));
    let read = async |issuer: &str| {
        let claims = json!({
            "iss": issuer, "sub": "CHARACTER:EVE:123123", "name": "Some Bloke", "aud": ["dev", "EVE Online"], "exp": NOW + 1200,
        });
        let client = client_of(yaml, "dev", SECRET, &script);
        client.session(Token::new(provider_jwt("RS256", &json!({ "typ": "JWT" }), &claims, SECRET))).profile().await
    };
    for issuer in ["login.eveonline.com", "https://login.eveonline.com"] {
        let profile = read(issuer).await.unwrap();
        assert_eq!((profile.sub(), profile.name()), ("123123", Some("Some Bloke")));
    }
    assert_eq!(read("https://evil.example").await.unwrap_err().kind(), ErrorKind::InvalidResponse);
}
