use super::Path;
use crate::{List, Str};

/// The response cells that every phase has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub format: Format,
    /// The media type that the provider really sends.
    pub content_type: Str,
    /// Path under which the members live; `error*` members live at the document's root.
    pub root: Option<Path>,
    /// Members that are not where the standard says.
    pub names: List<Member>,
    /// Values of `error` that mean no error.
    pub success: List<Str>,
}

/// Where a standard member stands: the first path that is present. No path: the provider has no such member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: Str,
    pub paths: List<Path>,
}

/// How a body is decoded, whatever its Content-Type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Form,
}
