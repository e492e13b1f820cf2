use super::{AuthenticationMethod, Template};
use crate::{List, Str};

/// The request cells that every phase has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Only where no registered endpoint name exists (`refresh`, `exchange`, `userinfo.additional`, `service_accounts`).
    pub url: Option<Template>,
    pub method: Method,
    pub encoding: Encoding,
    pub authentication: Authentication,
    /// Standard name and the provider's name.
    pub names: List<(Str, Str)>,
    pub parameters: List<Parameter>,
    pub headers: List<(Str, Template)>,
}

/// A parameter that the descriptor sets, or drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The standard name where the engine knows one, else the name on the wire.
    pub name: Str,
    /// `None`: never sent.
    pub value: Option<Template>,
}

/// HTTP method of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Where a request's parameters stand. A GET always has them in its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Form,
    Json,
    Query,
}

/// How a request proves who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The client's method (`client_authentication`).
    Client,
    /// This method, whatever the client's is.
    Method(AuthenticationMethod),
    /// The access token, placed as `requests` says.
    AccessToken,
    None,
}
