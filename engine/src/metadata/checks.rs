//! Rules about more than one member.

use super::error::MetadataError;
use super::{Kind, Metadata};

const GRANTS: &str = "the server's operator has to add it, or to list in `grant_types_supported` only grants that do without";

/// Why nothing can be done with the server.
pub(super) fn unusable(metadata: &Metadata, kind: Kind) -> Option<MetadataError> {
    let missing = |member: &str, hint: &'static str| Some(MetadataError::of(member, "is missing", hint));
    if metadata.authorization_endpoint.is_none() && needs_authorization_endpoint(metadata) {
        return missing("authorization_endpoint", GRANTS);
    }
    if metadata.token_endpoint.is_none() && needs_token_endpoint(metadata) {
        return missing("token_endpoint", GRANTS);
    }
    if metadata.jwks_uri.is_none() && kind == Kind::OpenId {
        return missing("jwks_uri", "without it no id token can be verified: the server's operator has to add it");
    }
    None
}

/// `grant_types_supported` has its default here if the document does not have it.
fn needs_authorization_endpoint(metadata: &Metadata) -> bool {
    metadata.grant_types_supported.iter().any(|grant| grant == "authorization_code" || grant == "implicit")
}

fn needs_token_endpoint(metadata: &Metadata) -> bool {
    let grants = &metadata.grant_types_supported;
    grants.is_empty() || grants.iter().any(|grant| grant != "implicit")
}

/// What the standards require and a client can do without.
pub(super) fn formal(metadata: &Metadata, kind: Kind) -> Vec<MetadataError> {
    let mut findings: Vec<MetadataError> = assertion_algorithms(metadata).into_iter().flatten().collect();
    let mut missing = |member: &str, hint: &'static str| findings.push(MetadataError::of(member, "is missing", hint));
    if metadata.response_types_supported.is_none() {
        missing("response_types_supported", "the server's operator should list `code` and what else is supported");
    }
    if kind == Kind::OAuth {
        return findings;
    }
    if metadata.subject_types_supported.is_none() {
        missing("subject_types_supported", "the server's operator should list public, pairwise or both");
    }
    match &metadata.id_token_signing_alg_values_supported {
        None => missing("id_token_signing_alg_values_supported", RS256),
        Some(list) if !list.iter().any(|algorithm| algorithm == "RS256") => {
            findings.push(MetadataError::of("id_token_signing_alg_values_supported", "does not have RS256", RS256));
        }
        Some(_) => {}
    }
    findings
}

const RS256: &str = "OpenID Connect requires RS256; name in the client's settings what the server signs with";

/// A server that takes signed assertions says with which algorithms (RFC 8414 section 2).
fn assertion_algorithms(metadata: &Metadata) -> [Option<MetadataError>; 3] {
    let introspection = metadata.introspection_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    [
        (
            "token_endpoint_auth_signing_alg_values_supported",
            metadata.token_endpoint_auth_methods_supported.as_slice(),
            &metadata.token_endpoint_auth_signing_alg_values_supported,
        ),
        (
            "revocation_endpoint_auth_signing_alg_values_supported",
            metadata.revocation_endpoint_auth_methods_supported.as_slice(),
            &metadata.revocation_endpoint_auth_signing_alg_values_supported,
        ),
        (
            "introspection_endpoint_auth_signing_alg_values_supported",
            introspection,
            &metadata.introspection_endpoint_auth_signing_alg_values_supported,
        ),
    ]
    .map(|(member, methods, algorithms)| {
        let method = methods.iter().find(|method| *method == "client_secret_jwt" || *method == "private_key_jwt")?;
        let problem = format!("is missing, although `{method}` is supported");
        let hint = "name the algorithm of assertions in the client's settings";
        algorithms.is_none().then(|| MetadataError::of(member, problem, hint))
    })
}
