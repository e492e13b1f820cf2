//! What the tests share.

use std::collections::BTreeMap;

use grantry::{Client, Provider, Url};
use grantry_tests::driver::Counter;
use grantry_tests::script::{Script, TestClock};

/// An example's client, on the tests' clock and with their random numbers.
pub(crate) fn prepared<P: Provider>(client: Client<P>) -> Client<P> {
    client.clock(TestClock::default()).danger_entropy(Counter::default())
}

/// The same against a script.
pub(crate) fn at<P: Provider>(script: &Script, client: Client<P>) -> Client<P> {
    prepared(client).transport(script.transport())
}

/// The parameters of an authorization URL.
pub(crate) fn parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// A URL without its query.
pub(crate) fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

/// HTTP Basic credentials of "Your client ID" and "Your client secret", each percent-encoded first (RFC 6749 section 2.3.1).
pub(crate) const BASIC: &str = "Basic WW91ciUyMGNsaWVudCUyMElEOllvdXIlMjBjbGllbnQlMjBzZWNyZXQ=";
