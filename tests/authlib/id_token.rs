//! What an id token must say, whichever way it comes.

use std::time::Duration;

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512};
use aws_lc_rs::hmac;
use grantry_engine::store::MemoryStore;
use grantry_engine::{Client, Credential, Descriptor, Error, ErrorKind, IdTokenError, Pending, Phase, Session, Token};
use grantry_tests::NOW;
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock, provider_jwks};
use serde_json::{Value, json};

use crate::common::{ACME, ISSUER, SECRET, client_of};
use crate::signing::{base64, claim, half_hash, hmac_of, jwks, jwt, jwt_of, reason};

/// [`ACME`] as an OpenID provider, with further cells of `openid`.
fn openid(cells: &str) -> String {
    format!("{ACME}scopes:\n  default: [openid]\nopenid:\n  issuer: {ISSUER}\n{cells}")
}

fn algorithms(names: &str) -> String {
    openid(&format!("  id_token_signing_alg_values_supported: [{names}]\n"))
}

/// A client that knows the provider's keys.
fn client(yaml: &str, script: &Script) -> Client {
    client_of(yaml, SECRET, script, &TestClock::default()).jwks(&jwks().to_string()).unwrap()
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "jane", "aud": "dev", "iat": NOW, "exp": NOW + 300, "nonce": "n-1" })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn answer(id_token: Option<&str>) -> Sent {
    let mut members = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 3600 });
    if let Some(id_token) = id_token {
        members["id_token"] = id_token.into();
    }
    Sent::json(200, members)
}

fn started(client: &Client) -> Pending {
    client.authorize().state("st").nonce("n-1").start().unwrap().1
}

/// A sign-in by code that yields an id token.
async fn sign_in_with(yaml: &str, id_token: &str, set: impl FnOnce(Client) -> Client) -> Result<Session, Error> {
    let script = Script::answers([answer(Some(id_token))]);
    let client = set(client(yaml, &script));
    let session = client.exchange(started(&client), "/callback?code=c&state=st").await;
    assert_eq!(script.only().form_value("code").as_deref(), Some("c"));
    session
}

async fn sign_in(yaml: &str, id_token: &str) -> Result<Session, Error> {
    sign_in_with(yaml, id_token, |client| client).await
}

/// Whether a sign-in succeeds with these claims, by default.
async fn accepts(claims: &Value) -> Result<Session, Error> {
    sign_in(&openid(""), &jwt("RS256", claims)).await
}

#[track_caller]
fn about(name: &str, result: Result<Session, Error>) {
    let error = result.map(|_| ()).unwrap_err();
    assert_eq!((claim(&error).as_str(), error.kind(), error.phase()), (name, ErrorKind::InvalidResponse, Some(Phase::IdToken)));
}

/// A sign-in whose tokens come with the callback.
async fn front_channel(response_type: &str, callback: &str) -> Result<Session, Error> {
    let script = Script::answers([answer(Some(&jwt("RS256", &claims())))]);
    let client = client(&openid(""), &script);
    let (url, pending) = client.authorize().response_type(response_type).state("st").nonce("n-1").start()?;
    assert!(url.query_pairs().any(|pair| pair == ("response_type".into(), response_type.into())), "{url}");
    client.exchange(pending, format!("https://app.example/callback#state=st&{callback}")).await
}

/// A sign-in with a provider whose metadata lists these algorithms.
async fn discovered_sign_in(algorithms: Value, id_token: &str) -> Result<Session, Error> {
    let metadata = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://acme.example/authorize", "token_endpoint": "https://acme.example/token",
        "jwks_uri": "https://acme.example/jwks", "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    });
    let script = Script::answers([Sent::json(200, metadata), answer(Some(id_token)), Sent::json(200, jwks())]);
    let client = Client::from_issuer(ISSUER, "dev", SECRET).transport(script.transport()).await?;
    let client = client.clock(TestClock::default()).redirect_uri("https://app.example/callback")?;
    let (_, pending) = client.authorize().scopes(["openid".to_owned()]).state("st").nonce("n-1").start()?;
    client.exchange(pending, "/callback?code=c&state=st").await
}

// rows: 221
#[tokio::test]
async fn a_session_without_an_id_token_says_so_and_one_that_asked_for_openid_is_none() {
    let script = Script::answers([answer(None), answer(None)]);
    let client = client(&openid(""), &script);
    let (_, pending) = client.authorize().scopes(["repos".to_owned()]).state("st").start().unwrap();
    let session = client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
    assert!(session.id_token().is_none());
    assert!(session.current_token().unwrap().id_token.is_none());
    let error = client.exchange(started(&client), "/callback?code=c&state=st").await.map(|_| ()).unwrap_err();
    assert_eq!(reason(&error), IdTokenError::Missing);
}

// rows: 222
#[tokio::test]
async fn issuer_subject_audience_and_times_must_be_there() {
    accepts(&claims()).await.unwrap();
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        about(name, accepts(&without(name)).await);
    }
}

// rows: 223, 247
#[tokio::test]
async fn an_expired_token_is_refused_and_the_leeway_can_be_chosen() {
    let expired = |seconds: u64| jwt("RS256", &with("exp", NOW - seconds));
    let yaml = openid("");
    sign_in(&yaml, &expired(9)).await.unwrap();
    about("exp", sign_in(&yaml, &expired(10)).await);
    for (skew, within, beyond) in [(0, None, 0), (45, Some(44), 45), (600, Some(59), 60)] {
        let set = |client: Client| client.clock_skew(Duration::from_secs(skew));
        if let Some(within) = within {
            sign_in_with(&yaml, &expired(within), set).await.unwrap();
        }
        about("exp", sign_in_with(&yaml, &expired(beyond), set).await);
    }
    let session = accepts(&with("https://acme.example/role", "admin")).await.unwrap();
    assert_eq!(session.id_token().unwrap().claims()["https://acme.example/role"], "admin");
}

// rows: 224
#[tokio::test]
async fn a_token_of_the_future_is_refused_and_an_old_one_is_not() {
    for name in ["nbf", "iat"] {
        accepts(&with(name, NOW + 10)).await.unwrap();
        about(name, accepts(&with(name, NOW + 11)).await);
        accepts(&with(name, 1)).await.unwrap();
    }
}

// rows: 225
#[tokio::test]
async fn the_issuer_is_compared_character_by_character() {
    for other in ["https://acme.example/", "https://ACME.example", "http://acme.example", "https://acme.example.evil.example"] {
        about("iss", accepts(&with("iss", other)).await);
    }
}

// rows: 226
#[tokio::test]
async fn no_id_token_is_read_without_an_issuer_to_compare() {
    let yaml = format!("{ACME}openid:\n  nonce: absent\n");
    let problems = Descriptor::from_yaml(&yaml, "acme.yaml").unwrap_err().to_string();
    assert!(problems.contains("`issuer` is missing in `openid`"), "{problems}");
    // A provider that is not declared as an OpenID provider: its id token proves nothing.
    let script = Script::answers([answer(Some(&jwt("RS256", &claims())))]);
    let client = client(ACME, &script);
    let (_, pending) = client.authorize().state("st").start().unwrap();
    let session = client.exchange(pending, "/callback?code=c&state=st").await.unwrap();
    assert!(session.id_token().is_none());
    assert!(session.current_token().unwrap().id_token.is_some());
}

// rows: 227
#[tokio::test]
async fn a_descriptor_says_which_further_values_claims_may_or_must_have() {
    let yaml = openid("  issuer_aliases: [acme.example]\n  required_claims: { tid: blue }\n");
    let token = |issuer: &str, tenant: &str| {
        let mut claims = with("iss", issuer);
        claims["tid"] = tenant.into();
        jwt("RS256", &claims)
    };
    sign_in(&yaml, &token(ISSUER, "blue")).await.unwrap();
    sign_in(&yaml, &token("acme.example", "blue")).await.unwrap();
    about("iss", sign_in(&yaml, &token("other.example", "blue")).await);
    about("tid", sign_in(&yaml, &token(ISSUER, "red")).await);
    about("tid", sign_in(&yaml, &jwt("RS256", &claims())).await);
}

// rows: 228
#[tokio::test]
async fn the_nonce_is_that_of_the_sign_in() {
    accepts(&claims()).await.unwrap();
    about("nonce", accepts(&without("nonce")).await);
    about("nonce", accepts(&with("nonce", "n-2")).await);
    about("nonce", accepts(&with("nonce", "")).await);
}

// rows: 229
#[tokio::test]
async fn a_grant_without_a_browser_has_no_nonce_to_compare() {
    let script = Script::answers([answer(Some(&jwt("RS256", &claims()))), answer(Some(&jwt("RS256", &with("aud", "other"))))]);
    let client = client(&openid(""), &script);
    let session = client.password("jane", "hunter2").await.unwrap();
    assert_eq!(session.id_token().unwrap().nonce(), Some("n-1"));
    about("aud", client.password("jane", "hunter2").await);
}

// rows: 230
#[tokio::test]
async fn the_token_itself_cannot_switch_the_nonce_off() {
    let mut unsupported = without("nonce");
    unsupported["nonce_supported"] = false.into();
    about("nonce", accepts(&unsupported).await);
    // Only the descriptor can, and even then another sign-in's nonce is refused.
    let yaml = openid("  nonce: absent\n");
    sign_in(&yaml, &jwt("RS256", &unsupported)).await.unwrap();
    unsupported["nonce"] = "n-2".into();
    about("nonce", sign_in(&yaml, &jwt("RS256", &unsupported)).await);
}

// rows: 231, 232, 233
#[tokio::test]
async fn the_audience_contains_the_client_and_of_several_the_client_is_the_authorized_party() {
    let token = |audience: Value, party: Option<&str>| {
        let mut claims = with("aud", audience);
        if let Some(party) = party {
            claims["azp"] = party.into();
        }
        claims
    };
    let session = accepts(&token(json!("dev"), None)).await.unwrap();
    assert_eq!(session.id_token().unwrap().audience(), ["dev"]);
    accepts(&token(json!(["dev"]), None)).await.unwrap();
    accepts(&token(json!(["api", "dev"]), Some("dev"))).await.unwrap();
    about("azp", accepts(&token(json!(["api", "dev"]), None)).await);
    about("azp", accepts(&token(json!(["api", "dev"]), Some("api"))).await);
    about("azp", accepts(&token(json!("dev"), Some("api"))).await);
    about("aud", accepts(&token(json!("api"), None)).await);
    about("aud", accepts(&token(json!("api"), Some("dev"))).await);
    about("aud", accepts(&token(json!(["api", "web"]), Some("dev"))).await);
}

// rows: 234, 235
#[tokio::test]
async fn at_hash_is_the_hash_of_the_access_token_by_the_algorithm() {
    let known: [(&str, &'static Algorithm); 8] = [
        ("RS256", &SHA256),
        ("PS256", &SHA256),
        ("ES256", &SHA256),
        ("HS256", &SHA256),
        ("ES384", &SHA384),
        ("RS384", &SHA384),
        ("RS512", &SHA512),
        ("EdDSA", &SHA512),
    ];
    let yaml = algorithms("RS256, PS256, ES256, HS256, ES384, RS384, RS512, EdDSA");
    for (alg, hash) in known {
        let token = |text: &str| jwt(alg, &with("at_hash", half_hash(hash, text)));
        sign_in(&yaml, &token("at")).await.unwrap_or_else(|error| panic!("{alg}: {error}"));
        about("at_hash", sign_in(&yaml, &token("another")).await);
        sign_in(&yaml, &jwt(alg, &claims())).await.unwrap_or_else(|error| panic!("{alg}: {error}"));
    }
    // The whole hash is not its left half, and a hash that nobody knows has no tokens at all.
    about("at_hash", accepts(&with("at_hash", base64(aws_lc_rs::digest::digest(&SHA256, b"at")))).await);
    let unknown = jwt_of("HS256", &json!({ "alg": "HS222" }), &with("at_hash", half_hash(&SHA256, "at")));
    assert_eq!(reason(&sign_in(&yaml, &unknown).await.unwrap_err()), IdTokenError::Algorithm("HS222".into()));
    // Through the browser it must be there.
    let bare = jwt("RS256", &claims());
    about("at_hash", front_channel("id_token token", &format!("access_token=at&token_type=bearer&id_token={bare}")).await);
}

// rows: 236
#[tokio::test]
async fn es256k_is_no_algorithm_of_id_tokens() {
    let token = jwt_of("ES256", &json!({ "alg": "ES256K", "kid": "p256" }), &with("at_hash", half_hash(&SHA256, "at")));
    let error = sign_in(&algorithms("RS256, ES256"), &token).await.unwrap_err();
    assert_eq!(reason(&error), IdTokenError::Algorithm("ES256K".into()));
    let problems = Descriptor::from_yaml(&algorithms("ES256K"), "acme.yaml").unwrap_err().to_string();
    assert!(problems.contains("ES256K"), "{problems}");
}

// rows: 237, 238
#[tokio::test]
async fn in_the_hybrid_flow_the_token_binds_the_code_and_has_the_nonce() {
    let token = |claims: &Value| format!("code=c&id_token={}", jwt("RS256", claims));
    let right = with("c_hash", half_hash(&SHA256, "c"));
    let session = front_channel("code id_token", &token(&right)).await.unwrap();
    assert_eq!(session.id_token().unwrap().subject(), "jane");
    about("c_hash", front_channel("code id_token", &token(&claims())).await);
    about("c_hash", front_channel("code id_token", &token(&with("c_hash", half_hash(&SHA256, "d")))).await);
    let mut unbound = right.clone();
    unbound.as_object_mut().unwrap().remove("nonce");
    about("nonce", front_channel("code id_token", &token(&unbound)).await);
    about("nonce", front_channel("id_token", &format!("id_token={}", jwt("RS256", &without("nonce")))).await);
}

// rows: 239
#[tokio::test]
async fn where_an_age_is_asked_for_the_authentication_is_recent_enough() {
    let run = async |claims: Value| {
        let script = Script::answers([answer(Some(&jwt("RS256", &claims)))]);
        let client = client(&openid(""), &script);
        let (url, pending) = client.authorize().max_age(600).state("st").nonce("n-1").start().unwrap();
        assert!(url.query_pairs().any(|pair| pair == ("max_age".into(), "600".into())), "{url}");
        client.exchange(pending, "/callback?code=c&state=st").await
    };
    let session = run(with("auth_time", NOW - 610)).await.unwrap();
    assert_eq!(session.id_token().unwrap().auth_time(), Some(NOW - 610));
    about("auth_time", run(with("auth_time", NOW - 611)).await);
    about("auth_time", run(claims()).await);
    about("auth_time", run(with("auth_time", "yesterday")).await);
    about("auth_time", accepts(&with("auth_time", "yesterday")).await);
    accepts(&with("auth_time", 1)).await.unwrap();
}

// rows: 240, 241
#[tokio::test]
async fn methods_are_a_list_and_the_subject_is_a_text() {
    let session = accepts(&with("amr", json!(["pwd", "otp"]))).await.unwrap();
    assert_eq!(session.id_token().unwrap().amr(), ["pwd", "otp"]);
    about("amr", accepts(&with("amr", "pwd")).await);
    for subject in [json!(7), json!(["jane"]), Value::Null, json!("")] {
        about("sub", accepts(&with("sub", subject)).await);
    }
}

// rows: 242
#[tokio::test]
async fn the_algorithms_are_those_that_the_descriptor_lists_else_rs256() {
    let signed = |alg: &str| jwt(alg, &claims());
    accepts(&claims()).await.unwrap();
    for alg in ["ES256", "PS256", "RS512", "EdDSA"] {
        let error = sign_in(&openid(""), &signed(alg)).await.unwrap_err();
        assert_eq!(reason(&error), IdTokenError::Algorithm(alg.into()));
        sign_in(&algorithms(alg), &signed(alg)).await.unwrap();
    }
    let error = sign_in(&algorithms("ES256"), &signed("RS256")).await.unwrap_err();
    assert_eq!(reason(&error), IdTokenError::Algorithm("RS256".into()));
    // Of a provider that is discovered, its metadata lists them.
    for (told, alg, is_accepted) in [("ES256", "ES256", true), ("ES256", "RS256", false), ("RS256", "ES256", false)] {
        let result = discovered_sign_in(json!([told]), &signed(alg)).await;
        assert_eq!(result.map_err(|error| reason(&error)).err(), (!is_accepted).then(|| IdTokenError::Algorithm(alg.into())));
    }
}

// rows: 243
#[tokio::test]
async fn an_unsigned_token_is_never_accepted_not_even_where_the_provider_lists_none() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let unsigned = format!("{}.{}.", base64(json!({ "alg": alg }).to_string()), base64(claims().to_string()));
        let error = sign_in(&openid(""), &unsigned).await.unwrap_err();
        assert_eq!(reason(&error), IdTokenError::Algorithm(alg.into()));
    }
    let problems = Descriptor::from_yaml(&algorithms("RS256, none"), "acme.yaml").unwrap_err().to_string();
    assert!(problems.contains("none"), "{problems}");
    let unsigned = format!("{}.{}.", base64(json!({ "alg": "none" }).to_string()), base64(claims().to_string()));
    let error = discovered_sign_in(json!(["none", "RS256"]), &unsigned).await.unwrap_err();
    assert_eq!(reason(&error), IdTokenError::Algorithm("none".into()));
}

// rows: 244
#[tokio::test]
async fn a_public_key_is_no_secret() {
    let jwks = provider_jwks();
    let part = |name: &str| jwks["keys"][0][name].as_str().unwrap().to_owned();
    let secrets = [part("n"), format!("{}.{}", part("n"), part("e")), jwks["keys"][0].to_string(), String::new()];
    for yaml in [openid(""), algorithms("RS256, HS256")] {
        for secret in &secrets {
            let signed =
                format!("{}.{}", base64(json!({ "alg": "HS256", "kid": "rsa" }).to_string()), base64(claims().to_string()));
            let signature = hmac_of(hmac::HMAC_SHA256, secret.as_bytes(), signed.as_bytes());
            let error = sign_in(&yaml, &format!("{signed}.{}", base64(signature))).await.unwrap_err();
            let expected = if yaml.contains("HS256") { IdTokenError::Signature } else { IdTokenError::Algorithm("HS256".into()) };
            assert_eq!(reason(&error), expected);
        }
    }
}

// rows: 245
#[tokio::test]
async fn the_client_secret_signs_only_where_the_descriptor_says_so() {
    let token = jwt("HS256", &claims());
    let error = sign_in(&openid(""), &token).await.unwrap_err();
    assert_eq!(reason(&error), IdTokenError::Algorithm("HS256".into()));
    let session = sign_in(&algorithms("HS256"), &token).await.unwrap();
    assert_eq!(session.id_token().unwrap().subject(), "jane");
}

// rows: 246
#[tokio::test]
async fn a_wrong_signature_is_refused() {
    for alg in ["RS256", "ES256", "EdDSA"] {
        let (ours, theirs) = (jwt(alg, &claims()), jwt(alg, &with("sub", "eve")));
        let stolen = format!("{}.{}", theirs.rsplit_once('.').unwrap().0, ours.rsplit_once('.').unwrap().1);
        let error = sign_in(&algorithms("RS256, ES256, EdDSA"), &stolen).await.unwrap_err();
        assert_eq!(reason(&error), IdTokenError::Signature, "{alg}");
    }
}

// rows: 248
#[tokio::test]
async fn the_response_type_says_what_the_token_must_have() {
    let token = |extra: &[(&str, &str)]| {
        let mut claims = claims();
        for (name, of) in extra {
            claims[*name] = half_hash(&SHA256, of).into();
        }
        format!("id_token={}", jwt("RS256", &claims))
    };
    let access = "access_token=at&token_type=bearer";
    accepts(&claims()).await.unwrap();
    front_channel("id_token", &token(&[])).await.unwrap();
    front_channel("id_token token", &format!("{access}&{}", token(&[("at_hash", "at")]))).await.unwrap();
    about("at_hash", front_channel("id_token token", &format!("{access}&{}", token(&[]))).await);
    front_channel("code token", &format!("code=c&{access}")).await.unwrap();
    front_channel("code id_token", &format!("code=c&{}", token(&[("c_hash", "c")]))).await.unwrap();
    let all = "code id_token token";
    front_channel(all, &format!("code=c&{access}&{}", token(&[("c_hash", "c"), ("at_hash", "at")]))).await.unwrap();
    about("c_hash", front_channel(all, &format!("code=c&{access}&{}", token(&[("at_hash", "at")]))).await);
    about("at_hash", front_channel(all, &format!("code=c&{access}&{}", token(&[("c_hash", "c")]))).await);
    assert_eq!(front_channel("code device", "code=c").await.unwrap_err().kind(), ErrorKind::Misuse);
}

// rows: 249
#[tokio::test]
async fn the_token_is_read_at_sign_in_and_is_the_profile_where_there_is_no_endpoint() {
    let yaml = openid("").replace("  userinfo_endpoint: https://acme.example/userinfo\n", "");
    let session = sign_in(&yaml, &jwt("RS256", &with("email", "jane@acme.example"))).await.unwrap();
    let token = session.id_token().unwrap();
    assert_eq!((token.issuer(), token.subject(), token.nonce()), (ISSUER, "jane", Some("n-1")));
    assert_eq!((token.issued_at(), token.expires_at()), (NOW, NOW + 300));
    let profile = session.profile().await.unwrap();
    assert_eq!((profile.sub(), profile.email()), ("jane", Some("jane@acme.example")));
}

// rows: 250
#[tokio::test]
async fn an_id_token_that_nobody_asked_for_is_verified_all_the_same() {
    let run = async |claims: Value| {
        let script = Script::answers([answer(Some(&jwt("RS256", &claims)))]);
        let client = client(&openid(""), &script);
        let (_, pending) = client.authorize().scopes(["repos".to_owned()]).state("st").nonce("n-1").start().unwrap();
        client.exchange(pending, "/callback?code=c&state=st").await
    };
    assert_eq!(run(claims()).await.unwrap().id_token().unwrap().subject(), "jane");
    about("aud", run(with("aud", "other")).await);
    about("nonce", run(without("nonce")).await);
}

// rows: 251
#[tokio::test]
async fn the_id_token_of_a_refresh_is_of_the_same_user_issuer_and_client() {
    let run = async |claims: Option<Value>| {
        let script = Script::answers([answer(claims.map(|claims| jwt("RS256", &claims)).as_deref())]);
        let client = client_of(&openid(""), Credential::Secret(SECRET.into()), &script, &TestClock::default());
        let client = client.jwks(&jwks().to_string()).unwrap();
        let mut old = Token::new("old");
        old.refresh_token = Some("rt".into());
        old.id_token = Some(jwt("RS256", &self::claims()).into());
        client.refresh(&old).await.map(|token| token.id_token.unwrap().expose().to_owned())
    };
    let newer = with("iat", NOW + 5);
    assert_eq!(run(Some(newer.clone())).await.unwrap(), jwt("RS256", &newer));
    assert_eq!(run(None).await.unwrap(), jwt("RS256", &claims()));
    for (name, value) in [("sub", "eve"), ("iss", "https://other.example"), ("aud", "other")] {
        let error = run(Some(with(name, value))).await.unwrap_err();
        assert_eq!((claim(&error).as_str(), error.phase()), (name, Some(Phase::IdToken)));
    }
}

/// The refresh token of its answer may be that user's, too.
#[tokio::test]
async fn a_refresh_that_yields_another_user_ends_the_session() {
    let eve = answer(Some(&jwt("RS256", &with("sub", "eve"))));
    let script = Script::answers([eve, Sent::json(200, json!({ "access_token": "hers" }))]);
    let client = client(&openid(""), &script);
    let mut token = Token::new("janes");
    token.expires_at = Some(NOW - 1);
    token.refresh_token = Some("rt".into());
    token.id_token = Some(jwt("RS256", &claims()).into());
    let session = client.session(token);
    for _ in 0..2 {
        let error = session.token().await.unwrap_err();
        assert_eq!((error.kind(), claim(&error).as_str()), (ErrorKind::ReauthRequired, "sub"), "{error}");
        assert!(error.needs_login() && !error.is_retryable(), "{error}");
    }
    assert_eq!(session.current_token().unwrap().access_token.expose(), "janes");
    assert_eq!(script.only().form_value("refresh_token").as_deref(), Some("rt"));
}

/// Its refresh token is kept while the keys are fetched that tell whose it is.
#[tokio::test]
async fn nothing_of_another_user_is_left() {
    for (is_kept, is_repeated) in [(false, false), (false, true), (true, false), (true, true)] {
        let id_token = jwt("RS256", &with("sub", "eve"));
        let eves = json!({ "access_token": "eves", "refresh_token": "eves", "id_token": id_token });
        let lost = is_repeated.then(|| Sent::json(504, json!({})));
        let script = Script::answers(lost.into_iter().chain([Sent::json(200, eves), Sent::json(200, jwks())]));
        let client = client_of(&openid(""), SECRET, &script, &TestClock::default()).token_store(MemoryStore::new());
        let mut token = Token::new("janes");
        token.expires_at = Some(NOW - 1);
        token.refresh_token = Some("janes".into());
        token.id_token = Some(jwt("RS256", &claims()).into());
        let mut session = client.session(token);
        if is_kept {
            session.keep("jane").await.unwrap();
        }
        assert_eq!(session.token().await.unwrap_err().kind(), ErrorKind::ReauthRequired);
        let is_janes = |session: &Session| {
            let token = session.current_token().unwrap();
            token.refresh_token.as_ref().unwrap().expose() == "janes" && token.access_token.expose() == "janes"
        };
        assert!(is_janes(&session), "{is_kept} {is_repeated}");
        if is_kept {
            drop(session);
            session = client.session_for("jane").await.unwrap().unwrap();
            assert!(is_janes(&session), "the record, {is_repeated}");
        }
    }
}
