//! When sessions renew their token, and when they leave the provider alone. Time is tokio's, paused: waiting takes none.

mod passing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_engine::store::MemoryStore;
use grantry_engine::{
    Client, Descriptor, Error, ErrorKind, HttpRequest, HttpResponse, Lost, NoVariables, ServiceAccount, Session, SigningKey,
    Token, Transport,
};
use grantry_tests::driver::Counter;
use grantry_tests::script::WallClock;
use grantry_tests::{NOW, keys};
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// How long the provider takes for an answer.
const LATENCY: Duration = Duration::from_millis(200);

const ACME: &str = "
name: Acme
documentation: https://docs.acme.example/
variables:
  region: { description: where the account lives, from: userinfo.region, optional: true, pattern: \"[a-z]+\" }
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
  userinfo_endpoint: https://acme.example/userinfo
client_authentication: { method: client_secret_post }
grant_types_supported: [authorization_code, refresh_token, client_credentials]
requests:
  base_url: https://api.acme.example/
  headers: { x-region: \"{region}\" }
userinfo:
  claims: { sub: sub, name: region }
service_accounts:
  robot:
    grant_type: null
    assertion:
      alg: ES256
      lifetime: 600
      claims: { iss: \"{client_id}\" }
";

type Answer = Result<HttpResponse, Lost>;

/// A provider in this process. It notes when it was asked for a token.
struct Provider {
    client: Client,
    clock: WallClock,
    calls: Arc<Mutex<Vec<Duration>>>,
    latency: Arc<Mutex<Duration>>,
}

impl Provider {
    /// Answers token requests by their number, the first being 1, and the time; its API takes every token.
    fn start(answer: impl Fn(usize, Duration) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(answer, |_| 200)
    }

    /// The same with an API that answers requests for slow things by their token, and takes its time for it.
    fn start_with(
        answer: impl Fn(usize, Duration) -> Answer + Send + Sync + 'static,
        slow: impl Fn(&str) -> u16 + Send + Sync + 'static,
    ) -> Self {
        let (began, calls) = (Instant::now(), Arc::<Mutex<Vec<Duration>>>::default());
        let (log, answer, slow) = (Arc::clone(&calls), Arc::new(answer), Arc::new(slow));
        let latency = Arc::new(Mutex::new(LATENCY));
        let current_latency = Arc::clone(&latency);
        let transport = Transport::builder().danger_in_process(move |request: HttpRequest| {
            let latency = *current_latency.lock().unwrap();
            let (log, answer, slow) = (Arc::clone(&log), Arc::clone(&answer), Arc::clone(&slow));
            async move {
                if request.url.path() == "/slow" {
                    sleep(LATENCY).await;
                    return Ok(sent(slow(request.headers[AUTHORIZATION].to_str().unwrap()), "[]"));
                }
                if request.url.path() != "/token" {
                    return Ok(sent(200, r#"{"sub":"1","region":"eu"}"#));
                }
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(began.elapsed());
                    log.len()
                };
                sleep(latency).await;
                answer(number, began.elapsed())
            }
        });
        let descriptor = Descriptor::from_yaml(ACME, "acme.yaml").unwrap();
        let clock = WallClock::default();
        let client = Client::from_descriptor(descriptor, NoVariables, "client", "secret").unwrap();
        let client = client.transport(transport.build()).clock(clock.clone());
        Self { client: client.danger_entropy(Counter::default()), clock, calls, latency }
    }

    /// From now on it takes so long for a token.
    fn slow_down(&self, latency: Duration) {
        *self.latency.lock().unwrap() = latency;
    }

    /// When it was asked for a token, in whole seconds from the start.
    fn calls(&self) -> Vec<u64> {
        self.calls.lock().unwrap().iter().map(Duration::as_secs).collect()
    }
}

/// A token with a refresh token that expires so many seconds after [`NOW`].
fn expiring(seconds: i64) -> Token {
    let mut token = Token::new("old");
    token.refresh_token = Some("rt".into());
    token.expires_at = Some(NOW.saturating_add_signed(seconds));
    token
}

fn sent(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.to_owned().into())
}

/// A token for an hour.
fn granted(number: usize) -> Answer {
    Ok(sent(200, &json!({ "access_token": format!("at-{number}"), "expires_in": 3600 }).to_string()))
}

/// The refresh token is used up.
fn gone() -> Answer {
    Ok(sent(400, r#"{"error":"invalid_grant"}"#))
}

/// HTTP 503 with `Retry-After`.
fn busy(seconds: u64) -> Answer {
    let mut answer = sent(503, "busy");
    answer.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    Ok(answer)
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_makes_no_pause_longer() {
    let provider = Provider::start(|number, _| if number == 1 { busy(30) } else { granted(number) });
    let session = provider.client.session(expiring(-100_000));
    let error = session.token().await.unwrap_err();
    assert_eq!((error.is_retryable(), error.retry_after()), (true, Some(30)));
    provider.clock.put(-3600);
    sleep(Duration::from_secs(29)).await;
    session.token().await.unwrap_err();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(session.token().await.unwrap().access_token.expose(), "at-2");
    assert_eq!(provider.calls(), [0, 30]);
}

/// Asks for the token every second until it is there; when that was, from the start.
async fn insist(session: Session, began: Instant) -> Duration {
    loop {
        match session.token().await {
            Ok(_) => return began.elapsed(),
            Err(error) => assert!(error.is_retryable() && began.elapsed() < Duration::from_secs(3600), "{error}"),
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Many sessions, whose applications insist from one moment after the other on.
async fn storm(provider: &Provider, sessions: u64, apart: Duration) -> Vec<Duration> {
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..sessions {
        let session = provider.client.session(expiring(-1));
        callers.spawn(async move {
            sleep(apart * u32::try_from(number).unwrap()).await;
            insist(session, began).await
        });
    }
    callers.join_all().await
}

/// Most calls in one second from some second on.
fn most_in_a_second(calls: &[u64], from: u64) -> usize {
    (from..from + 60).map(|second| calls.iter().filter(|call| **call == second).count()).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_ask_a_busy_provider_once_for_each_of_its_pauses() {
    let outage = Duration::from_secs(120);
    let provider = Provider::start(move |number, now| if now < outage { busy(30) } else { granted(number) });
    let ends = storm(&provider, 1000, Duration::from_millis(10)).await;
    let calls = provider.calls();
    // Twenty are under way before the first is refused.
    assert_eq!(calls.iter().filter(|call| **call == 0).count(), 20);
    let probes: Vec<u64> = calls.iter().copied().filter(|call| (1..=120).contains(call)).collect();
    assert_eq!(probes, [30, 60, 90, 120]);
    // The last of these is answered. The others follow, each once and not all at the same time.
    assert_eq!(calls.len(), 20 + 3 + 1000);
    assert!(most_in_a_second(&calls, 121) < 200, "{calls:?}");
    assert!(ends.iter().all(|end| *end < Duration::from_secs(140)), "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_together_are_one_refusal() {
    let outage = Duration::from_secs(120);
    for says in [true, false] {
        let provider = Provider::start(move |number, now| match (now < outage, says) {
            (true, true) => busy(30),
            (true, false) => Ok(sent(429, "")),
            (false, _) => granted(number),
        });
        storm(&provider, 1000, Duration::ZERO).await;
        let calls = provider.calls();
        let within = calls.iter().filter(|call| **call < 120).count();
        // A thousand at once, then one for each pause: of half a minute, or of times that double until they are as long.
        assert!((if says { 1003..=1003 } else { 1008..=1012 }).contains(&within), "{within}");
        assert!(most_in_a_second(&calls, 120) < 600, "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_alone_is_tried_again_at_once_and_then_less_and_less() {
    let provider = Provider::start(|number, _| if number <= 2 { Ok(sent(429, "")) } else { granted(number) });
    let end = storm(&provider, 1, Duration::ZERO).await;
    assert_eq!(provider.calls.lock().unwrap().len(), 3);
    assert!(end[0] < Duration::from_secs(3), "{end:?}");
    let provider =
        Provider::start(|number, now| if now < Duration::from_secs(600) { Ok(sent(503, "")) } else { granted(number) });
    storm(&provider, 1, Duration::ZERO).await;
    let calls = provider.calls();
    assert!(calls.len() < 30, "{calls:?}");
    assert!(calls.windows(2).skip(9).all(|pair| pair[1] - pair[0] >= 29), "{calls:?}");
}

/// A provider that is busy for half a minute, and a session that has been told so.
async fn told(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> (Provider, Session) {
    let provider = Provider::start(move |number, _| if number == 1 { busy(30) } else { answer(number) });
    let session = provider.client.session(expiring(-1));
    session.token().await.unwrap_err();
    assert_eq!(provider.calls(), [0]);
    (provider, session)
}

/// An error that says when to come back.
fn assert_turned_away(error: &Error, seconds: std::ops::RangeInclusive<u64>) {
    let is_typed = error.kind() == ErrorKind::Refused && error.status() == Some(503) && error.is_retryable();
    assert!(is_typed && !error.needs_login(), "{error}");
    assert!(error.retry_after().is_some_and(|left| seconds.contains(&left)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn another_session_of_the_client_hears_when_to_come_back() {
    let (provider, _) = told(granted).await;
    let other = provider.client.session(expiring(-1));
    sleep(Duration::from_secs(10)).await;
    assert_turned_away(&other.token().await.unwrap_err(), 20..=30);
    assert_turned_away(&other.get("items").await.unwrap_err(), 20..=30);
    // Another client's sessions are not concerned.
    let stranger = provider.client.clone().refresh_leeway(Duration::from_secs(1)).session(expiring(-1));
    assert_eq!(stranger.token().await.unwrap().access_token.expose(), "at-2");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(other.token().await.unwrap().access_token.expose(), "at-3");
    assert_eq!(provider.calls(), [0, 10, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_used_while_the_provider_is_busy() {
    let (provider, _) = told(granted).await;
    let due = provider.client.session(expiring(30));
    assert_eq!(due.token().await.unwrap().access_token.expose(), "old");
    due.get("items").await.unwrap();
    assert_eq!(provider.calls(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_the_application_asks_for_is_sent_though_the_provider_is_busy() {
    let (provider, _) = told(|number| match number {
        2 => busy(60),
        3 => busy(6),
        _ => granted(number),
    })
    .await;
    let asked = provider.client.session(expiring(-1));
    for seconds in [60, 6] {
        assert_eq!(asked.refresh().await.unwrap_err().retry_after(), Some(seconds));
    }
    assert_eq!(asked.refresh().await.unwrap().access_token.expose(), "at-4");
    // The longest pause counts. One answer to a request that did not wait says nothing of what the provider does with a thousand.
    let other = provider.client.session(expiring(-1));
    assert_turned_away(&other.token().await.unwrap_err(), 60..=70);
    assert_eq!(provider.calls(), [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn one_goes_to_see_and_the_others_wait_for_it() {
    let (provider, first) = told(granted).await;
    let others = [0; 20].map(|_| provider.client.session(expiring(-1)));
    sleep(Duration::from_secs(30)).await;
    let mut callers: JoinSet<_> = others.iter().cloned().map(|other| async move { other.token().await }).collect();
    callers.spawn(async move { first.token().await });
    let ends = callers.join_all().await;
    let errors: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    assert_eq!((ends.len(), errors.len()), (21, 20));
    errors.iter().for_each(|error| assert_turned_away(error, 1..=15));
    assert_eq!(provider.calls(), [0, 30]);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_to_see_and_does_not_come_back_is_followed() {
    let (provider, first) = told(|number| if number < 4 { Err(Lost::Answer) } else { granted(number) }).await;
    sleep(Duration::from_secs(30)).await;
    // Lost, and repeated once: the refresh token may have been used.
    assert_eq!(first.token().await.unwrap_err().kind(), ErrorKind::Network);
    let other = provider.client.session(expiring(-1));
    assert_turned_away(&other.token().await.unwrap_err(), 1..=15);
    sleep(Duration::from_secs(15)).await;
    assert_eq!(other.token().await.unwrap().access_token.expose(), "at-4");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_kept_takes_what_another_process_has_stored() {
    let provider = Provider::start(|number, _| if number == 1 { busy(30) } else { granted(number) });
    let store = Arc::new(MemoryStore::new());
    let [here, elsewhere] = [0; 2].map(|_| provider.client.clone().shared_token_store(Arc::clone(&store) as _));
    for key in ["one", "two"] {
        here.session(expiring(-1)).keep(key).await.unwrap();
    }
    let [one, two] = ["one", "two"].map(|key| here.session_for(key));
    let [one, two] = [one.await.unwrap().unwrap(), two.await.unwrap().unwrap()];
    assert_eq!(one.token().await.unwrap_err().retry_after(), Some(30));
    elsewhere.session_for("two").await.unwrap().unwrap().token().await.unwrap();
    assert_eq!(two.token().await.unwrap().access_token.expose(), "at-2");
    elsewhere.session_for("one").await.unwrap().unwrap().token().await.unwrap();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(one.token().await.unwrap().access_token.expose(), "at-3");
    assert_eq!(provider.calls.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_kept_is_turned_away_and_loses_nothing() {
    let provider = Provider::start(|number, _| if number == 1 { busy(30) } else { granted(number) });
    let client = provider.client.clone().token_store(MemoryStore::new());
    client.session(expiring(-1)).token().await.unwrap_err();
    client.session(expiring(-1)).keep("user-1").await.unwrap();
    let kept = client.session_for("user-1").await.unwrap().unwrap();
    assert_turned_away(&kept.token().await.unwrap_err(), 30..=40);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(kept.token().await.unwrap().access_token.expose(), "at-2");
    // Nothing had been begun that somebody would have waited for.
    assert_eq!(provider.calls(), [0, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_session_signs_itself_needs_no_provider() {
    let (provider, _) = told(granted).await;
    let key = SigningKey::from_pem(keys::private_key_pem("es256").unwrap()).unwrap().key_id("1");
    let robot = ServiceAccount::of(provider.client.clone(), "robot").unwrap().key(key).session().unwrap();
    robot.get("items").await.unwrap();
    assert_eq!(provider.calls(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_learned_about_the_user_makes_no_lost_answer_forgotten() {
    let provider = Provider::start(move |number, _| if number <= 2 { Err(Lost::Answer) } else { gone() });
    let session = provider.client.session(expiring(30));
    assert_eq!(session.token().await.unwrap().access_token.expose(), "old");
    session.profile().await.unwrap();
    // The pause goes on.
    session.token().await.unwrap();
    assert_eq!(provider.calls.lock().unwrap().len(), 2);
    assert_eq!(session.refresh().await.unwrap_err().kind(), ErrorKind::RefreshOutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn what_is_learned_during_a_request_makes_its_token_no_newer_one() {
    let provider = Provider::start_with(|number, _| granted(number), |token| if token == "Bearer old" { 401 } else { 200 });
    let session = provider.client.session(expiring(3600));
    let (items, profile) = tokio::join!(session.get("slow"), session.profile());
    assert_eq!(items.unwrap().status(), StatusCode::OK);
    assert_eq!(profile.unwrap().sub(), "1");
    assert_eq!(provider.calls(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_session_tells_the_time_that_is_left() {
    let (provider, session) = told(granted).await;
    for left in [30, 29, 28] {
        assert_eq!(session.token().await.unwrap_err().retry_after(), Some(left));
        sleep(Duration::from_secs(1)).await;
    }
    // Also where the provider said nothing.
    let down = Provider::start(|_, _| Err(Lost::Request));
    let session = down.client.session(expiring(-1));
    assert_eq!(session.token().await.unwrap_err().retry_after(), None);
    assert_eq!(session.token().await.unwrap_err().retry_after(), Some(1));
    assert_eq!(provider.calls(), [0]);
}

/// `Retry-After: 0` is no leave to ask with every request.
#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_is_not_asked_with_every_call() {
    let provider = Provider::start(|_, _| {
        let mut answer = sent(500, "");
        answer.headers.insert(RETRY_AFTER, HeaderValue::from(0));
        Ok(answer)
    });
    let session = provider.client.session(expiring(-1));
    for _ in 0..20 {
        session.token().await.unwrap_err();
    }
    // Once, and once more since the answer may have been lost.
    assert_eq!(provider.calls().len(), 2);
}

/// Its grant can be run again.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_of_the_clients_own_is_not_needed() {
    let provider = Provider::start(|number, _| match number {
        1 => Ok(sent(200, r#"{"access_token":"at-1","expires_in":3600,"refresh_token":"rt"}"#)),
        2 => gone(),
        _ => granted(number),
    });
    let session = provider.client.client_credentials().await.unwrap();
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(session.token().await.unwrap().access_token.expose(), "at-3");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_renewal_that_was_only_just_begun() {
    let provider = Provider::start(|number, _| granted(number));
    let client = provider.client.clone().refresh_ahead(Duration::from_secs(600));
    let session = client.session(expiring(120));
    assert_eq!(session.token().await.unwrap().access_token.expose(), "old");
    // Nothing else has had its turn since.
    session.close().await;
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at-1");
    assert_eq!(provider.calls(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_that_failed_is_not_begun_again_with_each_request() {
    let provider = Provider::start(|_, _| gone());
    let session = provider.client.clone().refresh_ahead(Duration::from_secs(600)).session(expiring(120));
    for _ in 0..20 {
        session.get("items").await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(provider.calls(), [0]);
}

/// A session whose token came just now, for an hour.
async fn fresh(provider: &Provider) -> Session {
    let session = provider.client.session(expiring(-1));
    assert_eq!(session.token().await.unwrap().access_token.expose(), "at-1");
    session
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_makes_no_token_live_longer() {
    for learns in [false, true] {
        let provider = Provider::start(|number, _| granted(number));
        let session = fresh(&provider).await;
        provider.clock.put(-3600);
        if learns {
            session.profile().await.unwrap();
        }
        sleep(Duration::from_secs(3530)).await;
        assert_eq!(session.token().await.unwrap().access_token.expose(), "at-1");
        assert!(session.authorization().is_some());
        sleep(Duration::from_secs(20)).await;
        assert!(session.authorization().is_none());
        assert_eq!(session.token().await.unwrap().access_token.expose(), "at-2");
        assert!(session.authorization().is_some());
        assert_eq!(provider.calls(), [0, 3550]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_has_caught_up_is_late_all_the_same() {
    let provider = Provider::start(|number, _| granted(number));
    let session = fresh(&provider).await;
    provider.clock.put(-600);
    for _ in 0..36 {
        sleep(Duration::from_secs(100)).await;
        session.token().await.unwrap();
    }
    assert_eq!(provider.calls(), [0, 3600]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_makes_no_stored_token_live_longer() {
    let provider = Provider::start(|number, _| granted(number));
    let session = provider.client.session(expiring(600));
    provider.clock.put(-3600);
    sleep(Duration::from_secs(601)).await;
    assert_eq!(session.token().await.unwrap().access_token.expose(), "at-1");
    // Nor one that is renewed ahead.
    let session = provider.client.clone().refresh_ahead(Duration::from_secs(1200)).session(expiring(-3600 + 601 + 3600));
    provider.clock.put(-3600);
    sleep(Duration::from_secs(3000)).await;
    assert_eq!(session.token().await.unwrap().access_token.expose(), "old");
    session.close().await;
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_forward_costs_one_renewal() {
    let provider = Provider::start(|number, _| granted(number));
    let session = fresh(&provider).await;
    provider.clock.put(7200);
    for _ in 0..10 {
        session.get("items").await.unwrap();
        sleep(Duration::from_secs(10)).await;
    }
    // And none when it is put right.
    provider.clock.put(-7200);
    sleep(Duration::from_secs(3400)).await;
    session.get("items").await.unwrap();
    assert_eq!(provider.calls(), [0, 0]);
    sleep(Duration::from_secs(100)).await;
    session.get("items").await.unwrap();
    assert_eq!(provider.calls(), [0, 0, 3600]);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_has_no_fresh_token() {
    // The clock that nobody sets stands still meanwhile.
    let provider = Provider::start(|number, _| granted(number));
    let session = fresh(&provider).await;
    provider.clock.put(3601);
    assert_eq!(session.token().await.unwrap().access_token.expose(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_while_nobody_looks_makes_no_token_live_longer() {
    let provider = Provider::start(|number, _| granted(number));
    let session = fresh(&provider).await;
    session.token().await.unwrap();
    provider.clock.put(-3600);
    sleep(Duration::from_secs(3601)).await;
    assert!(session.authorization().is_none());
    assert_eq!(session.token().await.unwrap().access_token.expose(), "at-2");
}
