//! Forged tokens of a provider that signs with private keys: each is refused, with a typed reason, and every right one is accepted.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use grantry_engine::{Client, Error, IdTokenError};
use grantry_tests::emulator::Sent;
use grantry_tests::keys;
use grantry_tests::script::{Script, TestClock};
use grantry_tests::{NOW, script};
use serde_json::{Value, json};

use crate::common::{ACME, ISSUER, SECRET, client_of};
use crate::signing::{base64, hmac_of, jwks, jwt, jwt_of, key_id, reason, sign, with_signature};

const ASYMMETRIC: &str = "RS256, PS256, ES256, ES384, EdDSA";

/// The order of P-256.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e,
    0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of the group of Ed25519, the least significant byte first.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0x10,
];

/// What must not be accepted, and why not.
struct Forged {
    what: String,
    token: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug)]
enum Reason {
    Algorithm,
    Claim(&'static str),
    Malformed,
    Signature,
    UnknownKey,
}

impl Reason {
    fn is(self, reason: &IdTokenError) -> bool {
        match (self, reason) {
            (Self::Claim(expected), IdTokenError::Claim { name, .. }) => name == expected,
            (Self::Algorithm, IdTokenError::Algorithm(_))
            | (Self::Malformed, IdTokenError::Malformed(_))
            | (Self::Signature, IdTokenError::Signature)
            | (Self::UnknownKey, IdTokenError::UnknownKey) => true,
            _ => false,
        }
    }
}

fn forged(what: impl Into<String>, token: String, reason: Reason) -> Forged {
    Forged { what: what.into(), token, reason }
}

/// A provider that answers every code with the token that the test chose.
struct Provider {
    client: Client,
    token: Arc<Mutex<String>>,
    _script: Script,
}

impl Provider {
    fn new(algorithms: &str, jwks: &Value) -> Self {
        let token = Arc::new(Mutex::new(String::new()));
        let chosen = Arc::clone(&token);
        let script = Script::start(move |_| {
            let id_token = chosen.lock().unwrap().clone();
            Sent::json(200, json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token }))
        });
        let yaml = format!(
            "{ACME}scopes:\n  default: [openid]\nopenid:\n  issuer: {ISSUER}\n  id_token_signing_alg_values_supported: [{algorithms}]\n"
        );
        let client = client_of(&yaml, SECRET, &script, &TestClock::default()).jwks(&jwks.to_string()).unwrap();
        Self { client, token, _script: script }
    }

    /// A sign-in that yields this token.
    async fn sign_in(&self, id_token: &str) -> Result<String, Error> {
        id_token.clone_into(&mut self.token.lock().unwrap());
        let (_, pending) = self.client.authorize().state("st").nonce("n-1").start().unwrap();
        let session = self.client.exchange(pending, "/callback?code=c&state=st").await?;
        Ok(session.id_token().unwrap().subject().to_owned())
    }

    async fn refuses_all(&self, all: &[Forged]) {
        for Forged { what, token, reason: expected } in all {
            let Err(error) = self.sign_in(token).await else { panic!("accepted: {what}: {token}") };
            assert!(expected.is(&reason(&error)), "{what}: {error}, not {expected:?}");
        }
    }
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "jane", "aud": "dev", "iat": NOW, "exp": NOW + 300, "nonce": "n-1" })
}

fn header(alg: &str) -> Value {
    json!({ "alg": alg, "kid": key_id(alg) })
}

/// A token whose signature is changed.
fn spoilt(alg: &str, spoil: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    with_signature(&header(alg), &claims(), |signed| spoil(sign(alg, signed)))
}

fn flipped(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 1;
    bytes
}

/// An integer as DER.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut content = bytes[start..].to_vec();
    if content[0] & 0x80 != 0 {
        content.insert(0, 0);
    }
    [vec![2, content.len() as u8], content].concat()
}

/// An ECDSA signature as DER, which JWS does not use.
fn der(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let content = [integer(r), integer(s)].concat();
    [vec![0x30, content.len() as u8], content].concat()
}

/// The same signature of Ed25519, its second half larger by the order of the group.
fn malleated(mut signature: Vec<u8>) -> Vec<u8> {
    let mut carry = 0_u16;
    for (byte, order) in signature[32..].iter_mut().zip(ED25519_ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
    signature
}

fn of_elliptic_signatures() -> Vec<Forged> {
    let halves = |first: &[u8], second: &[u8]| [first, second].concat();
    let zeros = [0_u8; 32];
    let mut all = vec![
        ("nothing", spoilt("ES256", |_| Vec::new())),
        ("63 bytes", spoilt("ES256", |bytes| bytes[..63].to_vec())),
        ("63 bytes from the second", spoilt("ES256", |bytes| bytes[1..].to_vec())),
        ("65 bytes", spoilt("ES256", |bytes| halves(&bytes, &[0]))),
        ("65 bytes from a zero", spoilt("ES256", |bytes| halves(&[0], &bytes))),
        ("twice", spoilt("ES256", |bytes| halves(&bytes, &bytes))),
        ("r alone", spoilt("ES256", |bytes| bytes[..32].to_vec())),
        ("zeros", spoilt("ES256", |_| vec![0; 64])),
        ("r is zero", spoilt("ES256", |bytes| halves(&zeros, &bytes[32..]))),
        ("s is zero", spoilt("ES256", |bytes| halves(&bytes[..32], &zeros))),
        ("r is the order", spoilt("ES256", |bytes| halves(&P256_ORDER, &bytes[32..]))),
        ("s is the order", spoilt("ES256", |bytes| halves(&bytes[..32], &P256_ORDER))),
        ("both are the order", spoilt("ES256", |_| halves(&P256_ORDER, &P256_ORDER))),
        ("r and s are one", spoilt("ES256", |_| [vec![0; 31], vec![1], vec![0; 31], vec![1]].concat())),
        ("ones", spoilt("ES256", |_| vec![0xff; 64])),
        ("r and s change places", spoilt("ES256", |bytes| halves(&bytes[32..], &bytes[..32]))),
        ("the first bit of r", spoilt("ES256", |bytes| flipped(bytes, 0))),
        ("the last bit of s", spoilt("ES256", |bytes| flipped(bytes, 63))),
        ("DER", spoilt("ES256", |bytes| der(&bytes))),
        ("DER of zeros", spoilt("ES256", |_| der(&[0; 64]))),
        ("each half as for P-384", spoilt("ES256", |bytes| [&[0; 16], &bytes[..32], &[0; 16], &bytes[32..]].concat())),
        ("of P-384", with_signature(&header("ES256"), &claims(), |signed| sign("ES384", signed))),
        ("of Ed25519", with_signature(&header("ES256"), &claims(), |signed| sign("EdDSA", signed))),
        ("of P-256, said to be of P-384", with_signature(&header("ES384"), &claims(), |signed| sign("ES256", signed))),
        ("zeros for P-384", spoilt("ES384", |_| vec![0; 96])),
        ("DER for P-384", spoilt("ES384", |bytes| der(&bytes))),
        ("95 bytes for P-384", spoilt("ES384", |bytes| bytes[..95].to_vec())),
    ];
    let good = jwt("ES256", &claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    all.push(("padded", format!("{signed}.{signature}==")));
    all.push(("hex", format!("{signed}.{}", "0".repeat(128))));
    all.into_iter().map(|(what, token)| forged(format!("ECDSA: {what}"), token, Reason::Signature)).collect()
}

fn of_rsa_signatures() -> Vec<Forged> {
    let all = [
        ("nothing", spoilt("RS256", |_| Vec::new())),
        ("255 bytes", spoilt("RS256", |bytes| bytes[..255].to_vec())),
        ("257 bytes", spoilt("RS256", |bytes| [bytes, vec![0]].concat())),
        ("257 bytes from a zero", spoilt("RS256", |bytes| [vec![0], bytes].concat())),
        ("zeros", spoilt("RS256", |_| vec![0; 256])),
        ("one", spoilt("RS256", |_| [vec![0; 255], vec![1]].concat())),
        ("more than the modulus", spoilt("RS256", |_| vec![0xff; 256])),
        ("the first bit", spoilt("RS256", |bytes| flipped(bytes, 0))),
        ("the last bit", spoilt("RS256", |bytes| flipped(bytes, 255))),
        ("backwards", spoilt("RS256", |bytes| bytes.into_iter().rev().collect())),
        ("the hash alone", spoilt("RS256", |_| vec![0x42; 32])),
        ("RS384, said to be RS256", with_signature(&header("RS256"), &claims(), |signed| sign("RS384", signed))),
        ("RS512, said to be RS256", with_signature(&header("RS256"), &claims(), |signed| sign("RS512", signed))),
        ("PS256, said to be RS256", with_signature(&header("RS256"), &claims(), |signed| sign("PS256", signed))),
        ("RS256, said to be PS256", with_signature(&header("PS256"), &claims(), |signed| sign("RS256", signed))),
        ("of P-256", with_signature(&header("RS256"), &claims(), |signed| sign("ES256", signed))),
    ];
    all.map(|(what, token)| forged(format!("RSA: {what}"), token, Reason::Signature)).into()
}

fn of_edwards_signatures() -> Vec<Forged> {
    let identity = || [vec![1], vec![0; 63]].concat();
    let all = [
        ("nothing", spoilt("EdDSA", |_| Vec::new())),
        ("63 bytes", spoilt("EdDSA", |bytes| bytes[..63].to_vec())),
        ("65 bytes", spoilt("EdDSA", |bytes| [bytes, vec![0]].concat())),
        ("zeros", spoilt("EdDSA", |_| vec![0; 64])),
        ("the identity", spoilt("EdDSA", |_| identity())),
        ("the first bit", spoilt("EdDSA", |bytes| flipped(bytes, 0))),
        ("the last bit", spoilt("EdDSA", |bytes| flipped(bytes, 63))),
        ("larger by the order", spoilt("EdDSA", malleated)),
        ("halves change places", spoilt("EdDSA", |bytes| [&bytes[32..], &bytes[..32]].concat())),
        ("of P-256", with_signature(&header("EdDSA"), &claims(), |signed| sign("ES256", signed))),
    ];
    all.map(|(what, token)| forged(format!("Ed25519: {what}"), token, Reason::Signature)).into()
}

/// Somebody else's keys, and what they claim in the header.
fn of_strangers() -> Vec<Forged> {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    let by_rsa = |signed: &[u8]| {
        let mut signature = vec![0; 256];
        rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut signature).unwrap();
        signature
    };
    let by_elliptic = |signed: &[u8]| elliptic.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec();
    let point = elliptic.public_key().as_ref();
    let own = json!({ "kty": "EC", "crv": "P-256", "kid": "p256", "x": base64(&point[1..33]), "y": base64(&point[33..]) });
    let certificate = json!([base64([0x30, 0x03, 0x02, 0x01, 0x01])]);
    let mut all = vec![
        forged("another RSA key", with_signature(&header("RS256"), &claims(), by_rsa), Reason::Signature),
        forged("another P-256 key", with_signature(&header("ES256"), &claims(), by_elliptic), Reason::Signature),
        forged(
            "another Ed25519 key",
            with_signature(&header("EdDSA"), &claims(), |signed| edwards.sign(signed).as_ref().to_vec()),
            Reason::Signature,
        ),
        forged(
            "another key without an id",
            with_signature(&json!({ "alg": "ES256" }), &claims(), by_elliptic),
            Reason::Signature,
        ),
    ];
    let places = [
        ("jwk", own.clone()),
        ("jwks", json!({ "keys": [own.clone()] })),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", certificate),
        ("x5t", json!("AAAA")),
        ("epk", own),
        ("url", json!("https://evil.example/")),
    ];
    for (name, value) in places {
        for (kid, reason) in [(Some("p256"), Reason::Signature), (None, Reason::Signature), (Some("evil"), Reason::UnknownKey)] {
            let mut header = json!({ "alg": "ES256", name: value.clone() });
            if let Some(kid) = kid {
                header["kid"] = kid.into();
            }
            all.push(forged(format!("its key as {name}, kid {kid:?}"), with_signature(&header, &claims(), by_elliptic), reason));
        }
    }
    all
}

/// Key ids that name no file, no address and no other key: the signatures are right.
fn of_key_ids() -> Vec<Forged> {
    let texts = [
        "",
        " rsa",
        "rsa ",
        "RSA",
        "rsa\0",
        "rsa\n",
        "./rsa",
        "../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "..\\rsa",
        "https://evil.example/rsa",
        "rsa' OR '1'='1",
        "rsa;id",
        "$(id)",
        "rsa,p256",
        "*",
        "rs%61",
        "0",
    ];
    let of_text = texts.map(|kid| {
        let token = jwt_of("RS256", &json!({ "alg": "RS256", "kid": kid }), &claims());
        forged(format!("kid {kid:?}"), token, Reason::UnknownKey)
    });
    let of_value = [json!(0), json!(null), json!(["rsa"]), json!({ "kid": "rsa" }), json!(true)].map(|kid| {
        let token = jwt_of("RS256", &json!({ "alg": "RS256", "kid": kid }), &claims());
        forged(format!("kid {kid}"), token, Reason::Malformed)
    });
    let pairs =
        [("RS256", "p256"), ("PS256", "ed25519"), ("ES256", "rsa"), ("ES256", "p384"), ("ES384", "p256"), ("EdDSA", "p256")];
    let of_other = pairs.map(|(alg, kid)| {
        let token = jwt_of(alg, &json!({ "alg": alg, "kid": kid }), &claims());
        forged(format!("{alg} with the key {kid}"), token, Reason::UnknownKey)
    });
    of_text.into_iter().chain(of_value).chain(of_other).collect()
}

/// Algorithms that the provider does not use; the signature is that of RS256.
fn of_algorithms() -> Vec<Forged> {
    let names = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "",
        "rs256",
        "RS256 ",
        "RS256\0",
        "RS1",
        "RS384",
        "RS512",
        "PS384",
        "PS512",
        "HS256",
        "HS384",
        "HS512",
        "HS1",
        "ES256K",
        "ES512",
        "Ed448",
        "Ed25519",
        "ML-DSA-44",
        "RSA1_5",
        "RSA-OAEP",
        "dir",
        "A128KW",
        "SHA256",
    ];
    let mut all: Vec<Forged> = names
        .map(|alg| {
            forged(format!("alg {alg:?}"), jwt_of("RS256", &json!({ "alg": alg, "kid": "rsa" }), &claims()), Reason::Algorithm)
        })
        .into();
    for alg in ["none", "NONE"] {
        let unsigned = with_signature(&json!({ "alg": alg }), &claims(), |_| Vec::new());
        all.push(forged(format!("unsigned, {alg}"), unsigned, Reason::Algorithm));
    }
    all
}

/// HMACs keyed with what everybody knows.
fn of_public_secrets(reason: Reason) -> Vec<Forged> {
    let set = script::provider_jwks();
    let member = |index: usize, name: &str| set["keys"][index][name].as_str().unwrap().to_owned().into_bytes();
    let pkcs1 = keys::rsa().public_key().as_ref().to_vec();
    let pem = |label: &str, der: &[u8]| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
    };
    let secrets = [
        ("nothing", Vec::new()),
        ("the client id", b"dev".to_vec()),
        ("the modulus", member(0, "n")),
        ("the JWK", set["keys"][0].to_string().into_bytes()),
        ("the key set", set.to_string().into_bytes()),
        ("the RSA key as DER", pkcs1.clone()),
        ("the RSA key as PEM", pem("RSA PUBLIC KEY", &pkcs1)),
        ("the point", keys::ecdsa().public_key().as_ref().to_vec()),
        ("x", member(1, "x")),
    ];
    let mut all = Vec::new();
    for (what, secret) in secrets {
        for kid in ["rsa", "p256"] {
            let header = json!({ "alg": "HS256", "kid": kid });
            let token = with_signature(&header, &claims(), |signed| hmac_of(HMAC_SHA256, &secret, signed));
            all.push(forged(format!("HS256 with {what}, kid {kid}"), token, reason));
        }
    }
    for (alg, hmac) in [("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)] {
        let token = with_signature(&json!({ "alg": alg, "kid": "rsa" }), &claims(), |signed| hmac_of(hmac, &pkcs1, signed));
        all.push(forged(format!("{alg} with the RSA key"), token, Reason::Algorithm));
    }
    all
}

/// Tokens of other kinds, and parts of right ones.
fn of_other_kinds() -> Vec<Forged> {
    let typed = |typ: &str, claims: &Value| jwt_of("RS256", &json!({ "alg": "RS256", "kid": "rsa", "typ": typ }), claims);
    let good = jwt("RS256", &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{good}") };
    let mut eve = claims();
    eve["sub"] = "eve".into();
    vec![
        forged("a logout token", typed("logout+jwt", &logout()), Reason::Malformed),
        forged("a logout token without its type", jwt("RS256", &logout()), Reason::Claim("events")),
        forged("a logout token with a nonce", jwt("RS256", &merged(&logout(), "nonce", json!("n-1"))), Reason::Claim("events")),
        forged("an access token", typed("at+jwt", &claims()), Reason::Malformed),
        forged("an introspection answer", typed("token-introspection+jwt", &claims()), Reason::Malformed),
        forged("an encrypted token", format!("{header}.{payload}.{signature}.{payload}.{signature}"), Reason::Malformed),
        forged("a detached payload", format!("{header}..{signature}"), Reason::Malformed),
        forged("another payload", format!("{header}.{}.{signature}", base64(eve.to_string())), Reason::Signature),
        forged("no dots", header.to_owned(), Reason::Malformed),
        forged(
            "an extension that is critical",
            {
                let header = json!({ "alg": "RS256", "kid": "rsa", "crit": ["exp"], "exp": NOW + 300 });
                jwt_of("RS256", &header, &claims())
            },
            Reason::Malformed,
        ),
    ]
}

fn merged(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

fn without(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[tokio::test]
async fn every_forged_token_is_refused_and_no_right_one() {
    let provider = Provider::new(ASYMMETRIC, &jwks());
    let all: Vec<Forged> = [
        of_elliptic_signatures(),
        of_rsa_signatures(),
        of_edwards_signatures(),
        of_strangers(),
        of_key_ids(),
        of_algorithms(),
        of_public_secrets(Reason::Algorithm),
        of_other_kinds(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let distinct: HashSet<&str> = all.iter().map(|forged| forged.token.as_str()).collect();
    assert!(distinct.len() >= 150 && distinct.len() == all.len(), "{} of {}", distinct.len(), all.len());
    provider.refuses_all(&all).await;
    for alg in ASYMMETRIC.split(", ") {
        assert_eq!(provider.sign_in(&jwt(alg, &claims())).await.unwrap(), "jane", "{alg}");
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_where_the_secret_may_sign() {
    let provider = Provider::new("RS256, ES256, HS256", &jwks());
    provider.refuses_all(&of_public_secrets(Reason::Signature)).await;
    assert_eq!(provider.sign_in(&jwt("HS256", &claims())).await.unwrap(), "jane");
    assert_eq!(provider.sign_in(&jwt("RS256", &claims())).await.unwrap(), "jane");
}

#[tokio::test]
async fn headers_that_name_other_keys_change_nothing_about_a_right_token() {
    let provider = Provider::new(ASYMMETRIC, &jwks());
    let headers = [
        json!({ "alg": "RS256" }),
        json!({ "alg": "RS256", "kid": "rsa", "typ": "JWT" }),
        json!({ "alg": "RS256", "kid": "rsa", "typ": "jwt", "cty": "x", "ver": 2, "list": [1] }),
        json!({ "alg": "RS256", "kid": "rsa", "jwk": { "kty": "RSA", "n": "AQ", "e": "AQ" } }),
        json!({ "alg": "RS256", "kid": "rsa", "jku": "https://evil.example/", "x5u": "https://evil.example/", "x5c": ["AA"] }),
    ];
    for header in headers {
        assert_eq!(provider.sign_in(&jwt_of("RS256", &header, &claims())).await.unwrap(), "jane", "{header}");
    }
}

#[tokio::test]
async fn keys_that_are_not_understood_are_skipped_and_take_no_other_with_them() {
    let rsa = jwks()["keys"][0].clone();
    let point = jwks()["keys"][1].clone();
    let named = |key: &Value, kid: &str, change: &[(&str, Value)]| {
        let mut key = merged(key, "kid", json!(kid));
        for (name, value) in change {
            key[*name] = value.clone();
        }
        key
    };
    let odd = [
        json!(7),
        json!("key"),
        json!({}),
        json!({ "kty": "AKP", "kid": "akp", "alg": "ML-DSA-44", "pub": "AA" }),
        json!({ "kty": "EC", "kid": "p521", "crv": "P-521", "alg": "ES512", "x": base64([1; 66]), "y": base64([2; 66]) }),
        json!({ "kty": "OKP", "kid": "ed448", "crv": "Ed448", "x": base64([1; 57]) }),
        json!({ "kty": "oct", "kid": "oct", "k": base64(SECRET) }),
        json!({ "kty": "RSA", "kid": "weak", "n": base64([0xff; 64]), "e": "AQAB" }),
        named(&point, "koblitz", &[("crv", json!("secp256k1"))]),
        named(&point, "es512", &[("alg", json!("ES512"))]),
        named(&point, "off-curve", &[("x", json!(base64([1; 32])))]),
        named(&point, "private", &[("d", json!(base64([1; 32])))]),
        named(&rsa, "encryption", &[("use", json!("enc"))]),
        named(&rsa, "decrypts", &[("key_ops", json!(["decrypt"]))]),
        named(&rsa, "other-alg", &[("alg", json!("RSA-OAEP"))]),
        named(&rsa, "even-exponent", &[("e", json!("AQAA"))]),
    ];
    let mut keys = odd.to_vec();
    keys.extend(jwks()["keys"].as_array().unwrap().clone());
    let provider = Provider::new(ASYMMETRIC, &json!({ "keys": keys }));
    for alg in ASYMMETRIC.split(", ") {
        assert_eq!(provider.sign_in(&jwt(alg, &claims())).await.unwrap(), "jane", "{alg}");
    }
    let all: Vec<Forged> = odd
        .iter()
        .filter_map(|key| key.get("kid").and_then(Value::as_str))
        .filter(|kid| *kid != "off-curve")
        .map(|kid| {
            let alg =
                if matches!(kid, "weak" | "encryption" | "decrypts" | "other-alg" | "even-exponent") { "RS256" } else { "ES256" };
            forged(kid, jwt_of(alg, &json!({ "alg": alg, "kid": kid }), &claims()), Reason::UnknownKey)
        })
        .collect();
    assert_eq!(all.len(), 12);
    provider.refuses_all(&all).await;
    // A point beside the curve verifies nothing, whether it is taken for a key or not.
    let token = jwt_of("ES256", &json!({ "alg": "ES256", "kid": "off-curve" }), &claims());
    let refusal = reason(&provider.sign_in(&token).await.unwrap_err());
    assert!(matches!(refusal, IdTokenError::UnknownKey | IdTokenError::Signature), "{refusal:?}");
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a logout token says (OpenID Connect Back-Channel Logout section 2.4).
fn logout() -> Value {
    json!({ "iss": ISSUER, "sub": "jane", "sid": "s-1", "aud": "dev", "iat": NOW, "exp": NOW + 120, "jti": "j-1", "events": { EVENT: {} } })
}

#[tokio::test]
async fn a_logout_token_is_verified_like_an_id_token_and_is_none() {
    let provider = Provider::new(ASYMMETRIC, &jwks());
    let client = &provider.client;
    let typed = |typ: &str, claims: &Value| jwt_of("RS256", &json!({ "alg": "RS256", "kid": "rsa", "typ": typ }), claims);
    for right in [typed("logout+jwt", &logout()), typed("JWT", &logout()), jwt("ES256", &logout())] {
        let token = client.logout_token(&right).await.unwrap();
        let (subject, session) = (token.subject.as_deref(), token.session_id.as_deref());
        assert_eq!((subject, session, token.id.as_str()), (Some("jane"), Some("s-1"), "j-1"));
    }
    client.logout_token(&jwt("RS256", &without(&logout(), "sub"))).await.unwrap();
    client.logout_token(&jwt("RS256", &without(&logout(), "sid"))).await.unwrap();
    let of = |name: &str, value: Value| jwt("RS256", &merged(&logout(), name, value));
    let neither = without(&without(&logout(), "sub"), "sid");
    let all = [
        ("an id token", jwt("RS256", &claims()), Reason::Claim("events")),
        ("no events", jwt("RS256", &without(&logout(), "events")), Reason::Claim("events")),
        ("other events", of("events", json!({ "https://acme.example/login": {} })), Reason::Claim("events")),
        ("events as a list", of("events", json!([EVENT])), Reason::Claim("events")),
        ("an event that is true", of("events", json!({ EVENT: true })), Reason::Claim("events")),
        ("a nonce", of("nonce", json!("n-1")), Reason::Claim("nonce")),
        ("nobody", jwt("RS256", &neither), Reason::Claim("sub")),
        ("no jti", jwt("RS256", &without(&logout(), "jti")), Reason::Claim("jti")),
        ("an empty jti", of("jti", json!("")), Reason::Claim("jti")),
        ("no iat", jwt("RS256", &without(&logout(), "iat")), Reason::Claim("iat")),
        ("no exp", jwt("RS256", &without(&logout(), "exp")), Reason::Claim("exp")),
        ("expired", of("exp", json!(NOW - 10)), Reason::Claim("exp")),
        ("of the future", of("iat", json!(NOW + 11)), Reason::Claim("iat")),
        ("another issuer", of("iss", json!("https://evil.example")), Reason::Claim("iss")),
        ("no issuer", jwt("RS256", &without(&logout(), "iss")), Reason::Claim("iss")),
        ("another audience", of("aud", json!("other")), Reason::Claim("aud")),
        ("a sid that is no text", of("sid", json!(7)), Reason::Claim("sid")),
        ("an access token", typed("at+jwt", &logout()), Reason::Malformed),
        ("unsigned", with_signature(&json!({ "alg": "none" }), &logout(), |_| Vec::new()), Reason::Algorithm),
        ("HS256", jwt("HS256", &logout()), Reason::Algorithm),
        (
            "a wrong signature",
            with_signature(&header("RS256"), &logout(), |signed| flipped(sign("RS256", signed), 7)),
            Reason::Signature,
        ),
        ("an unknown key", jwt_of("RS256", &json!({ "alg": "RS256", "kid": "evil" }), &logout()), Reason::UnknownKey),
    ];
    for (what, token, expected) in all {
        let error = client.logout_token(&token).await.expect_err(what);
        assert!(expected.is(&reason(&error)), "{what}: {error}, not {expected:?}");
    }
}
