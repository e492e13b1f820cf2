//! The provider's key set: fetched on first use, again when a token names a key that is not in it.

use std::sync::Arc;

use grantry_descriptor::model::Endpoint;
use http::Method;
use tokio::sync::Mutex;
use url::Url;

use crate::clock;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::http::HttpRequest;
use crate::jose::KeySet;
use crate::phase::request;
use crate::phase::response::excerpt;
use crate::phase::template::Values;

/// Least time between two fetches, in seconds: tokens with made-up key ids cause no storm.
const MIN_INTERVAL: u64 = 30;

/// A client's cache of key sets.
#[derive(Default)]
pub(crate) struct Keys {
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    url: Url,
    keys: Arc<KeySet>,
    fetched_at: u64,
}

impl Keys {
    /// The key set; fetched anew where `known` does not have what is needed and some time has passed.
    pub(crate) async fn get(&self, values: &Values<'_>, known: Option<&Arc<KeySet>>) -> Result<Arc<KeySet>> {
        let url = values.endpoint(Endpoint::JwksUri)?;
        let now = values.config.clock.now();
        let mut cached = self.cached.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.url == url) {
            let is_newer = known.is_none_or(|known| !Arc::ptr_eq(known, &cached.keys));
            if is_newer || clock::since(cached.fetched_at, now) < MIN_INTERVAL {
                return Ok(Arc::clone(&cached.keys));
            }
        }
        let keys = Arc::new(fetch(values, url.clone()).await.map_err(|error| error.in_phase(Phase::Jwks))?);
        *cached = Some(Cached { url, keys: Arc::clone(&keys), fetched_at: now });
        Ok(keys)
    }
}

async fn fetch(values: &Values<'_>, url: Url) -> Result<KeySet> {
    let mut request = HttpRequest::new(Method::GET, url);
    request::defaults(&mut request.headers, values)?;
    let response = values.config.transport.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::new(ErrorKind::Refused, "the provider refused")
            .with_status(response.status.as_u16())
            .with_excerpt(excerpt(&response.body, &[])));
    }
    KeySet::parse(&response.body).map_err(|error| Error::invalid(format!("the provider's key set cannot be used: {error}")))
}
