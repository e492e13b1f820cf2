//! An own provider is used like a built-in one.

use g::Scope as _;
use grantry_renamed_tests::{acme, id, inner};

fn client() -> acme::Client {
    let variables = acme::Variables::new(acme::Environment::Sandbox).team("blue");
    acme::Client::with(variables, "id", "secret").unwrap().redirect_uri("https://app.example/callback").unwrap()
}

#[test]
fn the_descriptor_is_the_one_that_is_loaded() {
    let text = include_str!("../acme.yaml");
    assert_eq!(g::Descriptor::from_yaml(text, "acme.yaml").unwrap(), acme::DESCRIPTOR);
    assert_eq!((id(), inner::name()), ("acme", "Acme"));
}

#[test]
fn scopes_and_variables_reach_the_authorization_url() {
    let scopes = [acme::Scope::WriteType, "extra".into()];
    let (url, _) = client().authorize().scopes(scopes).start().unwrap();
    assert_eq!(url.host_str(), Some("login.sandbox.acme.example"));
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["scope"], "write:type,extra");
    assert_eq!(query["team"], "blue");
}

#[test]
fn scopes_are_text_on_the_wire() {
    assert_eq!(acme::Scope::from("read"), acme::Scope::Read);
    assert_eq!(acme::Scope::from("else").as_str(), "else");
    assert_eq!(acme::Scope::WriteType.as_str(), "write:type");
}
