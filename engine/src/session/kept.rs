//! Where a client's sessions are found again: by their key, in this process and in a store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use grantry_descriptor::model::{Endpoint, Part, Template};

use super::bound::Binding;
use super::state::SessionInner;
use crate::config::Config;
use crate::store::StoreKey;

/// Sessions that are remembered, held or not.
const FEW: usize = 64;

/// A client's sessions by their key: one for each in this process, as long as somebody holds it.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    sessions: HashMap<StoreKey, Known>,
    /// From how many on those that nobody holds any more make room.
    most: usize,
}

/// A session that may have been dropped, and its binding, which is that of the next one of the key.
type Known = (Weak<SessionInner>, Arc<Binding>);

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &StoreKey) -> Option<Arc<SessionInner>> {
        self.kept().get(key)
    }

    pub(super) fn binding(&self, key: &StoreKey) -> Option<Arc<Binding>> {
        self.kept().sessions.get(key).map(|(_, binding)| Arc::clone(binding))
    }

    pub(super) fn get_or_insert(&self, binding: Arc<Binding>, inner: SessionInner) -> Arc<SessionInner> {
        let mut kept = self.kept();
        if let Some(known) = kept.get(binding.key()) {
            return known;
        }
        let inner = Arc::new(inner);
        kept.insert(binding, &inner);
        inner
    }

    pub(super) fn replace(&self, binding: Arc<Binding>, inner: &Arc<SessionInner>) {
        self.kept().insert(binding, inner);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.kept().sessions.len()
    }

    pub(super) fn forget(&self, key: &StoreKey) {
        self.kept().sessions.remove(key);
    }
}

impl Kept {
    fn get(&self, key: &StoreKey) -> Option<Arc<SessionInner>> {
        self.sessions.get(key).and_then(|(session, _)| session.upgrade())
    }

    fn insert(&mut self, binding: Arc<Binding>, inner: &Arc<SessionInner>) {
        if self.sessions.len() >= self.most {
            self.sessions.retain(|_, (session, binding)| session.strong_count() > 0 || binding.has_something_to_tell());
            self.most = self.sessions.len().saturating_mul(2).max(FEW);
        }
        self.sessions.insert(binding.key().clone(), (Arc::downgrade(inner), binding));
    }
}

/// The key of an application's key: no two clients, tenants or issuers share one.
pub(crate) fn key_of(config: &Config, key: &str) -> StoreKey {
    let model = config.model();
    let token_endpoint = || model.endpoints.get(Endpoint::Token);
    let authority = model.openid.as_ref().map(|openid| &openid.issuer).or_else(token_endpoint).map(written).unwrap_or_default();
    let mut variables: Vec<_> = config.settings().collect();
    variables.sort_unstable();
    let variables = variables.into_iter().flat_map(|(name, value)| [name, value]);
    StoreKey::new(config.id(), [authority.as_str(), config.client_id.as_str(), key].into_iter().chain(variables))
}

/// A template's own text.
fn written(template: &Template) -> String {
    let text = |part: &Part| match part {
        Part::Literal(text) => text.to_string(),
        Part::Value(_) => "{}".to_owned(),
    };
    template.parts.iter().map(text).collect()
}
