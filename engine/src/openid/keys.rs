//! The provider's key set: fetched on first use, again each hour, and when a token names a key that is not in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use grantry_descriptor::model::Endpoint;
use http::Method;
use tokio::sync::Mutex;
use url::Url;

use crate::clock;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::http::HttpRequest;
use crate::jose::KeySet;
use crate::phase::request;
use crate::phase::response::{excerpt, retry_after};
use crate::phase::template::Values;

/// Least time between two fetches, in seconds: tokens with made-up key ids cause no storm.
const MIN_INTERVAL: u64 = 30;

/// How long a failure is not tried again where there is no key set: those who waited for it need not wait one after another.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a key set is taken as current, in seconds: one hour.
const LIFETIME: u64 = 60 * 60;

/// How long a key set stays in use while the provider does not give another, in seconds: one day.
const MAX_AGE: u64 = 24 * LIFETIME;

/// A client's key sets: those that the application gave, or a cache of the provider's.
#[derive(Default)]
pub(crate) struct Keys {
    given: Option<Arc<KeySet>>,
    fetched: Mutex<Fetched>,
}

#[derive(Default)]
struct Fetched {
    cached: Option<Cached>,
    failed: Option<Failed>,
}

struct Failed {
    url: Url,
    error: Error,
    at: Instant,
}

struct Cached {
    url: Url,
    keys: Arc<KeySet>,
    fetched_at: u64,
    /// When the provider was last asked, with or without success.
    asked_at: u64,
}

impl Keys {
    /// Keys that never change; nothing is fetched.
    pub(crate) fn given(keys: KeySet) -> Self {
        Self { given: Some(Arc::new(keys)), fetched: Mutex::default() }
    }

    /// The key set; fetched anew where it is old, or `known` does not have what is needed, and some time has passed.
    pub(crate) async fn get(&self, values: &Values<'_>, known: Option<&Arc<KeySet>>) -> Result<Arc<KeySet>> {
        if let Some(keys) = &self.given {
            return Ok(Arc::clone(keys));
        }
        let url = values.endpoint(Endpoint::JwksUri)?;
        let now = values.config.clock.now();
        let mut fetched = self.fetched.lock().await;
        let Fetched { cached, failed } = &mut *fetched;
        let current = cached.as_mut().filter(|cached| cached.url == url && clock::since(cached.fetched_at, now) <= MAX_AGE);
        let Some(cached) = current else {
            let keys = fetch_unless_failed(values, &url, failed).await?;
            *cached = Some(Cached { url, keys: Arc::clone(&keys), fetched_at: now, asked_at: now });
            return Ok(keys);
        };
        let lacks_key = known.is_some_and(|known| Arc::ptr_eq(known, &cached.keys));
        let is_old = clock::since(cached.fetched_at, now) >= LIFETIME;
        if (lacks_key || is_old) && clock::since(cached.asked_at, now) >= MIN_INTERVAL {
            cached.asked_at = now;
            match fetch(values, &url).await {
                Ok(keys) => (cached.keys, cached.fetched_at) = (keys, now),
                Err(error) if lacks_key => return Err(error),
                Err(error) => {
                    tracing::warn!(target: "grantry::drift", %error, "the provider's keys cannot be read again; the old ones stay in use");
                }
            }
        }
        Ok(Arc::clone(&cached.keys))
    }
}

/// Fetches a key set where there is none, unless that has failed a moment ago.
async fn fetch_unless_failed(values: &Values<'_>, url: &Url, failed: &mut Option<Failed>) -> Result<Arc<KeySet>> {
    let clock = &values.config.clock;
    let since = |failed: &Failed| clock.monotonic().saturating_duration_since(failed.at);
    if let Some(failed) = failed.as_ref().filter(|failed| failed.url == *url && since(failed) < PAUSE) {
        return Err(failed.error.clone());
    }
    let keys = fetch(values, url).await;
    *failed = keys.as_ref().err().map(|error| Failed { url: url.clone(), error: error.clone(), at: clock.monotonic() });
    keys
}

/// Boxed, since it is rare: who verifies a token need not have its room.
fn fetch<'a>(values: &'a Values<'_>, url: &Url) -> BoxFuture<'a, Result<Arc<KeySet>>> {
    let asking = ask(values, url.clone());
    Box::pin(asking.map(|keys| keys.map(Arc::new).map_err(|error| error.in_phase(Phase::Jwks))))
}

async fn ask(values: &Values<'_>, url: Url) -> Result<KeySet> {
    let mut request = HttpRequest::new(Method::GET, url);
    request::defaults(&mut request.headers, values)?;
    let response = values.config.transport.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::new(ErrorKind::Refused, "the provider refused")
            .with_status(response.status.as_u16())
            .with_retry_after(retry_after(&response.headers))
            .with_excerpt(excerpt(&response.body, &[])));
    }
    KeySet::parse(&response.body).map_err(|error| Error::invalid(format!("the provider's key set cannot be used: {error}")))
}
