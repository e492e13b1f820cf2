//! The user's browser, as far as a sign-in needs one.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use crate::emulator::Emulator;
use crate::fixture::{Fixture, Scenario};

/// What arrives at the application's redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A redirect: the redirect URI with its query.
    Query(Url),
    /// An auto-submitted form: its body.
    FormPost(String),
}

/// Why nothing arrived at the redirect URI.
#[derive(Clone, Debug)]
pub enum Lost {
    /// The provider (or the browser itself, for the fragment, which the wire does not carry) refuses the authorization request.
    Refused(String),
    /// The answer brings the user nowhere.
    Stranded(String),
}

/// A browser that finds every host at the emulator, trusts its authority and follows nothing.
#[derive(Clone, Debug)]
pub struct Browser {
    http: reqwest::Client,
}

impl Browser {
    /// A browser for this emulator.
    ///
    /// # Panics
    ///
    /// Where no HTTP client can be built.
    pub fn new(emulator: &Emulator) -> Self {
        let authority = reqwest::Certificate::from_der(&emulator.ca_der()).expect("the authority's certificate is DER");
        let http = reqwest::Client::builder()
            .tls_certs_only([authority])
            .dns_resolver(Arc::new(Loopback(emulator.addr())))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Self { http: http.expect("an HTTP client can be built") }
    }

    /// Opens the URL of an exchange; the user consents, or does whatever the scenario says.
    ///
    /// # Errors
    ///
    /// [`Lost`], where the user does not come back to the application.
    pub async fn open(&self, exchange: &str, url: &Url, fixture: &Fixture, scenario: &Scenario) -> Result<Arrival, Lost> {
        check_fragment(exchange, url, fixture, scenario).map_err(Lost::Refused)?;
        let response = self.http.get(url.clone()).send().await.map_err(|error| Lost::Stranded(error.to_string()))?;
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let body = response.text().await.map_err(|error| Lost::Stranded(error.to_string()))?;
        match (status, location) {
            (302, Some(location)) => {
                Url::parse(&location).map(Arrival::Query).map_err(|error| Lost::Stranded(format!("{location}: {error}")))
            }
            (200, None) => submit(&body).map(Arrival::FormPost).ok_or(Lost::Stranded(body)),
            (418, _) => Err(Lost::Refused(body)),
            (status, _) => Err(Lost::Stranded(format!("the {exchange} endpoint answered {status}: {body}"))),
        }
    }
}

/// What stands behind `#` does not reach the provider's server, only its page: the browser checks it.
fn check_fragment(name: &str, url: &Url, fixture: &Fixture, scenario: &Scenario) -> Result<(), String> {
    let exchange = fixture.exchanges.get(name).ok_or_else(|| format!("the fixture has no {name}"))?;
    let expected = fixture.expected(name, exchange, scenario).0.fragment.as_deref();
    match (expected, url.fragment()) {
        (expected, found) if expected == found => Ok(()),
        (Some(expected), found) => Err(format!("fragment: expected `#{expected}`, got {found:?}")),
        (None, found) => Err(format!("fragment: expected none, got `#{}`", found.unwrap_or_default())),
    }
}

/// The body that the auto-submitting form of the emulator posts.
fn submit(html: &str) -> Option<String> {
    let attribute = |input: &str, name: &str| {
        let (_, rest) = input.split_once(&format!("{name}=\""))?;
        Some(unescape(rest.split_once('"')?.0))
    };
    let inputs = html.split("<input ").skip(1);
    let pairs: Option<Vec<(String, String)>> =
        inputs.map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect();
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs?).finish();
    html.contains("<form method=\"post\"").then_some(body)
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

struct Loopback(SocketAddr);

impl Resolve for Loopback {
    fn resolve(&self, _: Name) -> Resolving {
        let addrs: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(addrs)))
    }
}
