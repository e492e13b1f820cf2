//! Who the user is: the provider's userinfo answer, read.

use std::collections::BTreeMap;

use grantry_engine::store::MemoryStore;
use grantry_engine::{Client, Error, ErrorKind, Hooks, Phase, Profile, ServiceAccount, Session, SigningKey, Token};
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock};
use grantry_tests::{NOW, keys};
use serde_json::{Value, json};

use crate::common::{ACME, ISSUER, SECRET, client_of};
use crate::signing::{claim, jwks, jwt, reason};

fn openid() -> String {
    format!("{ACME}scopes:\n  default: [openid]\nopenid:\n  issuer: {ISSUER}\n")
}

fn session(yaml: &str, script: &Script) -> Session {
    let client = client_of(yaml, SECRET, script, &TestClock::default()).jwks(&jwks().to_string()).unwrap();
    client.session(Token::new("at"))
}

/// The profile that an answer yields.
async fn profile_of(yaml: &str, answer: Sent) -> Result<Profile, Error> {
    let script = Script::answers([answer]);
    session(yaml, &script).profile().await
}

/// A client that can verify id tokens.
fn verifying(yaml: &str, script: &Script) -> Client {
    client_of(yaml, SECRET, script, &TestClock::default()).jwks(&jwks().to_string()).unwrap()
}

/// A token from storage: it was issued at a sign-in of the user `jane`.
fn stored() -> Token {
    let answer: Value = serde_json::from_str(&tokens().body).unwrap();
    let mut token = Token::new("at");
    token.id_token = answer["id_token"].as_str().map(Into::into);
    token
}

/// A session whose id token is of the user `jane`.
async fn signed_in(script: &Script) -> Session {
    let client = verifying(&openid(), script);
    let (_, pending) = client.authorize().state("st").nonce("n-1").start().unwrap();
    client.exchange(pending, "/callback?code=c&state=st").await.unwrap()
}

fn tokens() -> Sent {
    let claims = json!({ "iss": ISSUER, "sub": "jane", "aud": "dev", "iat": NOW, "exp": NOW + 300, "nonce": "n-1" });
    Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer", "id_token": jwt("RS256", &claims) }))
}

fn signed(claims: &Value) -> Sent {
    Sent::text(200, jwt("RS256", claims)).header("content-type", "application/jwt; charset=utf-8")
}

// rows: 277
#[tokio::test]
async fn the_endpoint_is_read_with_the_access_token() {
    let script = Script::answers([Sent::json(200, json!({ "sub": "jane", "name": "Jane Doe" }))]);
    let profile = session(&openid(), &script).profile().await.unwrap();
    let received = script.only();
    assert_eq!((received.method.as_str(), received.url.as_str()), ("GET", "https://acme.example/userinfo"));
    assert_eq!(received.header("authorization"), Some("Bearer at"));
    assert!(received.body.is_empty());
    assert_eq!((profile.sub(), profile.name()), ("jane", Some("Jane Doe")));
}

// rows: 278
#[tokio::test]
async fn a_standard_claim_that_is_missing_is_none_and_others_are_in_the_map() {
    let profile = profile_of(&openid(), Sent::json(200, json!({ "sub": "jane", "badge": 7 }))).await.unwrap();
    let texts = [
        profile.name(),
        profile.given_name(),
        profile.family_name(),
        profile.preferred_username(),
        profile.email(),
        profile.picture(),
    ];
    assert_eq!(texts, [None; 6]);
    assert_eq!((profile.email_verified(), profile.locale()), (None, None));
    assert_eq!(profile.claims().get("badge"), Some(&json!(7)));
    assert_eq!(profile.claims().get("desk"), None);
}

// rows: 279
#[tokio::test]
async fn a_status_and_a_missing_endpoint_are_errors() {
    let error = profile_of(&openid(), Sent::json(403, json!({ "error": "insufficient_scope" }))).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Refused, Some(Phase::Userinfo)));
    assert_eq!((error.status(), error.code()), (Some(403), Some("insufficient_scope")));
    let yaml = ACME.replace("  userinfo_endpoint: https://acme.example/userinfo\n", "");
    let script = Script::answers([]);
    let error = session(&yaml, &script).profile().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(script.received().is_empty());
}

// rows: 280
#[tokio::test]
async fn the_answer_is_about_the_user_who_signed_in() {
    let answer = |sub: &str| Sent::json(200, json!({ "sub": sub, "email": "jane@acme.example" }));
    let script =
        Script::answers([tokens(), answer("jane"), answer("eve"), Sent::json(200, json!({ "email": "jane@acme.example" }))]);
    let session = signed_in(&script).await;
    assert_eq!(session.profile().await.unwrap().email(), Some("jane@acme.example"));
    let error = session.profile().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("another user than the id token"), "{error}");
    let error = session.profile().await.unwrap_err();
    assert!(error.to_string().contains("has no `sub`"), "{error}");
}

#[tokio::test]
async fn a_profile_is_about_one_user_wherever_its_claims_are_read() {
    let profile = async |claims: &str, answer: Value| {
        let yaml = format!("{}userinfo:\n  claims:\n    {claims}\n", openid());
        let script = Script::answers([Sent::json(200, answer)]);
        verifying(&yaml, &script).session(stored()).profile().await.map(|profile| profile.sub().to_owned())
    };
    let answer = |sub: &str| json!({ "sub": sub, "id": 7, "name": "Jane Doe" });
    for claims in ["email: id_token.email", "sub: id_token.sub", "sub: [sub, id_token.sub]", "sub: id_token.iss"] {
        profile(claims, answer("jane")).await.unwrap();
        let error = profile(claims, answer("eve")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(error.to_string().contains("another user than the id token"), "{claims}: {error}");
    }
    assert_eq!(profile("sub: id", answer("eve")).await.unwrap(), "7");
    assert_eq!(profile("sub: id_token.sub", json!({ "name": "Jane Doe" })).await.unwrap(), "jane");
}

// rows: 281
#[tokio::test]
async fn a_signed_answer_is_verified_and_an_encrypted_one_is_refused() {
    let claims = json!({ "iss": ISSUER, "aud": "dev", "sub": "jane", "email": "jane@acme.example" });
    let profile = profile_of(&openid(), signed(&claims)).await.unwrap();
    assert_eq!((profile.sub(), profile.email()), ("jane", Some("jane@acme.example")));
    for (name, wrong) in [("iss", "https://evil.example"), ("aud", "other")] {
        let mut forged = claims.clone();
        forged[name] = wrong.into();
        assert_eq!(claim(&profile_of(&openid(), signed(&forged)).await.unwrap_err()), name);
    }
    let mut stolen = signed(&claims);
    let payload = crate::signing::base64(json!({ "sub": "eve" }).to_string());
    let parts: Vec<&str> = stolen.body.split('.').collect();
    stolen.body = format!("{}.{payload}.{}", parts[0], parts[2]);
    let error = profile_of(&openid(), stolen).await.unwrap_err();
    assert_eq!(reason(&error), grantry_engine::IdTokenError::Signature);
    let encrypted = Sent::text(200, "a.b.c.d.e").header("content-type", "application/jwt");
    let error = profile_of(&openid(), encrypted).await.unwrap_err();
    assert!(matches!(reason(&error), grantry_engine::IdTokenError::Malformed(_)), "{error}");
}

// rows: 282
#[tokio::test]
async fn claims_are_chosen_by_scope() {
    let all = json!({
        "sub": "jane", "name": "a", "family_name": "b", "given_name": "c", "middle_name": "d", "nickname": "e",
        "preferred_username": "f", "profile": "g", "picture": "h", "website": "i", "gender": "j", "birthdate": "k", "zoneinfo": "l",
        "locale": "en", "updated_at": 7, "email": "m", "email_verified": true, "address": { "country": "n" }, "phone_number": "o",
        "phone_number_verified": false, "badge": 8,
    });
    let profile = profile_of(&openid(), Sent::json(200, all.clone())).await.unwrap();
    let names = |scopes: &str| profile.claims_of(scopes).keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names("openid"), "sub");
    assert_eq!(names("email"), "email email_verified");
    assert_eq!(names("address"), "address");
    assert_eq!(names("phone"), "phone_number phone_number_verified");
    assert_eq!(names("repos"), "");
    assert_eq!(names("openid email"), "email email_verified sub");
    let of_profile = profile.claims_of("profile");
    assert_eq!(of_profile.len(), 14);
    assert!(of_profile.iter().all(|(name, value)| all[name] == *value));
    assert!(!["sub", "email", "address", "badge"].iter().any(|name| of_profile.contains_key(*name)));
}

// rows: 283
#[tokio::test]
async fn a_locale_is_a_language_tag() {
    let locale = async |text: Value| {
        let profile = profile_of(&openid(), Sent::json(200, json!({ "sub": "jane", "locale": text }))).await.unwrap();
        profile.locale()
    };
    assert_eq!(locale(json!("pt-BR")).await.as_deref(), Some("pt-BR"));
    assert_eq!(locale(json!("en_US")).await.as_deref(), Some("en-US"));
    for wrong in [json!("english language"), json!(""), json!("a-US"), json!(7)] {
        assert_eq!(locale(wrong.clone()).await, None, "{wrong}");
    }
}

// rows: 284
#[tokio::test]
async fn a_claim_is_the_first_source_that_has_something() {
    let claims =
        "userinfo:\n  claims:\n    sub: id\n    name: [display_name, login]\n    email: contact.email\n    picture: avatar\n";
    let yaml = format!("{ACME}{claims}");
    let answer = json!({ "id": 4711, "display_name": "", "login": "jane", "contact": { "email": null }, "avatar": "" });
    let profile = profile_of(&yaml, Sent::json(200, answer.clone())).await.unwrap();
    assert_eq!((profile.sub(), profile.name(), profile.email(), profile.picture()), ("4711", Some("jane"), None, None));
    assert_eq!(profile.claims().keys().collect::<Vec<_>>(), ["name", "sub"]);
    assert_eq!(profile.raw().get("userinfo"), Some(&answer));
}

#[tokio::test]
async fn claims_of_others_stand_apart_and_are_not_fetched() {
    let answer = json!({
        "sub": "jane",
        "_claim_names": { "address": "src1", "credit": "src2", "lost": "src3", "odd": 7 },
        "_claim_sources": {
            "src1": { "JWT": "a.b.c" },
            "src2": { "endpoint": "https://bank.example/claims", "access_token": "theirs" },
        },
    });
    let script = Script::answers([Sent::json(200, answer)]);
    let profile = session(&openid(), &script).profile().await.unwrap();
    assert_eq!(profile.claims().keys().collect::<Vec<_>>(), ["sub"]);
    let (jwt, bank) = (json!({ "JWT": "a.b.c" }), json!({ "endpoint": "https://bank.example/claims", "access_token": "theirs" }));
    assert_eq!(profile.unverified_claim_sources(), BTreeMap::from([("address", &jwt), ("credit", &bank)]));
    assert!(!format!("{profile:?}").contains("theirs"));
    script.only();
}

#[tokio::test]
async fn a_session_from_storage_has_the_id_token_of_its_token() {
    let yaml = openid() + "userinfo:\n  claims:\n    email: id_token.email\n";
    let mut token = stored();
    let claims = json!({ "iss": ISSUER, "sub": "jane", "email": "jane@acme.example" });
    token.id_token = Some(jwt("RS256", &claims).into());
    let script = Script::answers([Sent::json(200, json!({ "sub": "jane" }))]);
    let session = verifying(&yaml, &script).session(token);
    assert_eq!(session.id_token().map(|id_token| id_token.subject()), Some("jane"));
    assert_eq!(session.profile().await.unwrap().email(), Some("jane@acme.example"));
}

#[tokio::test]
async fn a_session_from_a_store_has_the_id_token_of_its_token() {
    let script = Script::answers([tokens(), Sent::json(200, json!({ "sub": "eve" }))]);
    let client = verifying(&openid(), &script).token_store(MemoryStore::new());
    let (_, pending) = client.authorize().state("st").nonce("n-1").start().unwrap();
    client.exchange(pending, "/callback?code=c&state=st").await.unwrap().keep("jane").await.unwrap();
    let session = client.session_for("jane").await.unwrap().unwrap();
    assert_eq!(session.id_token().map(|id_token| id_token.subject()), Some("jane"));
    assert!(session.profile().await.unwrap_err().to_string().contains("another user than the id token"));
}

#[tokio::test]
async fn an_id_token_that_nobody_verified_is_none() {
    let script = Script::answers([]);
    assert!(verifying(ACME, &script).session(stored()).id_token().is_none());
    assert!(verifying(&openid(), &script).session(Token::new("at")).id_token().is_none());
    for malformed in ["", "a", "a.b", "a.b.c", "a.bnVsbA.c"] {
        let mut token = Token::new("at");
        token.id_token = Some(malformed.into());
        assert!(verifying(&openid(), &script).session(token).id_token().is_none(), "{malformed}");
    }
    // Nobody asked for the one that came through the browser, so nobody has looked at it.
    let client = verifying(&openid(), &script);
    let (_, pending) = client.authorize().state("st").response_type("token").start().unwrap();
    let forged = crate::signing::base64(json!({ "sub": "eve" }).to_string());
    let session = client.exchange(pending, format!("/callback#access_token=at&id_token=e30.{forged}.x&state=st")).await.unwrap();
    assert!(session.current_token().unwrap().id_token.is_none() && session.id_token().is_none());
}

#[tokio::test]
async fn the_id_token_of_a_service_account_was_not_verified() {
    let yaml = openid()
        + "service_accounts:\n  robot: { grant_type: client_credentials, assertion: { alg: ES256, lifetime: 600, claims: { iss: \"{client_id}\", aud: \"{token_endpoint}\" } } }\n";
    let script = Script::answers([tokens()]);
    let robot = ServiceAccount::of(verifying(&yaml, &script), "robot").unwrap();
    let session =
        robot.key(SigningKey::from_pem(keys::private_key_pem("es256").unwrap()).unwrap().key_id("1")).session().unwrap();
    assert!(session.token().await.unwrap().id_token.is_some());
    assert!(session.id_token().is_none());
}

#[tokio::test]
async fn a_call_after_the_token_does_not_replace_the_id_token() {
    let yaml = openid() + "exchange:\n  url: https://acme.example/exchange\n";
    let forged = crate::signing::base64(json!({ "sub": "eve" }).to_string());
    let exchanged = json!({ "access_token": "long", "id_token": format!("e30.{forged}.x") });
    let script = Script::answers([tokens(), Sent::json(200, exchanged)]);
    let client = verifying(&yaml, &script);
    let (_, pending) = client.authorize().state("st").nonce("n-1").start().unwrap();
    let session = client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!(token.access_token.expose(), "long");
    let again = client.session(Token::clone(&token));
    assert_eq!(again.id_token().map(|id_token| id_token.subject()), Some("jane"));
}

/// A profile of two calls: the second one has the token in a template.
const CALLS: &str = "userinfo:
  additional:
    emails:
      url: https://acme.example/emails
      authentication: none
      headers: { X-Token: \"{access_token}\" }
    public:
      url: https://acme.example/public
      authentication: none
  claims: { sub: id, email: emails.email }
";

fn calls(request: &Received) -> Sent {
    match (request.url.path(), request.header("authorization"), request.header("x-token")) {
        ("/token", ..) => Sent::json(200, json!({ "access_token": "new", "token_type": "Bearer" })),
        ("/userinfo", Some("Bearer new"), _) => Sent::json(200, json!({ "id": 7 })),
        ("/emails", _, Some("new")) => Sent::json(200, json!({ "email": "jane@acme.example" })),
        ("/public", ..) => Sent::json(200, json!({})),
        _ => Sent::json(401, json!({ "error": "invalid_token" })),
    }
}

/// What a server was asked for, in order.
fn paths(script: &Script) -> Vec<String> {
    script.received().iter().map(|request| request.url.path().to_owned()).collect()
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_made_again() {
    let renewable = |name: &str| {
        let mut token = Token::new(name);
        token.refresh_token = Some("rt".into());
        token
    };
    let client = |script: &Script| client_of(&format!("{ACME}{CALLS}"), SECRET, script, &TestClock::default());
    let script = Script::start(calls);
    let profile = client(&script).session(renewable("old")).profile().await.unwrap();
    assert_eq!((profile.sub(), profile.email()), ("7", Some("jane@acme.example")));
    assert_eq!(paths(&script), ["/userinfo", "/token", "/userinfo", "/emails", "/public"]);

    // The second call may be the one that finds out.
    let script = Script::start(|request| match (request.url.path(), request.header("authorization")) {
        ("/userinfo", Some("Bearer old")) => Sent::json(200, json!({ "id": 7 })),
        _ => calls(request),
    });
    client(&script).session(renewable("old")).profile().await.unwrap();
    assert_eq!(paths(&script), ["/userinfo", "/emails", "/token", "/emails", "/public"]);

    let refuses = Script::start(|request| match request.url.path() {
        "/token" => calls(request),
        _ => Sent::json(401, json!({})),
    });
    let error = client(&refuses).session(renewable("old")).profile().await.unwrap_err();
    assert_eq!((error.phase(), error.status()), (Some(Phase::Userinfo), Some(401)));
    assert_eq!(paths(&refuses), ["/userinfo", "/token", "/userinfo"]);

    for (client, token) in
        [(client(&refuses), Token::new("old")), (client(&refuses).without_automatic_refresh(), renewable("old"))]
    {
        let before = refuses.received().len();
        assert_eq!(client.session(token).profile().await.unwrap_err().status(), Some(401));
        assert_eq!(paths(&refuses)[before..], ["/userinfo"]);
    }
}

#[tokio::test]
async fn the_profiles_requests_with_the_token_go_through_the_hook() {
    let script = Script::start(calls);
    let hooks = Hooks::new().protected_request(|request| async { request.with_header("x-tenant", "blue") });
    let client = client_of(&format!("{ACME}{CALLS}"), SECRET, &script, &TestClock::default()).hooks(hooks);
    client.session(Token::new("new")).profile().await.unwrap();
    let seen: Vec<_> = script.received().iter().map(|request| request.header("x-tenant").map(str::to_owned)).collect();
    assert_eq!(seen, [Some("blue".to_owned()), Some("blue".to_owned()), None]);
}

#[tokio::test]
async fn a_call_for_a_missing_claim_may_be_refused() {
    let profile = async |when_missing: &str, status: u16| {
        let yaml = format!("{ACME}{CALLS}").replace("/emails\n", &format!("/emails\n{when_missing}"));
        let script = Script::start(move |request| match request.url.path() {
            "/emails" => Sent::json(status, json!({ "error": "insufficient_scope", "email": "nobody" })),
            _ => calls(request),
        });
        client_of(&yaml, SECRET, &script, &TestClock::default()).session(Token::new("new")).profile().await
    };
    let optional = "      when_missing: email\n";
    for status in [401, 403, 404] {
        let found = profile(optional, status).await.unwrap();
        assert_eq!((found.sub(), found.email(), found.raw().contains_key("emails")), ("7", None, false));
        assert_eq!(profile("", status).await.unwrap_err().status(), Some(status));
    }
    for status in [200, 400, 500] {
        assert_eq!(profile(optional, status).await.unwrap_err().status(), Some(status));
    }
}

#[tokio::test]
async fn a_session_that_ended_is_no_missing_claim() {
    let yaml = format!("{ACME}{CALLS}").replace("/emails\n", "/emails\n      when_missing: email\n");
    let script = Script::start(|request| match request.url.path() {
        "/token" => Sent::json(401, json!({ "error": "invalid_grant" })),
        "/emails" => Sent::json(401, json!({})),
        _ => calls(request),
    });
    let mut token = Token::new("new");
    token.refresh_token = Some("rt".into());
    let session = client_of(&yaml, SECRET, &script, &TestClock::default()).session(token);
    assert!(session.profile().await.unwrap_err().needs_login());
}
