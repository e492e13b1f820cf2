use super::Parameter;
use crate::{List, Str};

/// `authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub names: List<(Str, Str)>,
    pub parameters: List<Parameter>,
    pub code_challenge_method: CodeChallengeMethod,
    /// Stands behind `#` after the query.
    pub fragment: Option<Str>,
    /// Whether the callback carries `iss` (RFC 9207): then it must.
    pub iss_parameter: bool,
}

/// PKCE (RFC 7636 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeChallengeMethod {
    S256,
    Plain,
    None,
}

/// `callback`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Standard name and the provider's names, the first present counting.
    pub names: List<(Str, List<Str>)>,
    pub signature: Option<CallbackSignature>,
    /// Values of `error` that mean `access_denied`.
    pub access_denied: List<Str>,
}

/// How a callback is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackSignature {
    /// The parameter `hmac`: HMAC-SHA256 under the client secret over the other parameters, sorted and joined as `k=v&k=v`.
    Hmac,
}
