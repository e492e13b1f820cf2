//! Sign-ins of the tests' provider, with their few moving parts fixed.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantry_engine::{Client, Code, Credential, Descriptor, Pending};
use grantry_tests::emulator::Sent;
use grantry_tests::script::{Script, TestClock};
use serde_json::json;
use url::Url;

use crate::common::{ACME, client_of};

/// The code verifier of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Its challenge.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The section that makes the provider one of OpenID Connect.
pub(crate) const OPENID: &str = "openid:\n  issuer: https://acme.example\n";

/// The provider with further sections.
pub(crate) fn acme(sections: &str) -> String {
    format!("{ACME}{sections}")
}

/// The provider with one client authentication method, and further sections.
pub(crate) fn acme_by(method: &str, sections: &str) -> String {
    acme(sections).replace(
        "methods: [client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none]",
        &format!("method: {method}"),
    )
}

/// A client for what needs no network.
pub(crate) fn offline(yaml: &str) -> Client {
    client_of(yaml, "secret", &Script::answers([]), &TestClock::default())
}

/// A client against the script.
pub(crate) fn online(yaml: &str, credential: impl Into<Credential>, script: &Script) -> Client {
    client_of(yaml, credential, script, &TestClock::default())
}

/// A sign-in whose state is `st` and whose verifier is [`VERIFIER`].
pub(crate) fn pending(client: &Client) -> Pending {
    client.authorize().state("st").code_verifier(VERIFIER).start().unwrap().1
}

/// What is wrong with a descriptor.
pub(crate) fn problems(yaml: &str) -> Vec<Code> {
    let problems = Descriptor::from_yaml(yaml, "acme.yaml").err();
    problems.iter().flat_map(|problems| problems.iter().map(|problem| problem.code())).collect()
}

/// The values of a parameter of a URL's query.
pub(crate) fn values(url: &Url, name: &str) -> Vec<String> {
    url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
}

/// A token answer.
pub(crate) fn granted() -> Sent {
    Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "expires_in": 3600 }))
}

/// The challenge of a verifier by `S256` (RFC 7636 section 4.2).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
