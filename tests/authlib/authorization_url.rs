//! The URL that the user is sent to.

use std::collections::BTreeMap;

use grantry_engine::{Client, Code, Descriptor, Entropy, ErrorKind, Phase, Transport};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock, provider_jwks, provider_jwt};
use serde_json::{Value, json};

use crate::common::{ACME, ISSUER, client_of};
use crate::sign_in::{CHALLENGE, OPENID, VERIFIER, acme, granted, offline, online, problems, s256, values};

/// Leaves out what is not in the old examples.
const PLAIN: &str = "authorization:\n  code_challenge_method: none\n";

// rows: 1, 3, 7
#[test]
fn url_and_state_belong_together() {
    let (url, pending) = offline(ACME).authorize().state("a b/c").start().unwrap();
    assert_eq!(pending.state(), "a b/c");
    assert_eq!(values(&url, "state"), ["a b/c"]);
    assert!(url.as_str().starts_with("https://acme.example/authorize?"));
    assert_eq!(values(&url, "client_id"), ["dev"]);
    let (url, pending) = offline(ACME).authorize().start().unwrap();
    assert_eq!(values(&url, "state"), [pending.state()]);
    assert_eq!(values(&url, "client_id"), ["dev"]);
}

// rows: 2
#[test]
fn a_state_is_made_of_256_bits_of_the_random_number_generator() {
    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
            bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
            Ok(())
        }
    }
    struct Broken;
    impl Entropy for Broken {
        fn fill(&self, _: &mut [u8]) -> std::io::Result<()> {
            Err(std::io::Error::other("no entropy"))
        }
    }
    let (_, counted) = offline(ACME).danger_entropy(Counting).authorize().start().unwrap();
    assert_eq!(counted.state(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    let state = || offline(ACME).authorize().start().unwrap().1.state().to_owned();
    assert_ne!(state(), state());
    assert!(offline(ACME).danger_entropy(Broken).authorize().start().is_err());
}

// rows: 4
#[test]
fn an_empty_state_is_refused_however_it_is_given() {
    for authorize in [offline(ACME).authorize().state(""), offline(ACME).authorize().param("state", "")] {
        let error = authorize.start().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Authorization)));
        assert!(error.to_string().contains("the state is empty"), "{error}");
    }
}

// rows: 5, 6
#[tokio::test]
async fn the_response_type_is_code_unless_the_call_or_the_descriptor_says_otherwise() {
    let script = Script::answers([granted()]);
    let hybrid = acme("authorization:\n  parameters: { response_type: code token }\n");
    let fragment = "https://app.example/callback#code=c&access_token=front&state=st";
    let (url, _) = offline(ACME).authorize().start().unwrap();
    assert_eq!(values(&url, "response_type"), ["code"]);

    let client = online(&hybrid, "secret", &script);
    let (url, started) = client.authorize().response_type("token").state("st").start().unwrap();
    assert_eq!(values(&url, "response_type"), ["token"]);
    let session = client.exchange(started, fragment).await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "front");
    assert!(script.received().is_empty());

    let (url, started) = client.authorize().state("st").start().unwrap();
    assert_eq!(values(&url, "response_type"), ["code token"]);
    client.exchange(started, fragment).await.unwrap();
    assert_eq!(script.only().form_value("code").as_deref(), Some("c"));
}

// rows: 8
#[test]
fn the_order_of_the_parameters_is_stable() {
    let bare = acme("authorization:\n  code_challenge_method: none\n  parameters: { redirect_uri: null }\n");
    let (url, _) = offline(&bare).authorize().scopes(["user:email".into()]).state("st").start().unwrap();
    assert_eq!(url.as_str(), "https://acme.example/authorize?response_type=code&client_id=dev&scope=user%3Aemail&state=st");
    let authorize = offline(&acme(PLAIN)).authorize().param("z", "1").param("a", "2").scopes(["s".into()]).state("st");
    assert_eq!(
        authorize.start().unwrap().0.as_str(),
        "https://acme.example/authorize?response_type=code&client_id=dev&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback\
         &scope=s&state=st&z=1&a=2"
    );
}

// rows: 9
#[test]
fn a_space_between_scopes_is_percent_20_and_the_separator_is_the_descriptors() {
    let query = |yaml: &str| {
        let authorize = offline(yaml).authorize().scopes(["a".into(), "b:c".into()]).state("st");
        authorize.start().unwrap().0.query().unwrap().to_owned()
    };
    assert!(query(ACME).contains("&scope=a%20b%3Ac&"), "{}", query(ACME));
    let commas = acme("scopes:\n  separator: ','\n");
    assert!(query(&commas).contains("&scope=a%2Cb%3Ac&"), "{}", query(&commas));
}

// rows: 10, 11
#[tokio::test]
async fn redirect_uri_and_scopes_of_the_call_win_over_those_of_client_and_descriptor() {
    let yaml = acme("scopes:\n  default: [read]\n");
    let script = Script::answers([granted(), granted()]);
    let client = online(&yaml, "secret", &script);
    let (url, started) = client.authorize().state("st").start().unwrap();
    assert_eq!(values(&url, "redirect_uri"), ["https://app.example/callback"]);
    assert_eq!(values(&url, "scope"), ["read"]);
    client.exchange(started, "/callback?code=a&state=st").await.unwrap();

    let authorize = client.authorize().scopes(["write".into()]).param("redirect_uri", "https://app.example/other");
    let (url, started) = authorize.state("st").start().unwrap();
    assert_eq!(values(&url, "redirect_uri"), ["https://app.example/other"]);
    assert_eq!(values(&url, "scope"), ["write"]);
    client.exchange(started, "https://app.example/other?code=a&state=st").await.unwrap();

    let sent: Vec<_> = script.received().iter().map(|request| request.form_value("redirect_uri").unwrap()).collect();
    assert_eq!(sent, ["https://app.example/callback", "https://app.example/other"]);
}

// rows: 12, 13
#[test]
fn query_and_fragment_of_the_endpoint_stay_where_they_are() {
    let at = |endpoint: &str| acme(PLAIN).replace("https://acme.example/authorize", endpoint);
    let (url, _) = offline(&at("https://acme.example/authorize?foo=bar#/login")).authorize().state("st").start().unwrap();
    assert_eq!(
        url.as_str(),
        "https://acme.example/authorize?foo=bar&response_type=code&client_id=dev\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&state=st#/login"
    );
}

// rows: 14
#[test]
fn parameters_of_the_descriptor_are_sent_unless_the_call_has_them() {
    let yaml = acme(
        "authorization:\n  parameters: { response_mode: form_post, prompt: consent, login_hint: jane@acme.example, nonce: n-0 }\n",
    );
    let (url, _) = offline(&yaml).authorize().start().unwrap();
    for (name, value) in
        [("response_mode", "form_post"), ("prompt", "consent"), ("login_hint", "jane@acme.example"), ("nonce", "n-0")]
    {
        assert_eq!(values(&url, name), [value]);
    }
    let authorize =
        offline(&acme(OPENID)).authorize().param("response_mode", "query").prompt("none").login_hint("joe").nonce("n");
    let (url, _) = authorize.start().unwrap();
    for (name, value) in [("response_mode", "query"), ("prompt", "none"), ("login_hint", "joe"), ("nonce", "n")] {
        assert_eq!(values(&url, name), [value]);
    }
}

// rows: 15, 16, 17
#[test]
fn further_parameters_are_appended_as_they_are_given() {
    let authorize =
        offline(ACME).authorize().max_age(0).param("resource", "a").param("resource", "b").param("access_type", "offline");
    let (url, _) = authorize.start().unwrap();
    assert!(url.as_str().ends_with("&max_age=0&resource=a&resource=b&access_type=offline"), "{url}");
    let (url, _) =
        offline(&acme("authorization:\n  parameters: { scope: null }\n")).authorize().scopes(["s".into()]).start().unwrap();
    assert_eq!(values(&url, "scope"), [""; 0]);
}

// rows: 18
#[test]
fn the_literal_example() {
    let yaml = acme("authorization:\n  code_challenge_method: none\n  parameters: { redirect_uri: null, state: null }\n");
    let client = offline(&yaml.replace("https://acme.example/authorize", "https://provider.test/authorize"));
    let authorize = client.authorize().max_age(0).param("resource", "a").param("resource", "b");
    assert_eq!(
        authorize.start().unwrap().0.as_str(),
        "https://provider.test/authorize?response_type=code&client_id=dev&max_age=0&resource=a&resource=b"
    );
}

// rows: 19, 20, 21, 28
#[tokio::test]
async fn a_verifier_of_the_callers_is_challenged_in_the_url_and_sent_with_the_code_only() {
    let script = Script::answers([granted()]);
    let client = online(ACME, "secret", &script);
    let (url, started) = client.authorize().state("mine").code_verifier(VERIFIER).start().unwrap();
    assert_eq!(values(&url, "code_challenge"), [CHALLENGE]);
    assert_eq!(values(&url, "code_challenge_method"), ["S256"]);
    assert_eq!(values(&url, "state"), ["mine"]);
    assert!(!url.as_str().contains(VERIFIER));
    client.exchange(started, "/callback?code=a&state=mine").await.unwrap();
    assert_eq!(script.only().form_value("code_verifier").as_deref(), Some(VERIFIER));
}

// rows: 22
#[test]
fn a_verifier_is_challenged_without_being_asked_or_refused() {
    let (url, _) = offline(ACME).authorize().code_verifier(VERIFIER).start().unwrap();
    assert_eq!(values(&url, "code_challenge"), [CHALLENGE]);
    let error = offline(&acme(PLAIN)).authorize().code_verifier(VERIFIER).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
}

// rows: 23
#[tokio::test]
async fn plain_is_sent_as_plain_and_an_unknown_challenge_method_is_no_descriptor() {
    let script = Script::answers([granted()]);
    let client = online(&acme("authorization:\n  code_challenge_method: plain\n"), "secret", &script);
    let (url, started) = client.authorize().state("st").code_verifier(VERIFIER).start().unwrap();
    assert_eq!(values(&url, "code_challenge"), [VERIFIER]);
    assert_eq!(values(&url, "code_challenge_method"), ["plain"]);
    client.exchange(started, "/callback?code=a&state=st").await.unwrap();
    assert_eq!(script.only().form_value("code_verifier").as_deref(), Some(VERIFIER));
    assert_eq!(problems(&acme("authorization:\n  code_challenge_method: S512\n")), [Code::UnknownValue]);
}

// rows: 24
#[test]
fn every_response_type_with_a_code_has_a_challenge() {
    let challenge = |response_type: &str| {
        let authorize = offline(&acme(OPENID)).authorize().code_verifier(VERIFIER).response_type(response_type);
        values(&authorize.start().unwrap().0, "code_challenge")
    };
    for response_type in ["code", "code id_token", "code token", "code id_token token"] {
        assert_eq!(challenge(response_type), [CHALLENGE], "{response_type}");
    }
    assert_eq!(challenge("token"), [""; 0]);
}

// rows: 25
#[test]
fn a_verifier_must_be_one() {
    let start = |verifier: &str| offline(ACME).authorize().code_verifier(verifier).start();
    assert!(start(&"a".repeat(43)).is_ok());
    assert!(start(&"-._~".repeat(32)).is_ok());
    for wrong in ["bar", "", &"a".repeat(42), &"a".repeat(129), &format!("{VERIFIER} "), &format!("{VERIFIER}+"), &"é".repeat(43)]
    {
        assert_eq!(start(wrong).unwrap_err().kind(), ErrorKind::Misuse, "{wrong:?}");
    }
}

// rows: 26
#[test]
fn the_endpoint_is_https_unless_it_is_on_loopback_and_that_is_allowed() {
    let at = |endpoint: &str| ACME.replace("https://acme.example/authorize", endpoint);
    assert_eq!(problems(&at("http://acme.example/authorize")), [Code::InsecureUrl]);
    let local = offline(&at("http://localhost:8080/authorize"));
    let error = local.authorize().start().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Authorization)));
    assert!(error.to_string().contains("is not an https URL"), "{error}");
    let local = local.transport(Transport::builder().danger_allow_loopback_http().build());
    assert!(local.authorize().start().unwrap().0.as_str().starts_with("http://localhost:8080/authorize?"));
}

// rows: 27
#[tokio::test]
async fn a_verifier_is_made_and_remembered_and_sent() {
    let script = Script::answers([granted(), granted()]);
    let client = online(ACME, "secret", &script);
    let mut challenges = Vec::new();
    for _ in 0..2 {
        let (url, started) = client.authorize().state("st").start().unwrap();
        challenges.extend(values(&url, "code_challenge"));
        let stored = serde_json::to_string(&started).unwrap();
        client.exchange(serde_json::from_str(&stored).unwrap(), "/callback?code=a&state=st").await.unwrap();
    }
    let verifiers: Vec<_> = script.received().iter().map(|request| request.form_value("code_verifier").unwrap()).collect();
    assert_eq!(challenges, verifiers.iter().map(|verifier| s256(verifier)).collect::<Vec<_>>());
    assert_ne!(verifiers[0], verifiers[1]);
    assert!(verifiers.iter().all(|verifier| verifier.len() >= 43));
}

fn signed_in(nonce: &str) -> Vec<Sent> {
    let claims = json!({ "iss": ISSUER, "sub": "jane", "aud": "dev", "iat": NOW, "exp": NOW + 60, "nonce": nonce });
    let id_token = provider_jwt("RS256", &json!({}), &claims, "secret");
    vec![
        Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "id_token": id_token })),
        Sent::json(200, provider_jwks()),
    ]
}

// rows: 29, 30
#[tokio::test]
async fn the_nonce_of_the_url_is_the_one_that_the_id_token_must_have() {
    let yaml = acme(OPENID);
    for given in [None, Some("mine")] {
        let start = || {
            let authorize = offline(&yaml).authorize().state("st").scopes(["email".into(), "openid".into()]);
            let (url, started) = given.iter().fold(authorize, |authorize, nonce| authorize.nonce(*nonce)).start().unwrap();
            (values(&url, "nonce").concat(), started)
        };
        let (nonce, started) = start();
        assert!(given.map_or(nonce.len() >= 20, |given| given == nonce), "{nonce}");
        let session =
            online(&yaml, "secret", &Script::answers(signed_in(&nonce))).exchange(started, "/callback?code=a&state=st").await;
        assert_eq!(session.unwrap().id_token().unwrap().subject(), "jane");
        let (_, started) = start();
        let result =
            online(&yaml, "secret", &Script::answers(signed_in("other"))).exchange(started, "/callback?code=a&state=st").await;
        assert_eq!(result.unwrap_err().phase(), Some(Phase::IdToken));
    }
}

// rows: 31
#[test]
fn what_the_call_says_wins_over_what_is_configured() {
    let client = offline(&acme("authorization:\n  parameters: { prompt: consent, access_type: offline }\n"));
    let (url, _) = client.authorize().prompt("login").param("access_type", "online").start().unwrap();
    assert_eq!(values(&url, "prompt"), ["login"]);
    assert_eq!(values(&url, "access_type"), ["online"]);
}

// rows: 32
#[test]
fn without_an_authorization_endpoint_there_is_no_sign_in() {
    let without = |yaml: &str| yaml.replace("  authorization_endpoint: https://acme.example/authorize\n", "");
    assert!(problems(&without(ACME)).contains(&Code::MissingEndpoint));
    let machine = without(ACME).replace("  - authorization_code\n  - implicit\n", "");
    let error = offline(&machine).authorize().start().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Authorization)));
    assert!(error.to_string().contains("authorization_endpoint"), "{error}");
}

fn metadata() -> Value {
    json!({
        "issuer": ISSUER, "authorization_endpoint": "https://acme.example/discovered",
        "token_endpoint": "https://acme.example/token", "jwks_uri": "https://acme.example/jwks",
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

const STATED: &str = "
endpoints:
  authorization_endpoint: https://acme.example/stated
  token_endpoint: https://acme.example/token
client_authentication:
  method: client_secret_basic
";

// rows: 33
#[tokio::test]
async fn the_descriptors_endpoint_wins_over_the_discovered_one() {
    for (endpoints, expected) in [("", "https://acme.example/discovered?"), (STATED, "https://acme.example/stated?")] {
        let script = Script::answers([Sent::json(200, metadata())]);
        let yaml = format!("name: Acme\ndocumentation: https://docs.acme.example/\n{endpoints}{OPENID}");
        let descriptor = Descriptor::from_yaml(&yaml, "acme.yaml").unwrap();
        let discover = Client::discover_descriptor(descriptor, BTreeMap::new(), "dev", "secret");
        let client = discover.transport(script.transport()).configure(|client| client.clock(TestClock::default())).await.unwrap();
        let (url, _) = client.redirect_uri("https://app.example/callback").unwrap().authorize().start().unwrap();
        assert!(url.as_str().starts_with(expected), "{url}");
    }
}

// rows: 34
#[test]
fn the_url_is_a_location_header_as_it_stands() {
    let authorize = offline(ACME).authorize().state("a\r\nSet-Cookie: x=y").login_hint("é\u{1f600} \"<>").param("x\ny", "z");
    let (url, _) = authorize.start().unwrap();
    let location = http::HeaderValue::from_str(url.as_str()).unwrap();
    assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>".contains(&byte)), "{location:?}");
    let back: url::Url = location.to_str().unwrap().parse().unwrap();
    assert_eq!(values(&back, "state"), ["a\r\nSet-Cookie: x=y"]);
    assert_eq!(values(&back, "login_hint"), ["é\u{1f600} \"<>"]);
}

// rows: 35
#[tokio::test]
async fn nothing_that_can_be_printed_shows_the_verifier() {
    // Without a digit it does not look like a token.
    let verifier = "verifier".repeat(6);
    let script = Script::answers([
        Sent::text(400, format!("<p>bad request: code=c-0de&code_verifier={verifier}</p>")),
        Sent::json(400, json!({ "error": "invalid_grant", "error_description": format!("no code_verifier {verifier}") })),
    ]);
    let client = client_of(ACME, "secret", &script, &TestClock::default());
    let start = || client.authorize().state("st").code_verifier(verifier.as_str()).start().unwrap().1;
    let exchange = || client.exchange(start(), "/callback?code=c-0de&state=st");
    let printed = format!("{:?} {:?} {client:?}", start(), exchange());
    assert!(!printed.contains(&verifier), "{printed}");
    let error = exchange().await.unwrap_err();
    assert!(error.excerpt().unwrap().contains("bad request"), "{error}");
    assert!(!format!("{error} {error:?}").contains(&verifier), "{error}");
    let error = exchange().await.unwrap_err();
    assert!(error.description().unwrap().contains("no code_verifier"), "{error}");
    assert!(!format!("{error} {error:?} {:?}", error.description()).contains(&verifier), "{error}");
}
