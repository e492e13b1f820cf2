//! Id tokens, right and forged. They are signed with HS256 and the client secret, so no key set has to be fetched.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::client::Client;
use crate::provider::Dynamic;

const NOW: u64 = 1_767_225_600;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

struct Fixed;

impl crate::clock::Clock for Fixed {
    fn now(&self) -> u64 {
        NOW
    }
}

fn client(openid: &str, secret: &str) -> Client<Dynamic> {
    let yaml = format!(
        "name: Acme\ndocumentation: https://acme.example/docs\nendpoints:\n  authorization_endpoint: https://acme.example/authorize\n  \
         token_endpoint: https://acme.example/token\n  jwks_uri: https://acme.example/jwks\nclient_authentication:\n  method: client_secret_post\n\
         scopes:\n  default: [openid]\nopenid:\n  issuer: https://acme.example\n  id_token_signing_alg_values_supported: [HS256]\n{openid}"
    );
    let descriptor = grantry_descriptor::Descriptor::from_yaml(&yaml, "acme.yaml").unwrap();
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), "me", secret).unwrap();
    client.clock(Fixed).redirect_uri("https://app.example").unwrap()
}

fn claims() -> Value {
    json!({ "iss": "https://acme.example", "sub": "jane", "aud": "me", "iat": NOW, "exp": NOW + 60, "nonce": "n" })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(signed: &str) -> String {
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token_of(header: &Value, claims: &Value) -> String {
    sign(&format!("{}.{}", part(header), part(claims)))
}

fn valid(claims: &Value) -> String {
    token_of(&json!({ "alg": "HS256" }), claims)
}

async fn sign_in(client: &Client<Dynamic>, id_token: Option<String>) -> Result<Option<Value>> {
    let (_, pending) = client.authorize().nonce("n").start().unwrap();
    let token = Token { id_token: id_token.map(Secret::from), ..Token::new("access") };
    verify_sign_in(client.config(), &pending, &token).await
}

async fn refusal(id_token: String) -> String {
    match sign_in(&client("", SECRET), Some(id_token.clone())).await {
        Err(error) => {
            assert!(
                std::error::Error::source(&error).is_some_and(|source| source.is::<IdTokenError>()),
                "{error} has no typed source"
            );
            error.to_string()
        }
        Ok(_) => panic!("accepted: {id_token}"),
    }
}

#[tokio::test]
async fn a_right_token_yields_its_claims() {
    let accepted = [
        claims(),
        with("aud", json!(["me"])),
        with("azp", json!("me")),
        with("exp", json!(NOW - 9)),
        with("exp", json!(NOW as f64 + 0.5)),
        with("iat", json!(NOW + 10)),
        with("nbf", json!(NOW + 10)),
        with("at_hash", json!(left_half(Jws::parse(&valid(&claims()), &["HS256"], "JWT").unwrap().algorithm, "access"))),
    ];
    for claims in accepted {
        assert_eq!(sign_in(&client("", SECRET), Some(valid(&claims))).await.unwrap(), Some(claims));
    }
    let both = json!({ "iss": "https://acme.example", "sub": "jane", "aud": ["me", "api"], "azp": "me", "iat": NOW, "exp": NOW + 60, "nonce": "n" });
    assert!(sign_in(&client("", SECRET), Some(valid(&both))).await.is_ok());
    assert!(
        sign_in(&client("", SECRET), Some(token_of(&json!({ "alg": "HS256", "typ": "JWT", "kid": "1" }), &claims())))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn wrong_claims_are_refused_by_name() {
    let forged = [
        ("iss", without("iss"), "is missing"),
        ("iss", with("iss", json!("https://acme.example/")), "another issuer"),
        ("iss", with("iss", json!("https://acme.example1")), "another issuer"),
        ("sub", without("sub"), "is missing"),
        ("sub", with("sub", json!("")), "empty"),
        ("aud", without("aud"), "is missing"),
        ("aud", with("aud", json!("me1")), "does not name this client"),
        ("aud", with("aud", json!([])), "does not name this client"),
        ("aud", with("aud", json!(["api"])), "does not name this client"),
        ("aud", with("aud", json!(["me", 1])), "does not name this client"),
        ("azp", with("aud", json!(["me", "evil"])), "`azp` is missing"),
        ("azp", with("azp", json!("evil")), "another client"),
        ("exp", without("exp"), "is missing"),
        ("exp", with("exp", json!(NOW - 10)), "is over"),
        ("exp", with("exp", json!(u64::MAX)), "is no time"),
        ("exp", with("exp", json!(1e300)), "is no time"),
        ("exp", with("exp", json!(-1)), "is no time"),
        ("iat", without("iat"), "is missing"),
        ("iat", with("iat", json!(NOW + 11)), "is to come"),
        ("nbf", with("nbf", json!(NOW + 11)), "is to come"),
        ("nonce", without("nonce"), "is missing"),
        ("nonce", with("nonce", json!("n1")), "another sign-in"),
        ("at_hash", with("at_hash", json!("wrong")), "of another token"),
    ];
    for (name, claims, problem) in forged {
        let error = refusal(valid(&claims)).await;
        assert!(error.contains(&format!("`{name}`")) && error.contains(problem), "{claims}: {error}");
    }
}

#[tokio::test]
async fn claims_of_a_wrong_type_are_refused() {
    let wrong = [Value::Null, json!(true), json!([]), json!({}), json!({ "a": 1 })];
    for name in ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash"] {
        for value in &wrong {
            let error = refusal(valid(&with(name, value.clone()))).await;
            assert!(error.contains(&format!("`{name}`")), "{name}={value}: {error}");
        }
    }
    for name in ["exp", "iat", "nbf"] {
        refusal(valid(&with(name, json!(NOW.to_string())))).await;
    }
    for name in ["iss", "sub", "aud", "nonce", "azp", "at_hash"] {
        refusal(valid(&with(name, json!(7)))).await;
    }
}

#[tokio::test]
async fn wrong_headers_are_refused() {
    let forged = [
        (json!({}), "no `alg`"),
        (json!({ "alg": 1 }), "no `alg`"),
        (json!({ "alg": "none" }), "signed with `none`"),
        (json!({ "alg": "None" }), "signed with `None`"),
        (json!({ "alg": "RS256" }), "signed with `RS256`"),
        (json!({ "alg": "HS512" }), "signed with `HS512`"),
        (json!({ "alg": "hs256" }), "signed with `hs256`"),
        (json!({ "alg": "HS256", "crit": [] }), "`crit`"),
        (json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), "`crit`"),
        (json!({ "alg": "HS256", "kid": 1 }), "`kid`"),
        (json!({ "alg": "HS256", "kid": "k".repeat(257) }), "`kid`"),
        (json!({ "alg": "HS256", "typ": "logout+jwt" }), "another type"),
        (json!({ "alg": "HS256", "typ": "at+JWT" }), "another type"),
        (json!({ "alg": "HS256", "typ": "dpop+jwt" }), "another type"),
        (json!({ "alg": "HS256", "typ": 1 }), "another type"),
    ];
    for (header, problem) in forged {
        let error = refusal(token_of(&header, &claims())).await;
        assert!(error.contains(problem), "{header}: {error}");
    }
}

#[tokio::test]
async fn wrong_forms_and_signatures_are_refused() {
    let good = valid(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let duplicate = |header: &str| sign(&format!("{}.{}", URL_SAFE_NO_PAD.encode(header), part(&claims())));
    let forged = [
        String::new(),
        "a".into(),
        "a.b".into(),
        format!("{good}."),
        format!("{good}.x"),
        format!("{good}="),
        format!("{signed}."),
        format!("{signed}.{}", &signature[1..]),
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0_u8; 32])),
        format!("{}.{}.{signature}", part(&json!({ "alg": "none" })), part(&claims())),
        format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims())),
        format!("{}.{}.{signature}", part(&json!({ "alg": "HS256" })), part(&with("sub", json!("eve")))),
        duplicate(r#"{"alg":"HS256","alg":"HS256"}"#),
        duplicate("[]"),
        duplicate("\"HS256\""),
        duplicate("{"),
        sign(&format!("{}=.{}", part(&json!({ "alg": "HS256" })), part(&claims()))),
        sign(&format!("{}.{}", part(&json!({ "alg": "HS256" })), part(&json!([])))),
        sign(&format!("{}.{}", part(&json!({ "alg": "HS256" })), URL_SAFE_NO_PAD.encode(r#"{"sub":"a","sub":"b"}"#))),
        "x".repeat(64 * 1024 + 1),
        ".".repeat(60_000),
    ];
    for token in forged {
        refusal(token).await;
    }
}

#[tokio::test]
async fn a_missing_token_is_an_error_only_where_openid_was_asked_for() {
    let error = sign_in(&client("", SECRET), None).await.unwrap_err().to_string();
    assert!(error.contains("it is missing"), "{error}");
    let client = client("", SECRET);
    let (_, pending) = client.authorize().scopes(["other".into()]).start().unwrap();
    assert_eq!(verify_sign_in(client.config(), &pending, &Token::new("access")).await.unwrap(), None);
}

#[tokio::test]
async fn cells_relax_what_they_name_and_nothing_else() {
    let token = valid(&without("nonce"));
    assert!(sign_in(&client("  nonce: absent\n", SECRET), Some(token)).await.is_ok());
    assert!(sign_in(&client("  nonce: absent\n", SECRET), Some(valid(&with("nonce", json!("other"))))).await.is_err());
    let token = valid(&with("at_hash", json!("wrong")));
    assert!(sign_in(&client("  at_hash: ignore\n", SECRET), Some(token)).await.is_ok());
    let token = valid(&with("iss", json!("acme.example")));
    assert!(sign_in(&client("  issuer_aliases: [acme.example]\n", SECRET), Some(token)).await.is_ok());
}

#[tokio::test]
async fn a_refresh_is_of_the_same_user() {
    let client = client("", SECRET);
    let token = |claims: &Value| Token { id_token: Some(valid(claims).into()), ..Token::new("access") };
    let old = token(&claims());
    assert!(verify_refresh(client.config(), &old, &token(&without("nonce"))).await.is_ok());
    assert!(verify_refresh(client.config(), &old, &Token::new("access")).await.is_ok());
    let error = verify_refresh(client.config(), &old, &token(&with("sub", json!("eve")))).await.unwrap_err();
    assert!(error.to_string().contains("another user"), "{error}");
}
