//! The provider's key set: fetched on first use, again each hour, and when a token names a key that is not in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use grantry_descriptor::model::Endpoint;
use http::Method;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use crate::clock;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::http::{HttpRequest, HttpResponse};
use crate::jose::KeySet;
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
    cached: ArcSwapOption<Cached>,
    /// Held by the one who fetches, and by nobody who only looks; the last fetch, where it failed.
    fetching: Arc<Mutex<Option<Failed>>>,
}

struct Failed {
    url: Url,
    error: Error,
    at: Instant,
}

/// Changed by the one who fetches only.
#[derive(Clone)]
struct Cached {
    url: Url,
    keys: Arc<KeySet>,
    fetched_at: u64,
    /// When the provider was last asked, with or without success.
    asked_at: u64,
}

impl Cached {
    /// Whether what is needed is not in it: it is still the set that is `known` not to have it.
    fn is_lacking(&self, known: Option<&Arc<KeySet>>) -> bool {
        known.is_some_and(|known| Arc::ptr_eq(known, &self.keys))
    }

    /// Whether it is old, and may be fetched again.
    fn is_due(&self, now: u64) -> bool {
        clock::since(self.fetched_at, now) >= LIFETIME && self.may_ask(now)
    }

    fn may_ask(&self, now: u64) -> bool {
        clock::since(self.asked_at, now) >= MIN_INTERVAL
    }
}

impl Keys {
    /// Keys that never change; nothing is fetched.
    pub(crate) fn given(keys: KeySet) -> Self {
        Self { given: Some(Arc::new(keys)), ..Self::default() }
    }

    /// The key set; fetched anew where it is old, or `known` does not have what is needed, and some time has passed. While one fetches,
    /// those for whom the old set will do go on with it, and the others wait.
    pub(crate) async fn get(&self, values: &Values<'_>, known: Option<&Arc<KeySet>>) -> Result<Arc<KeySet>> {
        if let Some(keys) = &self.given {
            return Ok(Arc::clone(keys));
        }
        let url = values.endpoint(Endpoint::JwksUri)?;
        let now = values.config.clock.now();
        let sufficient = self.current(&url, now).filter(|cached| !cached.is_lacking(known));
        if let Some(cached) = sufficient.as_ref().filter(|cached| !cached.is_due(now)) {
            return Ok(Arc::clone(&cached.keys));
        }
        let failed = match (sufficient, Arc::clone(&self.fetching).try_lock_owned()) {
            (_, Ok(failed)) => failed,
            (Some(cached), Err(_)) => return Ok(Arc::clone(&cached.keys)),
            (None, Err(_)) => Arc::clone(&self.fetching).lock_owned().await,
        };
        // Whoever fetched meanwhile may have brought what is needed.
        match self.current(&url, now) {
            Some(cached) if cached.is_lacking(known) && cached.may_ask(now) => self.anew(values, &cached, now, failed).await,
            // The same one where the provider was asked lately, unless that has just failed.
            Some(cached) if cached.is_lacking(known) => {
                recent(&failed, values, &url).map_or_else(|| Ok(Arc::clone(&cached.keys)), Err)
            }
            Some(cached) if cached.is_due(now) => match self.anew(values, &cached, now, failed).await {
                Ok(keys) => Ok(keys),
                Err(error) => {
                    tracing::warn!(target: "grantry::drift", %error, "the provider's keys cannot be read again; the old ones stay in use");
                    Ok(Arc::clone(&cached.keys))
                }
            },
            Some(cached) => Ok(Arc::clone(&cached.keys)),
            None => match recent(&failed, values, &url) {
                Some(error) => Err(error),
                None => fetch(values, url, now, failed).await,
            },
        }
    }

    /// Fetches the key set again.
    async fn anew(&self, values: &Values<'_>, cached: &Cached, now: u64, failed: Fetching) -> Result<Arc<KeySet>> {
        self.put(Cached { asked_at: now, ..cached.clone() });
        fetch(values, cached.url.clone(), now, failed).await
    }

    /// What is cached, if it is of this address and may still be used.
    fn current(&self, url: &Url, now: u64) -> Option<Arc<Cached>> {
        self.cached.load_full().filter(|cached| cached.url == *url && clock::since(cached.fetched_at, now) <= MAX_AGE)
    }

    fn put(&self, cached: Cached) {
        self.cached.store(Some(Arc::new(cached)));
    }
}

/// Held while one fetches.
type Fetching = OwnedMutexGuard<Option<Failed>>;

/// Fetches a key set; where that fails, those who waited are told so too. It goes on without its caller: whoever shows made-up keys and
/// goes away keeps nobody from the new ones.
async fn fetch(values: &Values<'_>, url: Url, now: u64, mut failed: Fetching) -> Result<Arc<KeySet>> {
    let (keys, clock) = (Arc::clone(&values.config.keys), Arc::clone(&values.config.clock));
    let asking = ask(values.config.transport.send(HttpRequest::new(Method::GET, url.clone())));
    let fetching = tokio::spawn(async move {
        let fetched = asking.await.map(Arc::new).map_err(|error| error.in_phase(Phase::Jwks));
        match &fetched {
            Ok(fetched) => {
                *failed = None;
                keys.put(Cached { url, keys: Arc::clone(fetched), fetched_at: now, asked_at: now });
            }
            Err(error) => *failed = Some(Failed { url, error: error.clone(), at: clock.monotonic() }),
        }
        fetched
    });
    fetching
        .await
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Network, "the fetch of the keys was stopped").in_phase(Phase::Jwks)))
}

/// The failure of a moment ago.
fn recent(failed: &Option<Failed>, values: &Values<'_>, url: &Url) -> Option<Error> {
    let now = values.config.clock.monotonic();
    let failed = failed.as_ref().filter(|failed| failed.url == *url && now.saturating_duration_since(failed.at) < PAUSE)?;
    Some(failed.error.clone())
}

async fn ask(sent: impl Future<Output = Result<HttpResponse>>) -> Result<KeySet> {
    let response = sent.await?;
    if !response.status.is_success() {
        return Err(Error::new(ErrorKind::Refused, "the provider refused")
            .with_status(response.status.as_u16())
            .with_retry_after(retry_after(&response.headers))
            .with_excerpt(excerpt(&response.body, &[])));
    }
    KeySet::parse(&response.body).map_err(|error| Error::invalid(format!("the provider's key set cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};
    use std::pin::{Pin, pin};
    use std::sync::Mutex as Lock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http::{HeaderMap, StatusCode};
    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::*;
    use crate::Transport;
    use crate::client::Client;
    use crate::clock::Clock;
    use crate::provider::Dynamic;

    const ACME: &str = "
name: Acme
documentation: https://acme.example/docs
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
  jwks_uri: https://acme.example/jwks
client_authentication:
  method: client_secret_post
";

    /// A clock that is set.
    #[derive(Clone, Default)]
    struct Set(Arc<AtomicU64>);

    impl Clock for Set {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// A provider that answers when the test says so, and with which status; a client of it.
    struct Provider {
        client: Client<Dynamic>,
        time: Set,
        asked: Arc<Lock<VecDeque<oneshot::Sender<u16>>>>,
    }

    impl Provider {
        fn new() -> Self {
            let (time, asked) = (Set::default(), Arc::new(Lock::new(VecDeque::new())));
            let waiting = Arc::clone(&asked);
            let answer = move |_| {
                let (sender, status) = oneshot::channel();
                waiting.lock().unwrap().push_back(sender);
                async move {
                    let status = StatusCode::from_u16(status.await.unwrap()).unwrap();
                    Ok(HttpResponse::new(status, HeaderMap::new(), Bytes::from_static(b"{\"keys\":[]}")))
                }
            };
            let descriptor = grantry_descriptor::Descriptor::from_yaml(ACME, "acme.yaml").unwrap();
            let client = Client::from_descriptor(descriptor, BTreeMap::new(), "me", "secret").unwrap();
            let client = client.clock(time.clone()).transport(Transport::builder().danger_in_process(answer).build());
            Self { client, time, asked }
        }

        fn pass(&self, seconds: u64) {
            self.time.0.fetch_add(seconds, Ordering::Relaxed);
        }

        /// Answers the one request that waits for it.
        async fn answer(&self, status: u16) {
            yield_now().await;
            let mut asked = self.asked.lock().unwrap();
            assert_eq!(asked.len(), 1);
            asked.pop_front().unwrap().send(status).unwrap();
        }

        async fn get(&self, known: Option<&Arc<KeySet>>) -> Result<Arc<KeySet>> {
            self.client.config().keys.get(&Values::new(self.client.config()), known).await
        }

        /// What comes without waiting.
        fn at_once(&self, known: Option<&Arc<KeySet>>) -> Option<Result<Arc<KeySet>>> {
            self.get(known).now_or_never()
        }

        /// The first key set.
        async fn first(&self) -> Arc<KeySet> {
            let mut first = pin!(self.get(None));
            assert!(waits(&mut first));
            self.answer(200).await;
            first.await.unwrap()
        }
    }

    /// Goes on with something: whether it is not at its end.
    fn waits<F: Future>(what: &mut Pin<&mut F>) -> bool {
        what.as_mut().now_or_never().is_none()
    }

    fn is_same(result: Option<Result<Arc<KeySet>>>, keys: &Arc<KeySet>) -> bool {
        result.is_some_and(|found| Arc::ptr_eq(&found.unwrap(), keys))
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_fetches_anew_the_others_go_on_with_what_is_there() {
        let provider = Provider::new();
        let old = provider.first().await;
        provider.pass(LIFETIME);
        let mut fetching = pin!(provider.get(None));
        assert!(waits(&mut fetching));
        provider.pass(MIN_INTERVAL);
        assert!(is_same(provider.at_once(None), &old), "it waits for keys that it has");
        // The old set does not have the key of this one.
        let mut lacking = pin!(provider.get(Some(&old)));
        assert!(waits(&mut lacking));
        provider.answer(200).await;
        let new = fetching.await.unwrap();
        assert!(!Arc::ptr_eq(&new, &old));
        assert!(Arc::ptr_eq(&lacking.await.unwrap(), &new), "it was fetched twice");
        assert!(is_same(provider.at_once(None), &new) && is_same(provider.at_once(Some(&old)), &new));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_for_a_key_hear_why_it_does_not_come() {
        let provider = Provider::new();
        let old = provider.first().await;
        provider.pass(LIFETIME);
        let mut fetching = pin!(provider.get(None));
        assert!(waits(&mut fetching));
        let mut lacking = pin!(provider.get(Some(&old)));
        assert!(waits(&mut lacking));
        provider.answer(503).await;
        assert!(Arc::ptr_eq(&fetching.await.unwrap(), &old));
        let error = lacking.await.err().unwrap();
        assert_eq!((error.status(), error.phase()), (Some(503), Some(Phase::Jwks)));
        // Later the set that is there is what there is, until the provider may be asked again.
        tokio::time::advance(PAUSE).await;
        assert!(is_same(provider.at_once(Some(&old)), &old));
        provider.pass(MIN_INTERVAL);
        assert!(provider.at_once(Some(&old)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn of_those_who_have_no_keys_one_fetches_them() {
        let provider = Provider::new();
        let (mut one, mut another) = (pin!(provider.get(None)), pin!(provider.get(None)));
        assert!(waits(&mut one) && waits(&mut another));
        provider.answer(503).await;
        assert_eq!(one.await.err().unwrap().status(), Some(503));
        assert_eq!(another.await.err().unwrap().status(), Some(503));
        tokio::time::advance(PAUSE).await;
        let keys = provider.first().await;
        assert!(is_same(provider.at_once(None), &keys));
        // Made-up key ids cause no storm.
        assert!(is_same(provider.at_once(Some(&keys)), &keys));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_leaves_the_keys_behind() {
        let provider = Provider::new();
        let old = provider.first().await;
        provider.pass(MIN_INTERVAL);
        assert!(provider.at_once(Some(&old)).is_none());
        let mut lacking = pin!(provider.get(Some(&old)));
        assert!(waits(&mut lacking));
        provider.answer(200).await;
        assert!(!Arc::ptr_eq(&lacking.await.unwrap(), &old));
    }
}
