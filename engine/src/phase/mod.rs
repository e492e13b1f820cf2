//! Requests and responses of the protocol's phases: one function renders a request shape, one reads a response shape.

pub(crate) mod digest;
pub(crate) mod document;
pub(crate) mod encode;
pub(crate) mod json;
pub(crate) mod path;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod template;
