use crate::{List, Str};

/// A way into a JSON document: `authed_user.access_token`, `data.0`, `emails[primary].email`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub segments: List<Segment>,
}

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object, by name. In an array a name of digits is an index.
    Key(Str),
    /// `[key]`: the first element whose `key` is truthy.
    FirstTruthy(Str),
    /// `[key=value]`: the first element whose `key` equals `value`.
    FirstEqual(Str, Str),
}
