use super::{Parameter, Template};
use crate::{List, Str};

/// `requests`: how protected resources are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    pub base_url: Option<Template>,
    /// Origins for absolute URLs. Empty: the origin of `base_url`, which always counts.
    pub api_origins: List<Template>,
    pub access_token: Placement,
    pub parameters: List<Parameter>,
    pub headers: List<(Str, Template)>,
}

/// Where the access token stands in a request (RFC 6750 section 2, and beyond).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub location: Location,
    pub name: Str,
    /// Only in a header. Empty: the bare token. `Basic`: base64 of `token:`.
    pub scheme: Str,
}

/// `requests.access_token.in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    Header,
    Query,
    Form,
}
