//! Which URLs a metadata document may have.

use std::net::IpAddr;

use url::{Host, Url};

use super::error::MetadataError;

/// Reads an issuer identifier (RFC 8414 section 2): an https URL, or an http URL of a loopback host, without user name,
/// password, query and fragment.
///
/// Check an issuer with it before its document is fetched.
pub fn issuer_url(issuer: &str) -> Result<Url, MetadataError> {
    let url = endpoint(issuer).and_then(|url| if url.query().is_some() { Err("has a query") } else { Ok(url) });
    url.map_err(|problem| MetadataError::of("issuer", problem, "only an https URL that ends with its path is an issuer"))
}

/// Whether nobody can read or change along the way what is sent to this URL: its scheme is https, or it is http and the host is
/// this machine (`localhost`, 127.0.0.0/8, `::1`, and the IPv4 addresses mapped to IPv6).
///
/// A text that is no URL, or that parsers read differently, is not secure.
pub fn is_secure_transport(url_text: &str) -> bool {
    absolute(url_text).is_some_and(|url| is_secure(&url))
}

/// Reads the URL of an endpoint, or says why it is none.
pub(super) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url = absolute(text).ok_or("is not an absolute URL")?;
    if !is_secure(&url) {
        return Err("is not an https URL (http is for loopback hosts only)");
    }
    if authority(text).contains('@') {
        return Err("has a user name or password");
    }
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    Ok(url)
}

/// Reads the URL of a page for people: nothing that a browser would run.
pub(super) fn page(text: &str) -> Option<Url> {
    absolute(text).filter(|url| matches!(url.scheme(), "https" | "http"))
}

/// Reads a URL with a host whose text has no second meaning: the URL standard forgives what RFC 3986 refuses.
fn absolute(text: &str) -> Option<Url> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') || authority(text).is_empty() {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let (scheme, _) = text.split_once("://")?;
    scheme.eq_ignore_ascii_case(url.scheme()).then_some(url)
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Whether the URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
        None => false,
    }
}
