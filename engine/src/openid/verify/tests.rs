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
    let issuer = if openid == TENANTS { "\"https://acme.example/{tenantid}/v2\"" } else { "https://acme.example" };
    let yaml = format!(
        "name: Acme\ndocumentation: https://acme.example/docs\nendpoints:\n  authorization_endpoint: https://acme.example/authorize\n  \
         token_endpoint: https://acme.example/token\n  jwks_uri: https://acme.example/jwks\nclient_authentication:\n  method: client_secret_post\n\
         scopes:\n  default: [openid]\nopenid:\n  issuer: {issuer}\n  id_token_signing_alg_values_supported: [HS256]\n{openid}"
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

/// How a token comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    /// From the token endpoint, beside the access token `access`.
    Code,
    /// The same, after a sign-in that asked for an authentication of the last 60 seconds.
    MaxAge,
    /// With the callback, beside the code `code` and the access token `access`.
    Browser,
    /// With a refresh, the user being `jane`.
    Refresh,
}

/// A token that must not be accepted.
struct Forged {
    way: Way,
    /// Cells of the descriptor.
    cells: &'static str,
    token: String,
    /// Stands in the reason.
    problem: &'static str,
}

/// What a token by one way is refused for, and the claim's name where it is one.
type Reason = (Option<String>, String);

async fn reason(way: Way, cells: &str, token: &str) -> Option<Reason> {
    let client = client(cells, SECRET);
    let config = client.config();
    let authorize = client.authorize().nonce("n");
    let (_, pending) = if way == Way::MaxAge { authorize.max_age(60).start() } else { authorize.start() }.unwrap();
    let with = |id_token: &str| Token { id_token: Some(id_token.into()), ..Token::new("access") };
    let error = match way {
        Way::Code | Way::MaxAge => verify_sign_in(config, &pending, &with(token)).await.err(),
        Way::Browser => verify_front_channel(config, &pending, token, Some("access"), Some("code")).await.err(),
        Way::Refresh => verify_refresh(config, &with(&valid(&claims())), &with(token)).await.err(),
    }?;
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<IdTokenError>());
    let reason = source.unwrap_or_else(|| panic!("{error} has no typed reason"));
    let name = match reason {
        IdTokenError::Claim { name, .. } => Some(name.clone()),
        _ => None,
    };
    Some((name, reason.to_string()))
}

fn hash(text: &str) -> Value {
    json!(left_half(Algorithm::HS256, text))
}

/// Claims that are right for a token that came through the browser.
fn browser_claims() -> Value {
    let mut claims = with("at_hash", hash("access"));
    claims["c_hash"] = hash("code");
    claims
}

fn changed(mut claims: Value, name: &str, value: Option<Value>) -> Value {
    match value {
        Some(value) => claims[name] = value,
        None => drop(claims.as_object_mut().unwrap().remove(name)),
    }
    claims
}

fn of_claims() -> Vec<Forged> {
    let forged = [
        (without("iss"), "`iss` is missing"),
        (with("iss", json!("https://acme.example/")), "`iss` is another issuer"),
        (with("iss", json!("https://acme.example1")), "`iss` is another issuer"),
        (with("iss", json!("https://acme.example\u{0}")), "`iss` is another issuer"),
        (with("iss", json!("HTTPS://ACME.EXAMPLE")), "`iss` is another issuer"),
        (with("iss", json!("acme.example")), "`iss` is another issuer"),
        (without("sub"), "`sub` is missing"),
        (with("sub", json!("")), "`sub` is no string, or empty"),
        (without("aud"), "`aud` is missing"),
        (with("aud", json!("me1")), "`aud` does not name this client"),
        (with("aud", json!("me ")), "`aud` does not name this client"),
        (with("aud", json!("ME")), "`aud` does not name this client"),
        (with("aud", json!(["api"])), "`aud` does not name this client"),
        (with("aud", json!(["me", 1])), "`aud` does not name this client"),
        (with("aud", json!([["me"]])), "`aud` does not name this client"),
        (with("aud", json!(["me", "evil"])), "`azp` is missing"),
        (with("azp", json!("evil")), "`azp` is another client"),
        (changed(with("aud", json!(["evil"])), "azp", Some(json!("me"))), "`aud` does not name this client"),
        (changed(with("aud", json!(["me", "evil"])), "azp", Some(json!("evil"))), "`azp` is another client"),
        (without("exp"), "`exp` is missing"),
        (with("exp", json!(NOW - 10)), "`exp` is over"),
        (with("exp", json!(0)), "`exp` is over"),
        (with("exp", json!(u64::MAX)), "`exp` is no time"),
        (with("exp", json!(1e300)), "`exp` is no time"),
        (with("exp", json!(-1)), "`exp` is no time"),
        (without("iat"), "`iat` is missing"),
        (with("iat", json!(NOW + 11)), "`iat` is to come"),
        (with("nbf", json!(NOW + 11)), "`nbf` is to come"),
        (without("nonce"), "`nonce` is missing"),
        (with("nonce", json!("n1")), "`nonce` is of another sign-in"),
        (with("nonce", json!("N")), "`nonce` is of another sign-in"),
        (with("at_hash", json!("wrong")), "`at_hash` is of another token"),
        (with("at_hash", hash("another")), "`at_hash` is of another token"),
        (with("at_hash", json!(left_half(Algorithm::HS512, "access"))), "`at_hash` is of another token"),
        (with("auth_time", json!("yesterday")), "`auth_time` is no time"),
        (with("amr", json!("pwd")), "`amr` is no list"),
        (with("amr", json!({ "0": "pwd" })), "`amr` is no list"),
        (with("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })), "`events` is about a logout"),
    ];
    forged.map(|(claims, problem)| Forged { way: Way::Code, cells: "", token: valid(&claims), problem }).into()
}

fn of_types() -> Vec<Forged> {
    let mut wrong = Vec::new();
    for (name, problem) in [
        ("iss", "`iss`"),
        ("sub", "`sub`"),
        ("aud", "`aud`"),
        ("exp", "`exp`"),
        ("iat", "`iat`"),
        ("nbf", "`nbf`"),
        ("nonce", "`nonce`"),
        ("azp", "`azp`"),
        ("at_hash", "`at_hash`"),
        ("auth_time", "`auth_time`"),
    ] {
        let is_time = matches!(name, "exp" | "iat" | "nbf" | "auth_time");
        let other = if is_time { json!(NOW.to_string()) } else { json!(7) };
        for value in [Value::Null, json!(true), json!([]), json!({}), json!({ "a": 1 }), other] {
            wrong.push(Forged { way: Way::Code, cells: "", token: valid(&with(name, value)), problem });
        }
    }
    wrong
}

fn of_headers() -> Vec<Forged> {
    let forged = [
        (json!({}), "no `alg`"),
        (json!({ "alg": 1 }), "no `alg`"),
        (json!({ "alg": ["HS256"] }), "no `alg`"),
        (json!({ "alg": "" }), "signed with ``"),
        (json!({ "alg": "none" }), "signed with `none`"),
        (json!({ "alg": "None" }), "signed with `None`"),
        (json!({ "alg": "RS256" }), "signed with `RS256`"),
        (json!({ "alg": "HS512" }), "signed with `HS512`"),
        (json!({ "alg": "hs256" }), "signed with `hs256`"),
        (json!({ "alg": "HS256 " }), "signed with `HS256 `"),
        (json!({ "alg": "HS256", "crit": [] }), "`crit`"),
        (json!({ "alg": "HS256", "crit": null }), "`crit`"),
        (json!({ "alg": "HS256", "crit": ["exp"] }), "`crit`"),
        (json!({ "alg": "HS256", "crit": ["bork"], "bork": true }), "`crit`"),
        (json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), "`crit`"),
        (json!({ "alg": "HS256", "kid": 1 }), "`kid`"),
        (json!({ "alg": "HS256", "kid": null }), "`kid`"),
        (json!({ "alg": "HS256", "kid": "k".repeat(257) }), "`kid`"),
        (json!({ "alg": "HS256", "typ": "logout+jwt" }), "another type"),
        (json!({ "alg": "HS256", "typ": "at+JWT" }), "another type"),
        (json!({ "alg": "HS256", "typ": "dpop+jwt" }), "another type"),
        (json!({ "alg": "HS256", "typ": "secevent+jwt" }), "another type"),
        (json!({ "alg": "HS256", "typ": 1 }), "another type"),
    ];
    forged.map(|(header, problem)| Forged { way: Way::Code, cells: "", token: token_of(&header, &claims()), problem }).into()
}

fn of_forms() -> Vec<Forged> {
    const FORM: &str = "three parts";
    const HEADER: &str = "header is no base64url";
    const CLAIMS: &str = "claims are no base64url";
    const SIGNATURE: &str = "signature is wrong";
    let good = valid(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = (part(&json!({ "alg": "HS256" })), part(&claims()));
    let of_header = |header: &str| sign(&format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header)));
    let of_payload = |payload: &[u8]| sign(&format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload)));
    let none = part(&json!({ "alg": "none" }));
    let forged = vec![
        (String::new(), FORM),
        ("a".into(), FORM),
        ("a.b".into(), FORM),
        (format!("{good}."), FORM),
        (format!("{good}.x"), FORM),
        (format!("{good}.b.c"), FORM),
        (".".repeat(60_000), FORM),
        ("x".repeat(64 * 1024 + 1), "longer than 64 KiB"),
        (format!("{good}="), SIGNATURE),
        (format!("{good} "), SIGNATURE),
        (format!("{good}\n"), SIGNATURE),
        (format!("{signed}."), SIGNATURE),
        (format!("{signed}.{}", &signature[1..]), SIGNATURE),
        (format!("{signed}.{signature}AA"), SIGNATURE),
        (format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0_u8; 32])), SIGNATURE),
        (format!("{header}.{}.{signature}", part(&with("sub", json!("eve")))), SIGNATURE),
        (format!("{}.{payload}.{signature}", part(&json!({ "typ": "JWT", "alg": "HS256" }))), SIGNATURE),
        (format!("{none}.{payload}.{signature}"), "signed with `none`"),
        (format!("{none}.{payload}."), "signed with `none`"),
        (format!(" {good}"), HEADER),
        (of_header(r#"{"alg":"HS256","alg":"HS256"}"#), HEADER),
        (of_header("[]"), HEADER),
        (of_header("\"HS256\""), HEADER),
        (of_header("null"), HEADER),
        (of_header("{"), HEADER),
        (of_header(""), HEADER),
        (of_header("{\"alg\":\"HS256\"}{}"), HEADER),
        (sign(&format!("{header}=.{payload}")), HEADER),
        (json!({ "protected": header, "payload": payload, "signature": signature }).to_string(), FORM),
        (of_payload(b"[]"), CLAIMS),
        (of_payload(b""), CLAIMS),
        (of_payload(b"{\"sub\":\"\xff\"}"), CLAIMS),
        (of_payload(br#"{"sub":"a","sub":"b"}"#), CLAIMS),
        (sign(&format!("{header}.{payload}=")), CLAIMS),
    ];
    forged.into_iter().map(|(token, problem)| Forged { way: Way::Code, cells: "", token, problem }).collect()
}

fn of_other_ways() -> Vec<Forged> {
    let browser = |name: &str, value: Option<Value>| (Way::Browser, "", changed(browser_claims(), name, value));
    let refresh = |name: &str, value: Option<Value>| (Way::Refresh, "", changed(without("nonce"), name, value));
    let forged = [
        (browser("nonce", None), "`nonce` is missing"),
        (browser("nonce", Some(json!("other"))), "`nonce` is of another sign-in"),
        ((Way::Browser, "  nonce: absent\n", changed(browser_claims(), "nonce", None)), "`nonce` is missing"),
        (browser("at_hash", None), "`at_hash` is missing"),
        (browser("at_hash", Some(hash("another"))), "`at_hash` is of another token"),
        (browser("at_hash", Some(hash("code"))), "`at_hash` is of another token"),
        (browser("c_hash", None), "`c_hash` is missing"),
        (browser("c_hash", Some(hash("another"))), "`c_hash` is of another token or code"),
        (browser("c_hash", Some(hash("access"))), "`c_hash` is of another token or code"),
        (browser("c_hash", Some(json!(7))), "`c_hash` is no string"),
        (browser("c_hash", Some(json!(""))), "`c_hash` is no string"),
        ((Way::Browser, "  at_hash: ignore\n", changed(browser_claims(), "c_hash", None)), "`c_hash` is missing"),
        (browser("aud", Some(json!("other"))), "`aud` does not name this client"),
        (browser("exp", Some(json!(NOW - 10))), "`exp` is over"),
        ((Way::MaxAge, "", claims()), "`auth_time` is missing"),
        ((Way::MaxAge, "", with("auth_time", json!(NOW - 71))), "`auth_time` is longer ago"),
        ((Way::MaxAge, "", with("auth_time", json!(0))), "`auth_time` is longer ago"),
        ((Way::MaxAge, "", with("auth_time", json!(NOW.to_string()))), "`auth_time` is no time"),
        ((Way::MaxAge, "", with("auth_time", json!(-1))), "`auth_time` is no time"),
        (refresh("sub", Some(json!("eve"))), "`sub` is another user"),
        (refresh("sub", Some(json!("Jane"))), "`sub` is another user"),
        (refresh("sub", None), "`sub` is missing"),
        (refresh("iss", Some(json!("https://evil.example"))), "`iss` is another issuer"),
        (refresh("aud", Some(json!("other"))), "`aud` does not name this client"),
        (refresh("at_hash", Some(hash("another"))), "`at_hash` is of another token"),
    ];
    forged.map(|((way, cells, claims), problem)| Forged { way, cells, token: valid(&claims), problem }).into()
}

/// Microsoft's way: the issuer names a tenant, which a claim repeats.
const TENANTS: &str = "  issuer_claims: { tenantid: { claim: tid, pattern: '[0-9a-f]{4}' } }\n";
const ALIASES: &str = "  issuer_aliases: [acme.example, \"https://old.example\"]\n";
const REQUIRED: &str = "  required_claims: { hd: corp.example }\n";

fn of_issuers() -> Vec<Forged> {
    let tenant = |issuer: &str, tid: Option<Value>| changed(with("iss", json!(issuer)), "tid", tid);
    let of = |tenant: &str| format!("https://acme.example/{tenant}/v2");
    let another = "`iss` is another issuer";
    let forged = [
        (TENANTS, tenant(&of("12ab"), None), another),
        (TENANTS, tenant(&of("12ab"), Some(json!("12ac"))), another),
        (TENANTS, tenant(&of("12AB"), Some(json!("12AB"))), another),
        (TENANTS, tenant(&of("{tenantid}"), Some(json!("12ab"))), another),
        (TENANTS, tenant(&of("{tenantid}"), Some(json!("{tenantid}"))), another),
        (TENANTS, tenant(&of("evil"), Some(json!("evil"))), another),
        (TENANTS, tenant(&of("12ab/../34cd"), Some(json!("12ab/../34cd"))), another),
        (TENANTS, tenant(&of("12ab"), Some(json!(["12ab"]))), another),
        (TENANTS, tenant("https://acme.example/12ab/v2/", Some(json!("12ab"))), another),
        (TENANTS, tenant("https://evil.example/12ab/v2", Some(json!("12ab"))), another),
        (ALIASES, with("iss", json!("acme.example/")), another),
        (ALIASES, with("iss", json!("https://acme.example.old")), another),
        (ALIASES, with("iss", json!("https://old.example/")), another),
        (REQUIRED, claims(), "`hd` is missing"),
        (REQUIRED, with("hd", json!("evil.example")), "`hd` is not what was asked for"),
        (REQUIRED, with("hd", json!(["corp.example"])), "`hd` is no string"),
    ];
    forged.map(|(cells, claims, problem)| Forged { way: Way::Code, cells, token: valid(&claims), problem }).into()
}

#[tokio::test]
async fn every_forged_token_is_refused_for_its_reason() {
    let groups = [of_claims(), of_types(), of_headers(), of_forms(), of_other_ways(), of_issuers()];
    let forged: Vec<Forged> = groups.into_iter().flatten().collect();
    let distinct: std::collections::HashSet<_> = forged.iter().map(|forged| (forged.way, forged.cells, &forged.token)).collect();
    assert!(distinct.len() >= 150 && distinct.len() == forged.len(), "{} of {}", distinct.len(), forged.len());
    for Forged { way, cells, token, problem } in &forged {
        let shown: String = token.chars().take(200).collect();
        let (name, reason) = reason(*way, cells, token).await.unwrap_or_else(|| panic!("{way:?}: accepted {shown}"));
        assert!(reason.contains(problem), "{way:?}: {reason}, not {problem}: {shown}");
        assert!(name.is_none_or(|name| problem.starts_with(&format!("`{name}`"))), "{reason}: {shown}");
    }
}

#[tokio::test]
async fn by_every_way_the_right_token_is_accepted() {
    let tenant = changed(with("iss", json!("https://acme.example/12ab/v2")), "tid", Some(json!("12ab")));
    let right = [
        (Way::Code, "", claims()),
        (Way::Browser, "", browser_claims()),
        (Way::Browser, "  at_hash: ignore\n", changed(browser_claims(), "at_hash", None)),
        (Way::MaxAge, "", with("auth_time", json!(NOW - 70))),
        (Way::Refresh, "", without("nonce")),
        (Way::Refresh, "", with("nonce", json!("of the first sign-in"))),
        (Way::Code, TENANTS, tenant),
        (Way::Code, ALIASES, with("iss", json!("acme.example"))),
        (Way::Code, ALIASES, with("iss", json!("https://old.example"))),
        (Way::Code, REQUIRED, with("hd", json!("corp.example"))),
    ];
    for (way, cells, claims) in right {
        assert_eq!(reason(way, cells, &valid(&claims)).await, None, "{way:?}: {claims}");
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
