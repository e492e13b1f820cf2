//! Claims that the provider passes on from others (OpenID Connect Core section 5.6.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Claims of others, and where they are: kept apart from the provider's own, since nobody has verified them.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Others {
    names: Value,
    sources: Value,
}

impl Others {
    /// Takes them out of a profile.
    pub(super) fn take(claims: &mut Map<String, Value>) -> Self {
        let mut take = |name: &str| claims.remove(name).unwrap_or_default();
        Self { names: take("_claim_names"), sources: take("_claim_sources") }
    }

    /// The source of each claim that has one.
    pub(super) fn sources(&self) -> BTreeMap<&str, &Value> {
        let names = self.names.as_object().into_iter().flatten();
        names.filter_map(|(claim, source)| Some((claim.as_str(), self.sources.get(source.as_str()?)?))).collect()
    }
}
