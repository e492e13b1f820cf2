//! A template names what the engine has where it stands, and nothing else.

use grantry_descriptor::{Code, Descriptor};

/// A descriptor with these cells more.
fn with(cells: &str) -> String {
    format!(
        "
name: Acme
documentation: https://docs.acme.example/oauth
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
  userinfo_endpoint: https://acme.example/me
  device_authorization_endpoint: https://acme.example/device
  jwks_uri: https://acme.example/jwks
grant_types_supported: [authorization_code, refresh_token, \"urn:ietf:params:oauth:grant-type:device_code\"]
client_authentication: {{ method: client_secret_post }}
{cells}
"
    )
}

/// What is wrong with it: the messages.
fn problems(cells: &str) -> Vec<String> {
    let Err(problems) = Descriptor::from_yaml(&with(cells), "acme.yaml") else { return Vec::new() };
    problems
        .iter()
        .map(|problem| {
            assert_eq!(problem.code(), Code::UnresolvedName, "{problem}");
            problem.message().to_owned()
        })
        .collect()
}

const OPENID: &str = "openid: { issuer: https://acme.example }\n";

#[test]
fn what_the_engine_does_not_have_there_is_refused() {
    let cases = [
        ("token: { parameters: { x: '{nonce}' } }\nrefresh: { parameters: { x: null } }", "a token request"),
        ("token: { parameters: { x: '{code_challenge}' } }\nrefresh: { parameters: { x: null } }", "a token request"),
        ("refresh: { parameters: { x: '{redirect_uri}' } }", "a refresh request"),
        ("exchange: { url: https://acme.example/x, parameters: { x: '{scope}' } }", "an exchange request"),
        ("device_authorization: { token: { parameters: { x: '{scope}' } } }", "a device token request"),
        ("requests: { parameters: { x: '{access_token.sub}' } }", "a protected request"),
        ("requests: { headers: { X-User: '{access_token.sub}' } }", "a protected request"),
        ("requests: { base_url: 'https://acme.example/{access_token.sub}/' }", "this URL"),
        (
            "service_accounts: { robot: { grant_type: null, assertion: { alg: HS256, lifetime: 60, key: '{private_key}' } } }",
            "an assertion's key",
        ),
    ];
    for (cells, place) in cases {
        let problems = problems(&format!("{OPENID}{cells}"));
        let expected = format!("is not available in {place}");
        assert!(problems.len() == 1 && problems[0].ends_with(&expected), "{cells}: {problems:?}");
    }
}

#[test]
fn what_it_has_there_is_not() {
    let cases = [
        "token: { parameters: { x: '{redirect_uri} {state} {scope}' } }\nrefresh: { parameters: { x: null } }",
        "refresh: { parameters: { x: '{scope} {access_token} {token.x}' } }",
        "exchange: { url: https://acme.example/x, parameters: { x: '{refresh_token}' } }",
        "device_authorization: { parameters: { x: '{scope}' } }",
        "requests: { parameters: { x: '{access_token} {id_token.sub} {token.x} {callback.x}' } }",
        "userinfo: { claims: { sub: access_token.sub } }",
        "service_accounts: { robot: { grant_type: null, assertion: { alg: HS256, lifetime: 60, key: '{client_secret}' } } }",
    ];
    for cells in cases {
        assert_eq!(problems(&format!("{OPENID}{cells}")), [""; 0], "{cells}");
    }
}

#[test]
fn nothing_is_learned_from_an_access_token() {
    let learned = |from: &str| {
        let variable = format!("variables: {{ x: {{ description: d, pattern: '[a-z]+', from: {from} }} }}");
        problems(&format!("{OPENID}{variable}\nrequests: {{ parameters: {{ x: '{{x}}' }} }}"))
    };
    for from in ["token.x", "callback.x", "id_token.x", "userinfo.x"] {
        assert_eq!(learned(from), [""; 0], "{from}");
    }
    assert_eq!(learned("access_token.x"), ["`{access_token.x}` in `variables.x.from` is not learned from"]);
}

#[test]
fn a_signed_access_token_needs_an_issuer() {
    let problems = problems("userinfo: { claims: { sub: access_token.sub } }");
    assert!(problems.len() == 1 && problems[0].contains("only `openid` verifies"), "{problems:?}");
}
