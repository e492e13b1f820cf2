//! Which addresses a host may have.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether an address is reachable from everywhere: neither private, nor local, nor reserved.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b); // RFC 6598
    let protocol = a == 192 && b == 0 && c == 0; // RFC 6890
    let benchmarking = a == 198 && (b == 18 || b == 19); // RFC 2544
    let this_network = a == 0;
    let reserved = a >= 240;
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || shared
        || protocol
        || benchmarking
        || this_network
        || reserved)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    let [a, b, c, ..] = ip.segments();
    let [.., high, low] = ip.segments();
    let embedded = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        (0x64, 0xff9b) => is_public_v4(embedded), // NAT64, RFC 6052
        (0x2002, _) => is_public_v4(Ipv4Addr::from_bits(u32::from(b) << 16 | u32::from(c))), // 6to4
        (0x2001, 0x0db8 | 0x0000) => false,       // documentation, Teredo
        _ => a & 0xe000 == 0x2000,                // global unicast
    }
}

/// Resolves through the system and keeps public addresses only. Checked at the moment of connecting, so that a name that
/// changes its address in between gains nothing.
pub(super) struct PublicOnly {
    /// Whether `localhost` is allowed too.
    pub(super) loopback: bool,
    /// The proxy's host, which the application or its environment chose: it may stand anywhere.
    pub(super) proxy: Option<String>,
}

impl PublicOnly {
    fn is_proxy(&self, host: &str) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.eq_ignore_ascii_case(host))
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let (loopback, is_proxy) = (self.loopback && host == "localhost", self.is_proxy(&host));
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed = |address: &SocketAddr| is_proxy || is_public(address.ip()) || (loopback && address.ip().is_loopback());
            if !addresses.is_empty() && !addresses.iter().any(allowed) {
                return Err(Box::new(NotPublic { host }) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(addresses.into_iter().filter(allowed).collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// The host of the proxy that the environment names for `https`, by the rules of the HTTP client.
pub(super) fn environment_proxy(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    // In a CGI script `HTTP_PROXY` is a header of the request: no proxy is taken from there.
    if variable("REQUEST_METHOD").is_some() {
        return None;
    }
    let first = |names: [&str; 2]| names.into_iter().find_map(&variable).and_then(|value| host_of(&value));
    first(["HTTPS_PROXY", "https_proxy"]).or_else(|| first(["ALL_PROXY", "all_proxy"]))
}

/// The host of a URL that may lack its scheme.
fn host_of(value: &str) -> Option<String> {
    let uri: http::Uri = value.parse().ok()?;
    let is_http = uri.scheme_str().is_none_or(|scheme| scheme == "http" || scheme == "https");
    uri.host().filter(|host| is_http && !host.is_empty()).map(str::to_owned)
}

/// Resolves every name to one address: the emulator's.
pub(super) struct Everywhere(pub(super) SocketAddr);

impl Resolve for Everywhere {
    fn resolve(&self, _name: Name) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

#[derive(Debug)]
struct NotPublic {
    host: String,
}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no public address", self.host)
    }
}

impl std::error::Error for NotPublic {}

/// The policy's refusal, if that is why a request failed.
pub(super) fn refusal(error: &reqwest::Error) -> Option<String> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(refused) = error.downcast_ref::<NotPublic>() {
            return Some(refused.to_string());
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_proxy() {
        let proxy = |variables: &[(&str, &str)]| {
            environment_proxy(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        let named = Some("proxy.corp".to_owned());
        for value in ["http://proxy.corp:3128", "proxy.corp:3128", "proxy.corp", "https://user:hunter2@proxy.corp/"] {
            for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                assert_eq!(proxy(&[(name, value)]), named, "{name}={value}");
            }
        }
        assert_eq!(proxy(&[("HTTPS_PROXY", "proxy.corp"), ("ALL_PROXY", "other.corp"), ("https_proxy", "other.corp")]), named);
        assert_eq!(proxy(&[("HTTPS_PROXY", ""), ("ALL_PROXY", "proxy.corp")]), named);
        // Requests to `https` do not take these.
        for variables in
            [&[][..], &[("HTTP_PROXY", "proxy.corp")], &[("HTTPS_PROXY", "ftp://proxy.corp")], &[("HTTPS_PROXY", "/")]]
        {
            assert_eq!(proxy(variables), None, "{variables:?}");
        }
        assert_eq!(proxy(&[("HTTPS_PROXY", "proxy.corp"), ("REQUEST_METHOD", "GET")]), None);
    }

    #[tokio::test]
    async fn nobody_but_the_proxy_may_stand_anywhere() {
        let resolve = |proxy: Option<&str>| {
            let resolver = PublicOnly { loopback: false, proxy: proxy.map(str::to_owned) };
            resolver.resolve("localhost".parse().unwrap())
        };
        assert!(resolve(Some("LOCALHOST")).await.unwrap().count() > 0);
        for proxy in [None, Some("proxy.corp"), Some("")] {
            assert!(resolve(proxy).await.err().unwrap().is::<NotPublic>(), "{proxy:?}");
        }
    }

    #[test]
    fn addresses_that_are_not_public() {
        for ip in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn addresses_that_are_public() {
        for ip in ["140.82.121.3", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
