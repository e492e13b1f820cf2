//! Where a server publishes its metadata.

use url::Url;

/// The address of an issuer's OpenID Connect document: after the issuer's path (OpenID Connect Discovery 1.0 section 4).
///
/// A slash at the end of the issuer, its query and its fragment do not count.
pub fn openid_configuration_url(issuer: &Url) -> Url {
    at(issuer, &format!("{}/.well-known/openid-configuration", path(issuer)))
}

/// The address of an issuer's OAuth 2.0 document: between the issuer's host and path (RFC 8414 section 3.1).
///
/// A slash at the end of the issuer, its query and its fragment do not count.
pub fn oauth_authorization_server_url(issuer: &Url) -> Url {
    well_known_url(issuer, "oauth-authorization-server")
}

/// As [`oauth_authorization_server_url`], with another registered suffix (RFC 8414 section 3, RFC 8615 section 3.1).
pub fn well_known_url(issuer: &Url, suffix: &str) -> Url {
    at(issuer, &format!("/.well-known/{suffix}{}", path(issuer)))
}

fn path(issuer: &Url) -> &str {
    issuer.path().trim_end_matches('/')
}

fn at(issuer: &Url, path: &str) -> Url {
    let mut url = issuer.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    url
}
