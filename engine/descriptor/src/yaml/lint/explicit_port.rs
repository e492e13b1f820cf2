use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
Providers in the catalog serve on the standard port of https. This holds for the catalog only: descriptors of one's own \
may name a port.";

pub(in crate::yaml) fn finding(span: Option<Span>, url: &str) -> Finding {
    Finding {
        code: Code::ExplicitPort,
        span,
        message: format!("explicit port in the catalog URL `{url}`"),
        help: "remove the port".to_owned(),
    }
}

/// Whether a text is a URL whose authority ends with a port.
pub(in crate::yaml) fn is_in(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    matches!(scheme, "http" | "https") && port.is_some_and(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn a_port_ends_the_authority() {
        assert!(is_in("https://a.example:8443") && is_in("https://{shop}:80/a") && is_in("http://[::1]:80/"));
        assert!(
            !is_in("https://a.example/b:80") && !is_in("https://a.example") && !is_in("urn:ietf:80") && !is_in("https://[::1]/")
        );
    }
}
