use super::{Template, Value};
use crate::{List, Str};

/// A setting of the application, or a value learned on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: Str,
    pub default: Option<Str>,
    /// The closed set of values, and what each stands for. Empty: any text that `pattern` admits.
    pub values: List<(Str, VariableValue)>,
    /// Anchored, in the linear-time `regex` dialect.
    pub pattern: Option<Str>,
    /// Where the value is learned from.
    pub from: Option<Value>,
    pub optional: bool,
    pub description: Option<Str>,
}

/// What one of a variable's `values` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableValue {
    Text(Str),
    Table(List<(Str, Str)>),
}

/// A named digest: lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub name: Str,
    pub algorithm: DigestAlgorithm,
    /// The key of an HMAC.
    pub key: Option<Template>,
    pub message: Template,
}

/// `digests.<name>.algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    HmacSha256,
    Sha256,
    Md5,
}
