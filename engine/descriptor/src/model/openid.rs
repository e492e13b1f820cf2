use super::Template;
use crate::{List, Str};

/// `openid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenId {
    /// May hold placeholders that `issuer_claims` fills; those are [`super::Value::IdToken`] parts whose path is the claim.
    pub issuer: Template,
    pub issuer_aliases: List<Str>,
    pub issuer_claims: List<IssuerClaim>,
    pub required_claims: List<(Str, Template)>,
    pub nonce: Nonce,
    pub at_hash: AtHash,
    pub id_token_signing_alg_values_supported: List<Str>,
}

/// A placeholder of the issuer that the id token fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerClaim {
    pub placeholder: Str,
    pub claim: Str,
    /// Anchored; the claim must match.
    pub pattern: Str,
    /// A variable that must equal the claim, where it matches the pattern itself.
    pub equals: Option<Str>,
}

/// Whether the id token echoes the nonce (OpenID Connect Core section 3.1.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonce {
    Required,
    /// The provider never echoes it.
    Absent,
}

/// Whether `at_hash`, where present, is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHash {
    Verify,
    Ignore,
}
