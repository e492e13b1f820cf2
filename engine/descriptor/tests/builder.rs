//! What the builder makes is what a file makes, with the same checks.

use grantry_descriptor::{Builder, Code, Descriptor, Diagnostic};

const FILE: &str = "
name: Acme
documentation: https://docs.acme.example/oauth
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
  userinfo_endpoint: https://acme.example/me
  jwks_uri: https://acme.example/jwks
client_authentication:
  method: client_secret_post
openid:
  issuer: https://acme.example
scopes:
  separator: \",\"
  default: [read, write]
authorization:
  code_challenge_method: none
refresh:
  rotation: reuse_detected
  replay: { grace: 30 }
  invalid_grant: [used, 40030]
requests:
  base_url: https://api.acme.example/
  access_token: { in: query, name: token }
userinfo:
  claims: { sub: user.id }
";

fn builder() -> Builder {
    Descriptor::builder("acme")
        .name("Acme")
        .documentation("https://docs.acme.example/oauth")
        .authorization_endpoint("https://acme.example/authorize")
        .token_endpoint("https://acme.example/token")
        .userinfo_endpoint("https://acme.example/me")
        .jwks_uri("https://acme.example/jwks")
        .client_authentication_method("client_secret_post")
        .issuer("https://acme.example")
        .scope_separator(",")
        .default_scopes(["read", "write"])
        .code_challenge_method("none")
        .set("refresh.rotation", "reuse_detected")
        .set("refresh.replay.grace", 30)
        .set("refresh.invalid_grant", vec!["used", "40030"])
        .base_url("https://api.acme.example/")
        .set("requests.access_token.in", "query")
        .set("requests.access_token.name", "token")
        .claim("sub", "user.id")
}

#[test]
fn the_builder_makes_what_a_file_makes() {
    assert_eq!(builder().build().unwrap(), Descriptor::from_yaml(FILE, "acme.yaml").unwrap());
}

#[test]
fn deviations_are_what_the_descriptor_says_and_no_more() {
    let descriptor = builder().build().unwrap();
    let deviations: Vec<(String, &str)> =
        descriptor.deviations().iter().map(|one| (one.to_string(), one.standard.as_ref())).collect();
    let expected = [
        ("client_authentication.method=client_secret_post", "RFC 6749 section 2.3.1"),
        ("scopes.separator=,", "RFC 6749 section 3.3"),
        ("authorization.code_challenge_method=none", "RFC 7636 section 4.3"),
        ("refresh.rotation=reuse_detected", "RFC 6749 section 10.4"),
        ("refresh.replay.grace=30", "RFC 6749 section 10.4"),
        ("refresh.invalid_grant.0=used", "RFC 6749 section 5.2"),
        ("refresh.invalid_grant.1=40030", "RFC 6749 section 5.2"),
        ("requests.access_token.in=query", "RFC 6750 section 2"),
        ("requests.access_token.name=token", "RFC 6750 section 2.1"),
        ("userinfo.claims.sub=user.id", "OpenID Connect Core section 5.1"),
    ];
    assert_eq!(deviations, expected.map(|(deviation, standard)| (deviation.to_owned(), standard)));
}

#[test]
fn the_builder_has_the_checks_of_a_file() {
    let problems = builder().token_endpoint("http://acme.example/token").set("tokn.method", "GET").build().unwrap_err();
    let codes: Vec<Code> = problems.iter().map(Diagnostic::code).collect();
    assert_eq!(codes, [Code::UnknownField, Code::InsecureUrl]);
    assert!(Descriptor::builder("not an id").build().unwrap_err().iter().any(|problem| problem.code() == Code::InvalidId));
}

#[test]
fn what_may_be_used_again_fits_what_becomes_of_it() {
    let refused = |rotation: &str, replay: &str| {
        let built = builder().set("refresh.rotation", rotation).set("refresh.replay", replay).build();
        built.err().map(|problems| problems.iter().map(|problem| (problem.code(), problem.help().to_owned())).collect::<Vec<_>>())
    };
    let refused = |rotation, replay| refused(rotation, replay).into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(refused("rotating", "safe"), []);
    assert_eq!(refused("reuse_detected", "never"), []);
    for (rotation, replay) in [("none", "never"), ("reuse_detected", "safe")] {
        assert_eq!(refused(rotation, replay), [(Code::ConflictingKeys, "keep one of them".to_owned())]);
    }
    let [(code, help)] = &refused("rotating", "30")[..] else { panic!("a number of seconds alone is not said to be wrong") };
    assert_eq!((*code, help.as_str()), (Code::UnknownValue, "allowed: safe, never, { grace: <seconds> }"));
}
