use bytes::Bytes;
use url::Url;

use crate::fixture::Scenario;

/// What went over the wire once.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whose exchange it was: the provider's id; empty where no fixture has such a URL.
    pub fixture: String,
    /// The exchange's name in the fixture; of the nearest one where the request is refused.
    pub exchange: String,
    /// Which conversation it belongs to.
    pub scenario: Scenario,
    /// The request as received.
    pub request: Received,
    /// The response as sent.
    pub response: Sent,
    /// Why the request is refused; empty where it is not.
    pub refusal: Vec<String>,
    /// Values that must not be printed, by name: what stood where the fixture has a placeholder, and what the emulator made.
    pub secrets: Vec<(String, String)>,
}

/// A request as received.
#[derive(Clone, Debug)]
pub struct Received {
    /// HTTP method.
    pub method: String,
    /// The URL under the provider's real host name, with its query.
    pub url: Url,
    /// Every header, in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Bytes,
}

impl Received {
    /// The header's value; `None` where it is absent.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value.as_str()))
    }

    /// The parameters of the query, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        self.url.query_pairs().into_owned().collect()
    }

    /// The parameters of a form body, decoded, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// A response as sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// HTTP status code.
    pub status: u16,
    /// The headers that the fixture states.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}
