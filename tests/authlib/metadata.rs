//! What a metadata document must be: what makes it useless is an error, what else the standards require is a finding.

use grantry_engine::metadata::{Metadata, MetadataError};
use serde_json::{Value, json};

const ISSUER: &str = "https://as.example";

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

fn oauth(document: &Value) -> Result<Metadata, MetadataError> {
    Metadata::parse(ISSUER, document.to_string().as_bytes())
}

fn openid(document: &Value) -> Result<Metadata, MetadataError> {
    Metadata::parse_openid(ISSUER, document.to_string().as_bytes())
}

/// The member for which a document is refused, and why.
#[track_caller]
fn refused(result: Result<Metadata, MetadataError>) -> (String, String) {
    let error = result.unwrap_err();
    (error.member().unwrap_or_default().to_owned(), error.problem().to_owned())
}

/// The only member that is reported.
#[track_caller]
fn found(result: Result<Metadata, MetadataError>) -> String {
    let metadata = result.unwrap();
    match metadata.findings() {
        [finding] => finding.member().unwrap_or_default().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn sound(result: Result<Metadata, MetadataError>) -> Metadata {
    let metadata = result.unwrap();
    assert_eq!(metadata.findings(), []);
    metadata
}

// rows: 264
#[test]
fn the_issuer_is_an_https_url_without_query_and_fragment() {
    sound(openid(&document()));
    assert_eq!(refused(oauth(&without("issuer"))).0, "issuer");
    let wrong = [
        ("http://as.example", "is not an https URL (http is for loopback hosts only)"),
        ("https://as.example/?a=b", "has a query"),
        ("https://as.example/?", "has a query"),
        ("https://as.example/#x", "has a fragment"),
        ("https://as.example/#", "has a fragment"),
        ("as.example", "is not an absolute URL"),
        ("", "is not an absolute URL"),
    ];
    for (issuer, problem) in wrong {
        let body = with("issuer", issuer).to_string();
        assert_eq!(refused(Metadata::parse(issuer, body.as_bytes())), ("issuer".into(), problem.into()), "{issuer}");
    }
    assert_eq!(refused(oauth(&with("issuer", 7))), ("issuer".into(), "is not a string".into()));
}

// rows: 265, 266
#[test]
fn endpoints_are_required_by_the_grants_that_use_them_and_are_https() {
    let of_grants = |missing: &str, grants: Option<Value>| {
        let mut document = without(missing);
        if let Some(grants) = grants {
            document["grant_types_supported"] = grants;
        }
        oauth(&document)
    };
    let missing = |name: &str| (name.to_owned(), "is missing".to_owned());
    let authorization = "authorization_endpoint";
    assert_eq!(refused(of_grants(authorization, None)), missing(authorization));
    assert_eq!(refused(of_grants(authorization, Some(json!(["authorization_code"])))), missing(authorization));
    assert_eq!(refused(of_grants(authorization, Some(json!(["implicit"])))), missing(authorization));
    sound(of_grants(authorization, Some(json!(["client_credentials", "password"]))));
    let token = "token_endpoint";
    assert_eq!(refused(of_grants(token, None)), missing(token));
    assert_eq!(refused(of_grants(token, Some(json!(["implicit", "password"])))), missing(token));
    sound(of_grants(token, Some(json!(["implicit"]))));
    for name in [authorization, token] {
        let problem = "is not an https URL (http is for loopback hosts only)".to_owned();
        assert_eq!(refused(oauth(&with(name, "http://as.example/x"))), (name.to_owned(), problem));
    }
}

// rows: 267, 268
#[test]
fn further_endpoints_are_optional_and_https() {
    let optional = ["registration_endpoint", "revocation_endpoint", "introspection_endpoint", "end_session_endpoint"];
    for name in optional.into_iter().chain(["jwks_uri"]) {
        sound(oauth(&without(name)));
        sound(openid(&with(name, "https://as.example/x")));
        for read in [oauth, openid] {
            let problem = "is not an https URL (http is for loopback hosts only)".to_owned();
            assert_eq!(refused(read(&with(name, "http://as.example/x"))), (name.to_owned(), problem));
        }
    }
    let metadata = sound(openid(&with("revocation_endpoint", "https://as.example/revoke")));
    assert_eq!(metadata.revocation_endpoint.unwrap().as_str(), "https://as.example/revoke");
    assert_eq!(refused(openid(&without("jwks_uri"))), ("jwks_uri".into(), "is missing".into()));
}

// rows: 269
#[test]
fn lists_are_arrays() {
    let lists = [
        "scopes_supported",
        "response_modes_supported",
        "grant_types_supported",
        "token_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_methods_supported",
        "code_challenge_methods_supported",
        "response_types_supported",
    ];
    for name in lists {
        for wrong in [json!("code"), json!({ "0": "code" }), json!(7), json!([7])] {
            assert_eq!(refused(oauth(&with(name, wrong))), (name.to_owned(), "is not an array of strings".to_owned()));
        }
    }
    let metadata = sound(oauth(&with("code_challenge_methods_supported", json!(["S256"]))));
    assert_eq!(metadata.code_challenge_methods_supported.unwrap(), ["S256"]);
    assert_eq!(found(oauth(&without("response_types_supported"))), "response_types_supported");
}

// rows: 270
#[test]
fn signed_assertions_have_algorithms_and_never_none() {
    for endpoint in ["token", "revocation", "introspection"] {
        let (methods, algorithms) = (
            format!("{endpoint}_endpoint_auth_methods_supported"),
            format!("{endpoint}_endpoint_auth_signing_alg_values_supported"),
        );
        for method in ["client_secret_jwt", "private_key_jwt"] {
            let mut document = with(&methods, json!(["client_secret_basic", method]));
            assert_eq!(found(oauth(&document)), algorithms);
            document[&algorithms] = json!(["RS256"]);
            sound(oauth(&document));
            document[&algorithms] = json!("RS256");
            assert_eq!(refused(oauth(&document)).0, algorithms);
            document[&algorithms] = json!(["RS256", "none"]);
            assert_eq!(refused(oauth(&document)).0, algorithms);
        }
        sound(oauth(&with(&methods, json!(["client_secret_basic"]))));
    }
}

// rows: 271
#[test]
fn pages_for_people_are_urls() {
    for name in ["service_documentation", "op_policy_uri", "op_tos_uri"] {
        sound(oauth(&with(name, "https://as.example/docs")));
        for wrong in ["docs", "javascript:alert(1)", ""] {
            assert_eq!(found(oauth(&with(name, wrong))), name, "{wrong}");
        }
    }
    let metadata = oauth(&with("op_tos_uri", "javascript:alert(1)")).unwrap();
    assert_eq!(metadata.op_tos_uri, None);
}

// rows: 272
#[test]
fn locales_are_language_tags() {
    for name in ["ui_locales_supported", "claims_locales_supported"] {
        sound(oauth(&with(name, json!(["en", "fr-CA", "zh-Hans-CN", "x-custom", "es-419", "de-1996"]))));
        for wrong in ["fr_FR", "a-US", "en-abcdefghi", "abcdefghi", "", "en-"] {
            assert_eq!(found(oauth(&with(name, json!(["en", wrong])))), name, "{wrong}");
        }
    }
}

// rows: 273
#[test]
fn openid_providers_have_subject_types_and_sign_with_rs256() {
    for name in ["subject_types_supported", "id_token_signing_alg_values_supported"] {
        sound(oauth(&without(name)));
        assert_eq!(found(openid(&without(name))), name);
    }
    sound(openid(&with("subject_types_supported", json!(["pairwise", "public"]))));
    assert_eq!(found(openid(&with("subject_types_supported", json!(["public", "secret"])))), "subject_types_supported");
    let algorithms = "id_token_signing_alg_values_supported";
    sound(openid(&with(algorithms, json!(["ES256", "RS256"]))));
    assert_eq!(found(openid(&with(algorithms, json!(["ES256"])))), algorithms);
}

// rows: 274
#[test]
fn displays_and_claim_types_are_registered_ones() {
    sound(openid(&with("display_values_supported", json!(["page", "popup", "touch", "wap"]))));
    assert_eq!(found(openid(&with("display_values_supported", json!(["page", "hologram"])))), "display_values_supported");
    sound(openid(&with("claim_types_supported", json!(["normal", "aggregated", "distributed"]))));
    assert_eq!(found(openid(&with("claim_types_supported", json!(["normal", "other"])))), "claim_types_supported");
    assert_eq!(sound(openid(&document())).claim_types_supported, ["normal"]);
}

// rows: 275, 276
#[test]
fn flags_are_booleans_with_their_defaults() {
    let flags = |metadata: &Metadata| {
        [
            metadata.claims_parameter_supported,
            metadata.request_parameter_supported,
            metadata.request_uri_parameter_supported,
            metadata.require_request_uri_registration,
            metadata.authorization_response_iss_parameter_supported,
        ]
    };
    let names = [
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
        "authorization_response_iss_parameter_supported",
    ];
    let default = [false, false, true, false, false];
    assert_eq!(flags(&sound(openid(&document()))), default);
    for (index, name) in names.into_iter().enumerate() {
        let mut expected = default;
        expected[index] = !default[index];
        assert_eq!(flags(&sound(openid(&with(name, expected[index])))), expected);
        for wrong in [json!("true"), json!(1), json!([])] {
            assert_eq!(refused(openid(&with(name, wrong))), (name.to_owned(), "is not true or false".to_owned()));
        }
    }
    // The rules of every specification hold together: of several faults each is told.
    let mut document = with("ui_locales_supported", json!(["fr_FR"]));
    document["op_policy_uri"] = "docs".into();
    document["subject_types_supported"] = json!(["secret"]);
    let members: Vec<String> =
        openid(&document).unwrap().findings().iter().filter_map(|finding| finding.member().map(str::to_owned)).collect();
    assert_eq!(members, ["subject_types_supported", "ui_locales_supported", "op_policy_uri"]);
}
