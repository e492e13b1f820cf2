use super::{Path, Request, Response};
use crate::{List, Str};

/// `userinfo`: the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Userinfo {
    pub request: Request,
    pub response: Response,
    /// Further calls, in order.
    pub additional: List<Additional>,
    /// Empty under OpenID: claims map to themselves.
    pub claims: List<Claim>,
}

/// A further call for the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Additional {
    pub name: Str,
    pub request: Request,
    pub response: Response,
    /// The claim whose absence makes the call worth it. `None`: always.
    pub when_missing: Option<Str>,
}

/// One claim: the first source that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub name: Str,
    pub sources: List<ClaimSource>,
}

/// Where a claim is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSource {
    pub document: ClaimDocument,
    pub path: Path,
    /// Anchored, with one group: what of the text is the claim.
    pub pattern: Option<Str>,
}

/// The document that a claim is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimDocument {
    Userinfo,
    /// The answer of `userinfo.additional.<name>`.
    Additional(Str),
    Token,
    Callback,
    IdToken,
    AccessToken,
}
