//! The emulator refuses whatever is not exactly as its fixture says, and says why.

#![allow(missing_docs)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use grantry_tests::NOW;
use grantry_tests::browser::{Arrival, Browser, Lost};
use grantry_tests::emulator::Emulator;
use grantry_tests::fixture::{Fixture, Scenario};
use grantry_tests::keys::private_key_pem;
use serde_json::{Value, json};
use url::Url;

const FIXTURE: &str = r#"
application: { client_id: my app, client_secret: s3cret, redirect_uri: https://app.example/callback, scopes: [read] }
exchanges:
  authorization:
    inferred: made up
    request:
      method: GET
      url: https://provider.example/authorize
      query: { client_id: "${client_id}", redirect_uri: "${redirect_uri}", state: "${state}", code_challenge: "${code_challenge}", code_challenge_method: S256 }
      fragment: top
      ignored: [response_type]
    response: { callback: query, parameters: { code: c0de, state: "${state}" }, signature: hmac }
    variants:
      posted:
        inferred: made up
        response: { callback: form_post, parameters: { code: "a\"<&>b", state: "${state}" } }
  token:
    inferred: made up
    request:
      method: POST
      url: https://provider.example/token
      headers: { Authorization: "${basic}" }
      form: { code: c0de, code_verifier: "${code_verifier}" }
      ignored: [grant_type]
    response:
      status: 200
      content_type: application/json
      body: '{"access_token":"t0ken","id_token":"${id_token}"}'
      id_token: { alg: HS256, claims: { aud: "${client_id}", nonce: "${nonce}", exp: "${now+60}" } }
    variants:
      bad_code: { inferred: made up, response: { status: 400, content_type: application/json, body: '{"error":"invalid_grant"}' } }
  resource:
    inferred: made up
    call: { method: POST, path: things }
    request:
      method: POST
      url: https://api.provider.example/things
      headers: { Authorization: Bearer t0ken }
      json: { name: x, tags: [a, 1], proof: "${hmac_sha256:client_secret:t0ken}" }
    response: { status: 200, content_type: application/json, body: "{}" }
"#;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct Setup {
    emulator: Emulator,
    fixture: Fixture,
    http: reqwest::Client,
}

impl Setup {
    fn new() -> Self {
        Self::of(FIXTURE)
    }

    fn of(text: &str) -> Self {
        let fixture = Fixture::parse("made_up", text).unwrap();
        let emulator = Emulator::start(vec![fixture.clone()]);
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(emulator.ca_pem().as_bytes()).unwrap()])
            .resolve_to_addrs("provider.example", &[emulator.addr()])
            .resolve_to_addrs("api.provider.example", &[emulator.addr()])
            .build()
            .unwrap();
        Self { emulator, fixture, http }
    }

    async fn authorize(&self, scenario: &Scenario, query: &str) -> Result<Arrival, Lost> {
        self.emulator.begin("made_up", scenario);
        let url = format!("https://provider.example/authorize?{query}#top");
        Browser::new(&self.emulator).open("authorization", &Url::parse(&url).unwrap(), &self.fixture, scenario).await
    }

    async fn token(&self, authorization: &str, body: String) -> (u16, String) {
        let request = self.http.post("https://provider.example/token").header("authorization", authorization);
        let response = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    fn refusals(&self) -> Vec<String> {
        self.emulator.take_records().into_iter().flat_map(|record| record.refusal).collect()
    }
}

const AUTHORIZATION: &str = "client_id=my%20app&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&state=abc\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

#[tokio::test]
async fn the_expected_conversation_is_answered() {
    let setup = Setup::new();
    let arrival = setup.authorize(&Scenario::AsWritten, AUTHORIZATION).await.unwrap();
    let hmac = "1397439cfa0c9d8486ac823b99ee70ad7407f209b1ee551c8cc0b17236df2910";
    let Arrival::Query(url) = arrival else { panic!("{arrival:?}") };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let expected = [("code", "c0de"), ("state", "abc"), ("hmac", hmac)];
    assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let (status, body) =
        setup.token("Basic bXkrYXBwOnMzY3JldA==", format!("code=c0de&code_verifier={VERIFIER}&grant_type=x")).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.starts_with(r#"{"access_token":"t0ken","id_token":"ey"#), "{body}");
    assert_eq!(setup.refusals(), [""; 0]);
}

#[tokio::test]
async fn a_form_post_keeps_its_values() {
    let setup = Setup::new();
    let scenario = Scenario::Variant { exchange: "authorization".into(), variant: "posted".into() };
    let arrival = setup.authorize(&scenario, AUTHORIZATION).await.unwrap();
    assert_eq!(arrival, Arrival::FormPost("code=a%22%3C%26%3Eb&state=abc".into()));
}

#[tokio::test]
async fn a_wrong_authorization_request_is_refused() {
    let setup = Setup::new();
    let Err(Lost::Refused(body)) = setup.authorize(&Scenario::AsWritten, "client_id=other&state=abc&prompt=login").await else {
        panic!("accepted")
    };
    let reasons = [
        "query parameter `client_id`: expected ${client_id} = `my app`, got `other`",
        "query parameter `redirect_uri`: missing, expected ${redirect_uri} = `https://app.example/callback`",
        "query parameter `code_challenge`: missing, expected ${code_challenge}",
        "query parameter `code_challenge_method`: missing, expected `S256`",
        "query parameter `prompt`: not expected, got `login`",
    ];
    assert_eq!(setup.refusals(), reasons);
    assert!(body.contains(reasons[0]), "{body}");
}

#[tokio::test]
async fn a_missing_fragment_is_refused() {
    let setup = Setup::new();
    let url = Url::parse(&format!("https://provider.example/authorize?{AUTHORIZATION}")).unwrap();
    let lost = Browser::new(&setup.emulator).open("authorization", &url, &setup.fixture, &Scenario::AsWritten).await.unwrap_err();
    assert!(matches!(lost, Lost::Refused(reason) if reason == "fragment: expected `#top`, got None"));
}

#[tokio::test]
async fn a_wrong_token_request_is_refused() {
    let setup = Setup::new();
    setup.authorize(&Scenario::AsWritten, AUTHORIZATION).await.unwrap();
    let (status, _) = setup.token("Basic bXkgYXBwOnMzY3JldA==", "code=c0de&code=c0de&code_verifier=guess&scope=all".into()).await;
    assert_eq!(status, 418);
    assert_eq!(
        setup.refusals(),
        [
            "header `Authorization`: expected ${basic} = `Basic bXkrYXBwOnMzY3JldA==`, got `Basic bXkgYXBwOnMzY3JldA==`",
            "form parameter `code`: stands 2 times",
            "form parameter `code_verifier`: expected ${code_verifier}, got `guess`",
            "form parameter `scope`: not expected, got `all`",
        ]
    );
}

#[tokio::test]
async fn a_wrong_resource_request_is_refused() {
    let setup = Setup::new();
    let request = setup.http.post("https://api.provider.example/things?x=1").header("x-api-version", "1");
    let response =
        request.header("content-type", "text/json").body(r#"{"name":"y","tags":["a",2],"more":0}"#).send().await.unwrap();
    assert_eq!(response.status(), 418);
    assert_eq!(
        setup.refusals(),
        [
            "header `Authorization`: missing, expected `Bearer t0ken`",
            "header `x-api-version`: not expected, got `1`",
            "query parameter `x`: not expected, got `1`",
            "header `content-type`: expected `application/json`, got `text/json`",
            "JSON member `name`: expected `x`, got `y`",
            "JSON member `tags.1`: expected 1, got 2",
            "JSON member `proof`: missing",
            "JSON member `more`: not expected, got 0",
        ]
    );
}

#[tokio::test]
async fn an_unknown_url_is_refused_with_the_known_ones() {
    let setup = Setup::new();
    let response = setup.http.get("https://provider.example/nowhere?a=b").send().await.unwrap();
    assert_eq!(response.status(), 418);
    assert_eq!(
        setup.refusals(),
        [
            "no exchange of the fixtures has the URL https://provider.example/nowhere",
            "known: authorization = GET https://provider.example/authorize",
            "known: token = POST https://provider.example/token",
            "known: resource = POST https://api.provider.example/things",
        ]
    );
}

#[test]
fn a_broken_fixture_is_reported_with_its_line() {
    let error = Fixture::parse("x", &FIXTURE.replace("${state}", "${stat}")).unwrap_err().to_string();
    assert!(error.contains("unknown placeholder `${stat}`") && error.contains("9"), "{error}");
    let error = Fixture::parse("x", &FIXTURE.replace("alg: HS256", "alg: RS256")).unwrap_err().to_string();
    assert_eq!(error, "exchanges.token.response.id_token: a `jwks` exchange is missing");
    let error = Fixture::parse("x", &FIXTURE.replace("fragment:", "fragments:")).unwrap_err().to_string();
    assert!(error.contains("fragments"), "{error}");
}

const ACCOUNTS: &str = r#"
application:
  accounts:
    robot: { client_id: robot, private_key: rs256, variables: { host: provider.example } }
exchanges:
  token:
    inferred: made up
    account: robot
    request:
      method: POST
      url: "https://${variables.host}/token"
      headers: { Authorization: "Bearer ${jwt}" }
      jwt: { Authorization: { alg: RS256, claims: { iss: "${client_id}" }, lifetime_at_most: 60, clock_behind: 30 } }
    response: { status: 200, content_type: application/json, body: "{}" }
"#;

#[test]
fn service_accounts_alone_need_no_sign_in() {
    Fixture::parse("x", ACCOUNTS).unwrap();
    let refused = |from: &str, to: &str| Fixture::parse("x", &ACCOUNTS.replace(from, to)).unwrap_err().to_string();
    assert_eq!(
        refused("client_id: robot,", "client_id: robot, key_file: '{}',"),
        "application.accounts.robot: exactly one of `client_id` and `key_file` is needed"
    );
    assert_eq!(
        refused("private_key: rs256", "private_key: rs1"),
        "application.accounts.robot.private_key: the tests ship no key `rs1`"
    );
    assert_eq!(
        refused("account: robot", "account: android"),
        "exchanges.token.request.url: application.variables: `host` is missing\n\
         exchanges.token.account: `application.accounts` has no `android`"
    );
    assert_eq!(
        refused("account: robot", "account: robot\n    grant: password"),
        "application: `client_id` is missing\nexchanges.token: `account` and `grant` exclude each other"
    );
    assert_eq!(
        refused("Bearer ${jwt}", "Bearer x"),
        "exchanges.token.request.jwt.Authorization: no parameter or header `Authorization` has `${jwt}`"
    );
    assert_eq!(
        refused("  accounts:", "  client_id: me\n  redirect_uri: https://app.example/\n  accounts:"),
        "exchanges: `authorization` is missing\nexchanges.token: at least one error is needed under `variants`"
    );
}

/// A JWT of the account, signed with the shipped key.
fn assertion(alg: &str, issuer: &str, iat: u64, exp: u64) -> String {
    let base64: String = private_key_pem("rs256").unwrap().lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap();
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let claims = json!({ "iss": issuer, "iat": iat, "exp": exp });
    let signed = format!("{}.{}", encode(json!({ "alg": alg })), encode(claims));
    let padding = if alg == "RS512" { &RSA_PKCS1_SHA512 } else { &RSA_PKCS1_SHA256 };
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_jwt_in_a_header_is_checked() {
    let setup = Setup::of(ACCOUNTS);
    let send = async |authorization: String| {
        let request = setup.http.post("https://provider.example/token").header("authorization", authorization);
        request.send().await.unwrap().status().as_u16()
    };
    let good = assertion("RS256", "robot", NOW - 30, NOW + 30);
    assert_eq!(send(format!("Bearer {good}")).await, 200);
    assert_eq!(setup.refusals(), [""; 0]);

    let refused = async |authorization: String, reason: &str| {
        assert_eq!(send(authorization).await, 418);
        let refusals = setup.refusals();
        assert!(refusals.iter().any(|refusal| refusal.contains(reason)), "{reason}: {refusals:?}");
    };
    refused(good.clone(), "expected `Bearer ` and a JWT").await;
    refused(format!("Bearer {}AAAAAAAAAA", &good[..good.len() - 10]), "has a wrong signature").await;
    let other = assertion("RS512", "robot", NOW - 30, NOW + 30);
    refused(format!("Bearer {other}"), r#"JWT header `alg`: expected "RS256", got "RS512""#).await;
    let other = assertion("RS256", "android", NOW - 30, NOW + 30);
    refused(format!("Bearer {other}"), r#"JWT claim `iss`: expected "robot", got "android""#).await;
    let early = assertion("RS256", "robot", NOW, NOW + 30);
    refused(format!("Bearer {early}"), "expected iat <= 1767225570 < exp, at most 60 seconds apart").await;
    let long = assertion("RS256", "robot", NOW - 30, NOW + 31);
    refused(format!("Bearer {long}"), "at most 60 seconds apart").await;
}

#[test]
fn every_fixture_is_valid() {
    let problems: Vec<String> =
        Fixture::files().unwrap().iter().filter_map(|file| Some(Fixture::read(file).err()?.to_string())).collect();
    assert_eq!(problems.join("\n\n"), "");
}
