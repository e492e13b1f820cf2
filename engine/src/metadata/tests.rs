//! Every rule, kept and broken.

use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://as.example";
const CORRECT: &str = "the server's operator has to correct it";

const ENDPOINTS: [&str; 10] = [
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "revocation_endpoint",
    "introspection_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
];

const ALIASES: [&str; 7] = [
    "token_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
];

const LISTS: [&str; 18] = [
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "code_challenge_methods_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "id_token_signing_alg_values_supported",
    "subject_types_supported",
    "claims_supported",
    "claim_types_supported",
    "display_values_supported",
    "ui_locales_supported",
    "claims_locales_supported",
];

const FLAGS: [&str; 10] = [
    "claims_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_request_uri_registration",
    "require_pushed_authorization_requests",
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
];

const PAGES: [&str; 3] = ["service_documentation", "op_policy_uri", "op_tos_uri"];

/// What every rule is content with.
fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": "https://as.example/token",
        "jwks_uri": "https://as.example/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut document = document();
    document[name] = value.into();
    document
}

fn without(name: &str) -> Value {
    let mut document = document();
    document.as_object_mut().unwrap().remove(name);
    document
}

fn read(document: &Value) -> Metadata {
    Metadata::parse(ISSUER, document.to_string().as_bytes()).unwrap()
}

fn read_openid(document: &Value) -> Metadata {
    Metadata::parse_openid(ISSUER, document.to_string().as_bytes()).unwrap()
}

/// The message of a document that is refused, whichever standard it follows.
fn refusal(document: &Value) -> String {
    let body = document.to_string();
    let error = Metadata::parse(ISSUER, body.as_bytes()).unwrap_err();
    assert_eq!(Metadata::parse_openid(ISSUER, body.as_bytes()).unwrap_err(), error);
    error.to_string()
}

fn texts(findings: &[MetadataError]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn findings(document: &Value) -> Vec<String> {
    texts(read(document).findings())
}

fn openid_findings(document: &Value) -> Vec<String> {
    texts(read_openid(document).findings())
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().copied().map(str::to_owned).collect()
}

/// The document with one member, for a rule about the issuer.
fn of_issuer(issuer: &str) -> Result<Metadata, MetadataError> {
    Metadata::parse(issuer, with("issuer", issuer).to_string().as_bytes())
}

#[test]
fn a_sound_document_has_no_findings() {
    assert_eq!(findings(&document()), [""; 0]);
    assert_eq!(openid_findings(&document()), [""; 0]);
}

#[test]
fn every_member_of_the_table_is_read() {
    let mut document = document();
    for name in ENDPOINTS {
        document[name] = format!("https://as.example/{name}?tenant=1").into();
    }
    let metadata = read(&document);
    let at = |name: &str| Some(url(&format!("https://as.example/{name}?tenant=1")));
    assert_eq!(metadata.issuer, ISSUER);
    assert_eq!(metadata.authorization_endpoint, at("authorization_endpoint"));
    assert_eq!(metadata.token_endpoint, at("token_endpoint"));
    assert_eq!(metadata.userinfo_endpoint, at("userinfo_endpoint"));
    assert_eq!(metadata.jwks_uri, at("jwks_uri"));
    assert_eq!(metadata.revocation_endpoint, at("revocation_endpoint"));
    assert_eq!(metadata.introspection_endpoint, at("introspection_endpoint"));
    assert_eq!(metadata.device_authorization_endpoint, at("device_authorization_endpoint"));
    assert_eq!(metadata.end_session_endpoint, at("end_session_endpoint"));
    assert_eq!(metadata.registration_endpoint, at("registration_endpoint"));
    assert_eq!(metadata.pushed_authorization_request_endpoint, at("pushed_authorization_request_endpoint"));
}

#[test]
fn every_list_is_read() {
    let mut document = document();
    for name in LISTS {
        document[name] = json!([name]);
    }
    document["grant_types_supported"] = json!(["authorization_code"]);
    let metadata = read(&document);
    let one = |name: &str| vec![name.to_owned()];
    assert_eq!(metadata.grant_types_supported, one("authorization_code"));
    assert_eq!(metadata.scopes_supported, Some(one("scopes_supported")));
    assert_eq!(metadata.response_types_supported, Some(one("response_types_supported")));
    assert_eq!(metadata.response_modes_supported, one("response_modes_supported"));
    assert_eq!(metadata.code_challenge_methods_supported, Some(one("code_challenge_methods_supported")));
    assert_eq!(metadata.token_endpoint_auth_methods_supported, one("token_endpoint_auth_methods_supported"));
    assert_eq!(metadata.revocation_endpoint_auth_methods_supported, one("revocation_endpoint_auth_methods_supported"));
    assert_eq!(metadata.claims_supported, Some(one("claims_supported")));
    assert_eq!(metadata.subject_types_supported, Some(one("subject_types_supported")));
    assert_eq!(metadata.id_token_signing_alg_values_supported, Some(one("id_token_signing_alg_values_supported")));
    assert_eq!(
        metadata.introspection_endpoint_auth_methods_supported,
        Some(one("introspection_endpoint_auth_methods_supported"))
    );
    for (read, name) in [
        (&metadata.token_endpoint_auth_signing_alg_values_supported, "token_endpoint_auth_signing_alg_values_supported"),
        (
            &metadata.revocation_endpoint_auth_signing_alg_values_supported,
            "revocation_endpoint_auth_signing_alg_values_supported",
        ),
        (
            &metadata.introspection_endpoint_auth_signing_alg_values_supported,
            "introspection_endpoint_auth_signing_alg_values_supported",
        ),
    ] {
        assert_eq!(read, &Some(one(name)));
    }
}

#[test]
fn what_is_not_in_the_table_is_ignored() {
    let mut document = document();
    for name in ["tls_client_certificate_bound_access_tokens", "client_id", "scope", "verify", "ca_bundle", "proxy", "findings"] {
        document[name] = json!({ "verify": false });
    }
    assert_eq!(read(&document), read(&self::document()));
}

#[test]
fn members_that_are_missing_have_their_defaults() {
    let metadata = read(&document());
    assert_eq!(metadata.response_modes_supported, ["query", "fragment"]);
    assert_eq!(metadata.grant_types_supported, ["authorization_code", "implicit"]);
    assert_eq!(metadata.token_endpoint_auth_methods_supported, ["client_secret_basic"]);
    assert_eq!(metadata.revocation_endpoint_auth_methods_supported, ["client_secret_basic"]);
    assert_eq!(metadata.claim_types_supported, ["normal"]);
    assert_eq!(metadata.introspection_endpoint_auth_methods_supported, None);
    assert_eq!(metadata.code_challenge_methods_supported, None);
    assert_eq!(metadata.scopes_supported, None);
    assert_eq!(metadata.service_documentation, None);
    assert_eq!(metadata.mtls_endpoint_aliases, MtlsEndpointAliases::default());
}

#[test]
fn a_document_is_one_json_object() {
    let refusal = |body: &str| Metadata::parse(ISSUER, body.as_bytes()).unwrap_err().to_string();
    let hint = "check that its address is the one of the server's metadata";
    assert_eq!(refusal("[]"), format!("the metadata document is not a JSON object; {hint}"));
    assert_eq!(
        refusal("<html>"),
        format!("the metadata document cannot be read: the JSON is malformed at line 1, column 1; {hint}")
    );
    assert_eq!(
        refusal(r#"{"issuer":"https://as.example","issuer":"https://other.example"}"#),
        format!("the metadata document cannot be read: a member stands twice at line 1, column 39; {hint}")
    );
    assert_eq!(Metadata::parse(ISSUER, b"").unwrap_err().member(), None);
}

#[test]
fn issuer_is_required() {
    let message = "`issuer` is missing; nobody can tell whose document this is: check that its address is the server's";
    assert_eq!(refusal(&without("issuer")), message);
    assert_eq!(refusal(&with("issuer", Value::Null)), message);
    assert_eq!(refusal(&with("issuer", json!([ISSUER]))), format!("`issuer` is not a string; {CORRECT}"));
}

#[test]
fn issuer_is_the_one_that_was_asked_for() {
    for other in [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
        "https://as.example/tenant",
        "https://as.example.attacker.test",
    ] {
        let message = format!(
            "`issuer` is `{other}`, not the issuer that was asked for; if it is the right server, ask for its issuer as the \
             document has it, character by character"
        );
        assert_eq!(refusal(&with("issuer", other)), message);
    }
    let composed =
        Metadata::parse("https://as.example/caf\u{e9}", with("issuer", "https://as.example/cafe\u{301}").to_string().as_bytes());
    assert_eq!(composed.unwrap_err().member(), Some("issuer"));
}

#[test]
fn a_message_shows_the_beginning_of_a_value_at_most() {
    let long = format!("https://as.example/{}", "a".repeat(1000));
    let message = refusal(&with("issuer", long));
    assert!(message.starts_with(&format!("`issuer` is `https://as.example/{}…`, ", "a".repeat(45))), "{message}");
    let message = findings(&with("ui_locales_supported", json!(["de\nERROR forged"])));
    assert!(message[0].starts_with(r"`ui_locales_supported` has `de\nERROR forged`, "), "{message:?}");
}

#[test]
fn issuer_is_https_or_http_on_loopback() {
    for issuer in [
        "https://as.example",
        "https://as.example:8443/tenant/1",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:8080/realm",
        "http://[::ffff:127.0.0.1]",
    ] {
        assert_eq!(of_issuer(issuer).unwrap().issuer, issuer);
    }
    for issuer in ["http://as.example", "ftp://as.example", "http://localhost.attacker.test"] {
        assert_eq!(
            of_issuer(issuer).unwrap_err().to_string(),
            "`issuer` is not an https URL (http is for loopback hosts only); only an https URL that \
             ends with its path is an issuer"
        );
    }
    for issuer in ["", "as.example", "https://", "urn:as", "https:as.example"] {
        assert_eq!(of_issuer(issuer).unwrap_err().problem(), "is not an absolute URL", "{issuer}");
    }
}

#[test]
fn issuer_has_no_query_no_fragment_and_no_user() {
    for (issuer, problem) in [
        ("https://as.example?tenant=1", "has a query"),
        ("https://as.example/?", "has a query"),
        ("https://as.example#x", "has a fragment"),
        ("https://as.example/#", "has a fragment"),
        ("https://user:hunter2@as.example", "has a user name or password"),
    ] {
        let error = of_issuer(issuer).unwrap_err();
        assert_eq!((error.member(), error.problem()), (Some("issuer"), problem), "{issuer}");
        assert!(!error.to_string().contains("hunter2"));
        assert_eq!(issuer_url(issuer).unwrap_err(), error);
    }
    assert_eq!(issuer_url("https://as.example/a").unwrap(), url("https://as.example/a"));
}

#[test]
fn authorization_endpoint_is_required_by_grants_that_use_it() {
    let message = "`authorization_endpoint` is missing; the server's operator has to add it, or to list in \
                   `grant_types_supported` only grants that do without";
    let mut document = without("authorization_endpoint");
    assert_eq!(refusal(&document), message);
    for grants in [json!(["authorization_code"]), json!(["client_credentials", "implicit"])] {
        document["grant_types_supported"] = grants;
        assert_eq!(refusal(&document), message);
    }
    for grants in [json!(["client_credentials"]), json!(["urn:ietf:params:oauth:grant-type:device_code"]), json!([])] {
        document["grant_types_supported"] = grants;
        assert_eq!(read(&document).authorization_endpoint, None);
    }
}

#[test]
fn token_endpoint_is_required_unless_the_only_grant_is_implicit() {
    let message = "`token_endpoint` is missing; the server's operator has to add it, or to list in `grant_types_supported` only \
                   grants that do without";
    let mut document = without("token_endpoint");
    assert_eq!(refusal(&document), message);
    for grants in [json!(["implicit", "authorization_code"]), json!(["client_credentials"]), json!([])] {
        document["grant_types_supported"] = grants;
        assert_eq!(refusal(&document), message);
    }
    document["grant_types_supported"] = json!(["implicit"]);
    assert_eq!(read(&document).token_endpoint, None);
}

#[test]
fn jwks_uri_is_required_of_openid_providers() {
    let document = without("jwks_uri");
    let error = Metadata::parse_openid(ISSUER, document.to_string().as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`jwks_uri` is missing; without it no id token can be verified: the server's operator has to add it"
    );
    assert_eq!(read(&document).jwks_uri, None);
}

#[test]
fn endpoints_are_https_or_http_on_loopback() {
    const LOCAL: &str = "http://[::ffff:127.0.0.1]:8080";
    for name in ENDPOINTS {
        for good in ["https://other.example/x?y=z", "HTTPS://as.example:8443/"] {
            read(&with(name, good));
        }
        for local in ["http://localhost:8080/x", "http://127.1.2.3/", "http://[::1]/"] {
            let mut document = with(name, local);
            let message = format!("`{name}` is an http URL of this machine, which the issuer is not on; {CORRECT}");
            assert_eq!(refusal(&document), message);
            document["issuer"] = LOCAL.into();
            Metadata::parse(LOCAL, document.to_string().as_bytes()).unwrap();
        }
        for bad in ["http://as.example/x", "http://localhost:80@attacker.test/", "ftp://as.example/x"] {
            let message = format!("`{name}` is not an https URL (http is for loopback hosts only); {CORRECT}");
            assert_eq!(refusal(&with(name, bad)), message);
        }
    }
}

#[test]
fn endpoints_are_absolute_urls() {
    for name in ENDPOINTS {
        for bad in [
            "",
            "/token",
            "as.example/token",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://as.example/\tx",
            " https://as.example",
        ] {
            assert_eq!(refusal(&with(name, bad)), format!("`{name}` is not an absolute URL; {CORRECT}"), "{bad}");
        }
        for bad in [json!(1), json!(["https://as.example/x"]), json!({}), json!(true)] {
            assert_eq!(refusal(&with(name, bad)), format!("`{name}` is not a string; {CORRECT}"));
        }
    }
}

#[test]
fn endpoints_have_no_user() {
    for name in ENDPOINTS {
        for bad in [
            "https://user@as.example/",
            "https://user:hunter2@as.example/",
            "https://:hunter2@as.example/",
            "https://@as.example/",
        ] {
            assert_eq!(refusal(&with(name, bad)), format!("`{name}` has a user name or password; {CORRECT}"));
        }
    }
    read(&with("token_endpoint", "https://as.example/@me?to=a@b.example"));
}

#[test]
fn endpoints_have_no_fragment() {
    for name in ENDPOINTS {
        for bad in ["https://as.example/x#y", "https://as.example/x#"] {
            assert_eq!(refusal(&with(name, bad)), format!("`{name}` has a fragment; {CORRECT}"));
        }
    }
}

#[test]
fn mtls_endpoint_aliases_are_endpoints() {
    let mut aliases = json!({ "unknown_endpoint": 1 });
    for name in ALIASES {
        let bad = with("mtls_endpoint_aliases", json!({ name: "http://mtls.as.example/" }));
        let message = format!("`mtls_endpoint_aliases.{name}` is not an https URL (http is for loopback hosts only); {CORRECT}");
        assert_eq!(refusal(&bad), message);
        aliases[name] = format!("https://mtls.as.example/{name}").into();
    }
    let at = |name: &str| Some(url(&format!("https://mtls.as.example/{name}")));
    let expected = MtlsEndpointAliases {
        token_endpoint: at("token_endpoint"),
        userinfo_endpoint: at("userinfo_endpoint"),
        revocation_endpoint: at("revocation_endpoint"),
        introspection_endpoint: at("introspection_endpoint"),
        device_authorization_endpoint: at("device_authorization_endpoint"),
        registration_endpoint: at("registration_endpoint"),
        pushed_authorization_request_endpoint: at("pushed_authorization_request_endpoint"),
    };
    assert_eq!(read(&with("mtls_endpoint_aliases", aliases)).mtls_endpoint_aliases, expected);
    let message = format!("`mtls_endpoint_aliases` is not an object; {CORRECT}");
    assert_eq!(refusal(&with("mtls_endpoint_aliases", json!([]))), message);
    let null = with("mtls_endpoint_aliases", json!({ "token_endpoint": null }));
    let finding = "`mtls_endpoint_aliases.token_endpoint` is null; a member without a value should be left out";
    assert_eq!(findings(&null), [finding]);
}

#[test]
fn lists_are_arrays_of_strings() {
    for name in LISTS {
        for bad in [json!("code"), json!({}), json!(1), json!(true), json!(["code", 1]), json!([["code"]]), json!([null])] {
            assert_eq!(refusal(&with(name, bad)), format!("`{name}` is not an array of strings; {CORRECT}"));
        }
    }
    assert_eq!(read(&with("scopes_supported", json!([]))).scopes_supported, Some(vec![]));
}

#[test]
fn flags_are_booleans() {
    for name in FLAGS {
        for bad in [json!("true"), json!(1), json!([]), json!({})] {
            assert_eq!(refusal(&with(name, bad)), format!("`{name}` is not true or false; {CORRECT}"));
        }
    }
}

fn flags(metadata: &Metadata) -> [bool; 10] {
    [
        metadata.claims_parameter_supported,
        metadata.request_parameter_supported,
        metadata.request_uri_parameter_supported,
        metadata.require_request_uri_registration,
        metadata.require_pushed_authorization_requests,
        metadata.authorization_response_iss_parameter_supported,
        metadata.backchannel_logout_supported,
        metadata.backchannel_logout_session_supported,
        metadata.frontchannel_logout_supported,
        metadata.frontchannel_logout_session_supported,
    ]
}

#[test]
fn flags_are_false_by_default_except_request_uri() {
    let defaults = FLAGS.map(|name| name == "request_uri_parameter_supported");
    assert_eq!(flags(&read(&document())), defaults);
    for name in FLAGS {
        for value in [true, false] {
            let mut expected = defaults;
            expected[FLAGS.iter().position(|flag| *flag == name).unwrap()] = value;
            assert_eq!(flags(&read(&with(name, value))), expected, "{name}");
        }
    }
}

#[test]
fn a_member_that_is_null_is_missing() {
    for name in ENDPOINTS.into_iter().skip(3).chain(LISTS).chain(FLAGS).chain(PAGES).chain(["mtls_endpoint_aliases"]) {
        let metadata = read(&with(name, Value::Null));
        let first = metadata.findings().first().unwrap();
        assert_eq!(first.to_string(), format!("`{name}` is null; a member without a value should be left out"));
        let without = read(&without(name));
        assert_eq!(Metadata { findings: Vec::new(), ..metadata }, Metadata { findings: Vec::new(), ..without });
    }
}

#[test]
fn response_types_supported_is_required() {
    let finding = "`response_types_supported` is missing; the server's operator should list `code` and what else is supported";
    assert_eq!(findings(&without("response_types_supported")), [finding]);
    assert_eq!(openid_findings(&without("response_types_supported")), [finding]);
}

#[test]
fn signing_algorithms_are_required_with_signed_assertions() {
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = format!("{endpoint}_endpoint_auth_methods_supported");
        let algorithms = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        for method in ["client_secret_jwt", "private_key_jwt"] {
            let mut document = with(&methods, json!(["client_secret_post", method]));
            let finding = format!(
                "`{algorithms}` is missing, although `{method}` is supported; name the algorithm of assertions in the \
                 client's settings"
            );
            assert_eq!(findings(&document), [finding]);
            document[&algorithms] = json!(["ES256"]);
            assert_eq!(findings(&document), [""; 0]);
        }
        assert_eq!(findings(&with(&methods, json!(["client_secret_post", "none"]))), [""; 0]);
    }
}

#[test]
fn assertions_are_never_unsigned() {
    for endpoint in ["token", "revocation", "introspection"] {
        let name = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        for none in ["none", "None"] {
            let message = format!("`{name}` has `none`: anyone could sign in as any client; {CORRECT}");
            assert_eq!(refusal(&with(&name, json!(["RS256", none]))), message);
        }
    }
}

#[test]
fn id_tokens_are_never_unsigned() {
    let metadata = read_openid(&with("id_token_signing_alg_values_supported", json!(["none", "RS256", "NONE", "ES256"])));
    assert_eq!(metadata.id_token_signing_alg_values_supported, Some(list(&["RS256", "ES256"])));
    assert_eq!(metadata.findings(), []);
    let metadata = read_openid(&with("id_token_signing_alg_values_supported", json!(["none"])));
    assert_eq!(metadata.id_token_signing_alg_values_supported, Some(vec![]));
}

#[test]
fn openid_providers_sign_id_tokens_with_rs256() {
    let hint = "OpenID Connect requires RS256; name in the client's settings what the server signs with";
    let name = "id_token_signing_alg_values_supported";
    for algorithms in [json!(["ES256"]), json!(["none"]), json!([])] {
        let document = with(name, algorithms);
        assert_eq!(openid_findings(&document), [format!("`{name}` does not have RS256; {hint}")]);
        assert_eq!(findings(&document), [""; 0]);
    }
    assert_eq!(openid_findings(&without(name)), [format!("`{name}` is missing; {hint}")]);
    assert_eq!(findings(&without(name)), [""; 0]);
}

#[test]
fn subject_types_are_required_of_openid_providers() {
    let finding = "`subject_types_supported` is missing; the server's operator should list public, pairwise or both";
    assert_eq!(openid_findings(&without("subject_types_supported")), [finding]);
    assert_eq!(findings(&without("subject_types_supported")), [""; 0]);
}

#[test]
fn registered_values_only() {
    for (name, known) in [
        ("subject_types_supported", "public, pairwise"),
        ("display_values_supported", "page, popup, touch, wap"),
        ("claim_types_supported", "normal, aggregated, distributed"),
    ] {
        let all: Vec<&str> = known.split(", ").collect();
        assert_eq!(openid_findings(&with(name, json!(all))), [""; 0]);
        let metadata = read_openid(&with(name, json!([all[0], "hologram", "other"])));
        let finding = format!("`{name}` has `hologram`, which is not registered; it may list {known}");
        assert_eq!(texts(metadata.findings()), [finding]);
    }
    let metadata = read_openid(&with("display_values_supported", json!(["page", "hologram"])));
    assert_eq!(metadata.display_values_supported, Some(list(&["page", "hologram"])));
    let metadata = read_openid(&with("claim_types_supported", json!(["normal", "distributed"])));
    assert_eq!(metadata.claim_types_supported, ["normal", "distributed"]);
}

#[test]
fn pages_are_urls() {
    for name in PAGES {
        assert_eq!(findings(&with(name, "http://as.example/docs#start")), [""; 0]);
        for bad in ["", "docs", "/docs", "javascript:alert(1)", "data:text/html,x", "ftp://as.example/docs", "as.example/docs"] {
            let finding = format!("`{name}` is not the URL of a web page; it is ignored until the server's operator corrects it");
            assert_eq!(findings(&with(name, bad)), [finding]);
        }
        assert_eq!(refusal(&with(name, 1)), format!("`{name}` is not a string; {CORRECT}"));
    }
    let page = |name: &str, text: &str| {
        let metadata = read(&with(name, text));
        [metadata.service_documentation, metadata.op_policy_uri, metadata.op_tos_uri]
    };
    let there = Some(url("https://as.example/docs"));
    assert_eq!(page("service_documentation", "https://as.example/docs"), [there.clone(), None, None]);
    assert_eq!(page("op_policy_uri", "https://as.example/docs"), [None, there.clone(), None]);
    assert_eq!(page("op_tos_uri", "https://as.example/docs"), [None, None, there]);
    assert_eq!(page("op_tos_uri", "javascript:alert(1)"), [None, None, None]);
}

#[test]
fn locales_are_language_tags() {
    let well_formed = json!([
        "de",
        "pt-BR",
        "PT-br",
        "zh-Hans-CN",
        "zh-cmn-Hans-CN",
        "zh-min-nan",
        "es-419",
        "sl-rozaj-biske-1994",
        "de-CH-1901",
        "en-a-bbb-x-a-ccc",
        "en-u-ca-gregory-t-de",
        "x-custom",
        "X-a-1",
        "de-x-custom",
        "i-klingon",
        "sgn-BE-FR",
        "abcdefgh",
        "qaa"
    ]);
    for name in ["ui_locales_supported", "claims_locales_supported"] {
        assert_eq!(findings(&with(name, well_formed.clone())), [""; 0]);
        for bad in [
            "fr_FR",
            "a-US",
            "a-DE",
            "abcdefghi",
            "de-abcdefghi",
            "",
            "-",
            "de-",
            "-de",
            "de--DE",
            "de-DE-DE",
            "de-419-DE",
            "de-Latn-abcd",
            "x",
            "x-",
            "x-abcdefghi",
            "de-u",
            "de-u-x-custom",
            "ar-a-aaa-b",
            "de-1",
            "dé",
            "12",
            "*",
            "de DE",
        ] {
            let finding = format!(
                "`{name}` has `{bad}`, which is no language tag of BCP 47; a tag is written like `de`, `pt-BR` or `zh-Hans-CN`"
            );
            assert_eq!(findings(&with(name, json!(["de", bad]))), [finding]);
        }
    }
    let metadata = read(&with("ui_locales_supported", json!(["fr_FR"])));
    assert_eq!((metadata.ui_locales_supported, metadata.claims_locales_supported), (Some(list(&["fr_FR"])), None));
    let metadata = read(&with("claims_locales_supported", json!(["de"])));
    assert_eq!((metadata.ui_locales_supported, metadata.claims_locales_supported), (None, Some(list(&["de"]))));
}

#[test]
fn a_sloppy_server_still_works() {
    let sloppy = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": "https://as.example/token",
        "jwks_uri": "https://as.example/jwks",
        "userinfo_endpoint": null,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "ui_locales_supported": ["fr_FR"],
        "display_values_supported": ["hologram"],
        "op_policy_uri": "",
    });
    let metadata = read_openid(&sloppy);
    let members: Vec<&str> = metadata.findings().iter().filter_map(MetadataError::member).collect();
    assert_eq!(
        members,
        [
            "userinfo_endpoint",
            "display_values_supported",
            "ui_locales_supported",
            "op_policy_uri",
            "token_endpoint_auth_signing_alg_values_supported",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        ]
    );
}

#[test]
fn openid_configuration_stands_after_the_path() {
    for (issuer, expected) in [
        ("https://as.example", "https://as.example/.well-known/openid-configuration"),
        ("https://as.example/", "https://as.example/.well-known/openid-configuration"),
        ("https://as.example:8443/a/b", "https://as.example:8443/a/b/.well-known/openid-configuration"),
        ("https://as.example/a/b/", "https://as.example/a/b/.well-known/openid-configuration"),
        ("https://as.example/a%2Fb%20c", "https://as.example/a%2Fb%20c/.well-known/openid-configuration"),
        ("https://as.example/a?b=c#d", "https://as.example/a/.well-known/openid-configuration"),
    ] {
        assert_eq!(openid_configuration_url(&url(issuer)).as_str(), expected);
    }
}

#[test]
fn oauth_authorization_server_stands_before_the_path() {
    for (issuer, expected) in [
        ("https://as.example", "https://as.example/.well-known/oauth-authorization-server"),
        ("https://as.example/", "https://as.example/.well-known/oauth-authorization-server"),
        ("https://as.example:8443/a/b", "https://as.example:8443/.well-known/oauth-authorization-server/a/b"),
        ("https://as.example/a/b/", "https://as.example/.well-known/oauth-authorization-server/a/b"),
        ("https://as.example/a%2Fb%20c", "https://as.example/.well-known/oauth-authorization-server/a%2Fb%20c"),
        ("https://as.example/a?b=c#d", "https://as.example/.well-known/oauth-authorization-server/a"),
    ] {
        assert_eq!(oauth_authorization_server_url(&url(issuer)).as_str(), expected);
    }
}

#[test]
fn another_suffix_stands_before_the_path_too() {
    let at = |issuer: &str| well_known_url(&url(issuer), "openid-configuration").to_string();
    assert_eq!(at("https://as.example/"), "https://as.example/.well-known/openid-configuration");
    assert_eq!(at("https://as.example/a/"), "https://as.example/.well-known/openid-configuration/a");
}

#[test]
fn secure_transport() {
    for text in [
        "https://as.example",
        "https://as.example:8443/x?y#z",
        "HTTPS://AS.EXAMPLE",
        "https://10.0.0.1/",
        "https://[2001:db8::1]/",
        "http://localhost",
        "HTTP://LOCALHOST:8080/callback",
        "http://127.0.0.1:8080/",
        "http://127.255.255.254",
        "http://[::1]",
        "http://[::1]:8080/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]:8080/",
    ] {
        assert!(is_secure_transport(text), "{text}");
    }
}

#[test]
fn insecure_transport() {
    for text in [
        "http://as.example",
        "http://localhost:80@attacker.test/",
        "http://[::1]:80@attacker.test/",
        "http://127.0.0.1:80@attacker.test/",
        "http://attacker.test#@localhost:80/",
        "http://attacker.test?@localhost:80/",
        "http://attacker.test\\@localhost:80/",
        "http://localhost\\@attacker.test/",
        "http://attacker.test/@localhost",
        "http://localhost.provider.test",
        "http://127.0.0.1.provider.test",
        "http://localhost.",
        "http://mylocalhost",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://[::]",
        "http://[::2]",
        "http://[::ffff:10.0.0.1]",
        "http://[fe80::1]",
        "ftp://localhost/",
        "ws://localhost/",
        "urn:ietf:wg:oauth:2.0:oob",
        "javascript:alert(1)",
        "javascript://localhost/%0aalert(1)",
        "file:///etc/hosts",
        "file://localhost/etc/hosts",
        "",
        " ",
        "https",
        "https:",
        "https:/",
        "https://",
        "https:///",
        "https:///as.example",
        "https:as.example",
        "https:as.example://x",
        "https:/as.example",
        "https:\\\\as.example",
        "https://?x",
        "https://#x",
        "https://:443",
        "https://@",
        " https://as.example",
        "https://as.example ",
        "https://as.example/\n",
        "ht\ntps://as.example",
        "https://as.example:99999",
        "https://[::1",
        "https://[",
        "https://%",
        "https://as.example\0",
        "://",
        "//as.example",
        "\u{feff}https://as.example",
        "http://[::1%25lo]/",
    ] {
        assert!(!is_secure_transport(text), "{text:?}");
    }
}
