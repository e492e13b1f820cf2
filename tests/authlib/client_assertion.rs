//! Clients that sign an assertion in place of sending a secret (RFC 7523 section 2.2).

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use grantry_engine::{AuthenticationMethod, Client, Credential, SigningKey, Token};
use grantry_tests::NOW;
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock, jwt_parts};
use serde_json::{Map, Value, json};

use crate::common::{SECRET, client_of};
use crate::sign_in::{acme, acme_by, granted, online};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

static EC: LazyLock<EcdsaKeyPair> = LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn rsa_pem() -> String {
    let der: Pkcs8V1Der<'_> = RSA.as_der().unwrap();
    pem("PRIVATE KEY", der.as_ref())
}

fn ec_pem() -> String {
    pem("PRIVATE KEY", EC.to_pkcs8v1().unwrap().as_ref())
}

fn rsa() -> SigningKey {
    SigningKey::from_pem(rsa_pem()).unwrap()
}

fn ec() -> SigningKey {
    SigningKey::from_pem(ec_pem()).unwrap()
}

/// The provider whose clients sign as this says.
fn signing(method: &str, assertion: &str) -> String {
    acme_by(method, "").replace("requests:", &format!("  assertion: {assertion}\nrequests:"))
}

/// The request for a token by client credentials.
async fn sent(yaml: &str, credential: impl Into<Credential>) -> Received {
    let script = Script::answers([granted()]);
    online(yaml, credential, &script).client_credentials().await.unwrap();
    script.only()
}

fn assertion(request: &Received) -> String {
    request.form_value("client_assertion").unwrap()
}

fn header(request: &Received) -> Map<String, Value> {
    jwt_parts(&assertion(request)).0
}

fn claims(request: &Received) -> Map<String, Value> {
    jwt_parts(&assertion(request)).1
}

/// Whether the assertion of a request is signed so.
fn is_signed(request: &Received, algorithm: &'static dyn VerificationAlgorithm, public_key: &[u8]) -> bool {
    let jwt = assertion(request);
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(algorithm, public_key).verify(signed.as_bytes(), &signature).is_ok()
}

fn is_hmac(request: &Received, algorithm: hmac::Algorithm, secret: &str) -> bool {
    let jwt = assertion(request);
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    hmac::verify(&hmac::Key::new(algorithm, secret.as_bytes()), signed.as_bytes(), &signature).is_ok()
}

// rows: 100
#[tokio::test]
async fn the_body_has_the_assertion_and_its_type() {
    for (method, credential) in [("client_secret_jwt", SECRET.into()), ("private_key_jwt", Credential::from(rsa()))] {
        let request = sent(&acme_by(method, ""), credential).await;
        assert_eq!(request.form_value("client_assertion_type").as_deref(), Some(TYPE), "{method}");
        assert_eq!(assertion(&request).split('.').count(), 3, "{method}");
        assert_eq!(request.form_value("grant_type").as_deref(), Some("client_credentials"), "{method}");
        assert!(!request.body_text().contains(SECRET), "{method}");
    }
}

// rows: 101
#[tokio::test]
async fn the_client_is_named_beside_its_assertion_unless_the_descriptor_drops_it() {
    let request = sent(&acme_by("private_key_jwt", ""), rsa()).await;
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.form_value("client_id").as_deref(), Some("dev"));
    let without = acme_by("private_key_jwt", "client_credentials:\n  parameters: { client_id: null }\n");
    let request = sent(&without, rsa()).await;
    assert_eq!((request.header("authorization"), request.form_value("client_id")), (None, None));
    assert!(request.form_value("client_assertion").is_some());
}

// rows: 102, 103
#[tokio::test]
async fn the_client_speaks_of_itself_to_the_token_endpoint_or_to_whom_the_descriptor_says() {
    let yaml = acme_by("private_key_jwt", "");
    let script = Script::answers([granted(), Sent::text(200, "")]);
    let client = online(&yaml, rsa(), &script);
    client.client_credentials().await.unwrap();
    client.revoke(&Token::new("at")).await.unwrap();
    let received = script.received();
    assert_eq!(received[1].url.path(), "/revoke");
    for request in &received {
        let claims = claims(request);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("dev"), &json!("dev")));
        assert_eq!(claims["aud"], "https://acme.example/token");
    }
    let issuer = signing("private_key_jwt", "{ alg: RS256, lifetime: 60, claims: { aud: \"https://acme.example\" } }");
    let claims = claims(&sent(&issuer, rsa()).await);
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!("https://acme.example"), &json!("dev")));
}

// rows: 104
#[tokio::test]
async fn an_assertion_is_valid_for_five_minutes_or_as_long_as_the_descriptor_says() {
    let now = claims(&sent(&acme_by("client_secret_jwt", ""), SECRET).await);
    assert_eq!((&now["iat"], &now["exp"]), (&json!(NOW), &json!(NOW + 300)));
    let stated = claims(&sent(&signing("client_secret_jwt", "{ alg: HS256, lifetime: 3600 }"), SECRET).await);
    assert_eq!((&stated["iat"], &stated["exp"]), (&json!(NOW), &json!(NOW + 3600)));
    let script = Script::answers([granted()]);
    let clock = TestClock::default();
    let client = client_of(&acme_by("client_secret_jwt", ""), SECRET, &script, &clock);
    clock.advance(7);
    client.client_credentials().await.unwrap();
    assert_eq!(claims(&script.only())["iat"], json!(NOW + 7));
}

/// The `jti` of two requests of one client.
async fn two_ids(yaml: &str) -> [String; 2] {
    let script = Script::answers([granted(), granted()]);
    let client = online(yaml, rsa(), &script);
    client.client_credentials().await.unwrap();
    client.client_credentials().await.unwrap();
    let received = script.received();
    [0, 1].map(|index| claims(&received[index])["jti"].as_str().unwrap().to_owned())
}

// rows: 105, 107, 111
#[tokio::test]
async fn each_assertion_has_an_id_of_its_own_whatever_claims_are_added() {
    for yaml in
        [acme_by("private_key_jwt", ""), signing("private_key_jwt", "{ alg: RS256, lifetime: 60, claims: { tenant: \"t-1\" } }")]
    {
        let [first, second] = two_ids(&yaml).await;
        assert_ne!(first, second);
        assert!(first.len() >= 36, "{first}");
    }
    let own = signing("private_key_jwt", "{ alg: RS256, lifetime: 60, claims: { jti: \"j-1\", tenant: \"t-1\" } }");
    let claims = claims(&sent(&own, rsa()).await);
    assert_eq!((&claims["jti"], &claims["tenant"], &claims["sub"]), (&json!("j-1"), &json!("t-1"), &json!("dev")));
}

// rows: 106
#[tokio::test]
async fn the_header_is_algorithm_and_type_and_what_is_added() {
    let of = |header: &Map<String, Value>| Value::Object(header.clone());
    let secret = sent(&acme_by("client_secret_jwt", ""), SECRET).await;
    assert_eq!(of(&header(&secret)), json!({ "alg": "HS256", "typ": "JWT" }));
    let key = sent(&acme_by("private_key_jwt", ""), rsa()).await;
    assert_eq!(of(&header(&key)), json!({ "alg": "RS256", "typ": "JWT" }));
    let named = sent(&acme_by("private_key_jwt", ""), rsa().key_id("k-1")).await;
    assert_eq!(of(&header(&named)), json!({ "alg": "RS256", "typ": "JWT", "kid": "k-1" }));
    let added = "{ alg: RS256, lifetime: 60, header: { typ: JWT, kid: \"{key_id}\", jku: \"https://app.example/jwks\" } }";
    let added = sent(&signing("private_key_jwt", added), rsa().key_id("k-1")).await;
    assert_eq!(of(&header(&added)), json!({ "alg": "RS256", "typ": "JWT", "kid": "k-1", "jku": "https://app.example/jwks" }));
}

// rows: 108, 109
#[tokio::test]
async fn the_algorithm_is_the_keys_own_or_the_descriptors() {
    let long = SECRET.repeat(2);
    let request = sent(&acme_by("client_secret_jwt", ""), long.as_str()).await;
    assert!(header(&request)["alg"] == "HS256" && is_hmac(&request, hmac::HMAC_SHA256, &long));
    let request = sent(&signing("client_secret_jwt", "{ alg: HS512, lifetime: 60 }"), long.as_str()).await;
    assert!(header(&request)["alg"] == "HS512" && is_hmac(&request, hmac::HMAC_SHA512, &long));

    let rsa_key = RSA.public_key().as_ref();
    let request = sent(&acme_by("private_key_jwt", ""), rsa()).await;
    assert!(header(&request)["alg"] == "RS256" && is_signed(&request, &signature::RSA_PKCS1_2048_8192_SHA256, rsa_key));
    let rs384 = signing("private_key_jwt", "{ alg: RS384, lifetime: 60 }");
    let request = sent(&rs384, rsa()).await;
    assert!(header(&request)["alg"] == "RS384" && is_signed(&request, &signature::RSA_PKCS1_2048_8192_SHA384, rsa_key));
    let request = sent(&signing("private_key_jwt", "{ alg: RS512, lifetime: 60 }"), rsa()).await;
    assert!(header(&request)["alg"] == "RS512" && is_signed(&request, &signature::RSA_PKCS1_2048_8192_SHA512, rsa_key));
    let request = sent(&signing("private_key_jwt", "{ alg: ES256, lifetime: 60 }"), ec()).await;
    assert!(header(&request)["alg"] == "ES256" && is_signed(&request, &ECDSA_P256_SHA256_FIXED, EC.public_key().as_ref()));

    // What is configured can be read back.
    let client = online(&rs384, rsa(), &Script::answers([]));
    let deviations: Vec<String> = client.descriptor().deviations().iter().map(ToString::to_string).collect();
    assert!(deviations.iter().any(|deviation| deviation == "client_authentication.assertion.alg=RS384"), "{deviations:?}");
}

// rows: 110
#[tokio::test]
async fn the_type_of_a_pem_key_is_found_out() {
    let sec1: EcPrivateKeyRfc5915Der<'_> = EC.private_key().as_der().unwrap();
    let public = EC.public_key().as_ref();
    let private = STANDARD.decode(ec_pem().lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap();
    // The private part stands behind a fixed beginning of PKCS#8 for P-256.
    let scalar = private.get(36..68).unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk =
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&public[1..33]), "y": encode(&public[33..]), "d": encode(scalar) });
    for key in [
        SigningKey::from_pem(ec_pem()).unwrap(),
        SigningKey::from_pem(pem("EC PRIVATE KEY", sec1.as_ref())).unwrap(),
        SigningKey::from_jwk(jwk.to_string()).unwrap(),
    ] {
        let request = sent(&acme_by("private_key_jwt", ""), key).await;
        assert_eq!(header(&request)["alg"], "ES256");
        assert!(is_signed(&request, &ECDSA_P256_SHA256_FIXED, public));
    }
    let request = sent(&acme_by("private_key_jwt", ""), SigningKey::from_pem(rsa_pem()).unwrap()).await;
    assert_eq!(header(&request)["alg"], "RS256");
}

// rows: 112
#[tokio::test]
async fn every_endpoint_gets_an_assertion_and_none_gets_the_key() {
    let script = Script::answers([granted(), granted(), Sent::text(200, ""), Sent::json(200, json!({ "active": true }))]);
    let client = online(&acme(""), rsa(), &script);
    let mut token = Token::new("at");
    token.refresh_token = Some("rt".into());
    client.client_credentials().await.unwrap();
    client.refresh(&token).await.unwrap();
    client.revoke(&token).await.unwrap();
    client.introspect(&token).await.unwrap();
    let received = script.received();
    assert_eq!(
        received.iter().map(|request| request.url.path()).collect::<Vec<_>>(),
        ["/token", "/token", "/revoke", "/introspect"]
    );
    let key: String = rsa_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    for request in received {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.form_value("client_assertion_type").as_deref(), Some(TYPE));
        assert!(is_signed(&request, &signature::RSA_PKCS1_2048_8192_SHA256, RSA.public_key().as_ref()));
        let text = format!("{} {:?} {}", request.url, request.headers, request.body_text());
        assert!(!text.contains("PRIVATE") && !text.contains(&key[40..80]), "{text}");
    }
    // Nor does a key become a secret where the descriptor or the application asks for one.
    let script = Script::answers([Sent::text(200, ""), granted()]);
    let client: Client = online(&acme("revocation:\n  authentication: client_secret_basic\n"), rsa(), &script);
    client.revoke(&token).await.unwrap();
    let client = client.authentication_method(AuthenticationMethod::ClientSecretPost).unwrap();
    client.client_credentials().await.unwrap();
    for request in script.received() {
        assert_eq!((request.header("authorization"), request.form_value("client_secret")), (None, None));
    }
}
