//! Refreshes whose answer was lost: what is sent again, when and by whom, as the provider's descriptor says.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_descriptor::Node;
use grantry_engine::store::MemoryStore;
use grantry_engine::{
    Client, Clock, Descriptor, Dynamic, Error, ErrorKind, HttpRequest, HttpResponse, Lost, Session, Token, Transport,
};
use grantry_tests::NOW;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

/// The application's key.
const KEY: &str = "user-1";

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Fate {
    /// The tokens of this generation are issued.
    Issued(u32),
    RequestLost,
    AnswerLost,
    /// No answer comes while the process lives.
    Hangs,
    Busy,
    Fails,
    InvalidGrant,
}

/// A provider with an answer for each request, and what it was asked: when, in milliseconds since the process started, and with which
/// refresh token.
struct Provider {
    fates: Mutex<VecDeque<Fate>>,
    asked: Mutex<Vec<(u128, String)>>,
}

impl Provider {
    fn new(fates: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        Arc::new(Self { fates: Mutex::new(fates.into_iter().collect()), asked: Mutex::default() })
    }

    async fn answer(&self, request: HttpRequest, started: Instant) -> Result<HttpResponse, Lost> {
        let form = String::from_utf8_lossy(request.body.as_bytes().unwrap()).into_owned();
        let refresh_token = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).unwrap().to_owned();
        self.asked.lock().unwrap().push((started.elapsed().as_millis(), refresh_token));
        let fate = self.fates.lock().unwrap().pop_front().expect("no more requests");
        let answer =
            |status: u16, body: String| HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.into());
        match fate {
            Fate::Issued(n) => Ok(answer(
                200,
                format!(r#"{{"access_token":"at-{n}","token_type":"bearer","expires_in":60,"refresh_token":"rt-{n}"}}"#),
            )),
            Fate::RequestLost => Err(Lost::Request),
            Fate::AnswerLost => Err(Lost::Answer),
            Fate::Hangs => std::future::pending().await,
            Fate::Busy => Ok(answer(503, "busy".to_owned())),
            Fate::Fails => Ok(answer(500, "<html>".to_owned())),
            Fate::InvalidGrant => Ok(answer(400, r#"{"error":"invalid_grant"}"#.to_owned())),
        }
    }

    /// The refresh tokens that were sent.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, token)| token.clone()).collect()
    }

    /// The seconds since the process started at which the last request came.
    fn last_asked_at(&self) -> u128 {
        self.asked.lock().unwrap().last().unwrap().0 / 1000
    }
}

/// Runs a process on a clock of its own, which moves only while everybody waits. At its end it dies, whatever is under way.
fn process<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// Starts at [`NOW`].
struct ProcessClock(Instant);

impl Clock for ProcessClock {
    fn now(&self) -> u64 {
        NOW + self.0.elapsed().as_secs()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A client in a process, of a descriptor with these cells.
fn client(provider: &Arc<Provider>, cells: &[(&str, Node)]) -> Client<Dynamic> {
    let descriptor = Descriptor::builder("acme")
        .authorization_endpoint("https://acme.example/authorize")
        .token_endpoint("https://acme.example/token")
        .client_authentication_method("client_secret_post");
    let descriptor = cells.iter().fold(descriptor, |descriptor, (path, value)| descriptor.set(path, value.clone()));
    let (provider, started) = (Arc::clone(provider), Instant::now());
    let transport = Transport::builder().danger_in_process(move |request| {
        let provider = Arc::clone(&provider);
        async move { provider.answer(request, started).await }
    });
    let client = Client::from_descriptor(descriptor.build().unwrap(), BTreeMap::new(), "dev", "secret").unwrap();
    client.transport(transport.build()).clock(ProcessClock(started))
}

/// The tokens of the first generation, expired.
fn expired() -> Token {
    let mut token = Token::new("at-1");
    token.refresh_token = Some("rt-1".into());
    token.expires_at = Some(NOW - 1);
    token
}

/// A session that is kept nowhere.
fn session(provider: &Arc<Provider>, cells: &[(&str, Node)]) -> Session {
    client(provider, cells).session(expired())
}

fn store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    process(async {
        let client = client(&Provider::new([]), &[]).shared_token_store(Arc::clone(&store) as _);
        client.session(expired()).keep(KEY).await.unwrap();
    });
    store
}

/// What a process gets from the session in the store.
async fn stored(provider: &Arc<Provider>, cells: &[(&str, Node)], store: &Arc<MemoryStore>) -> Result<Arc<Token>, Error> {
    let client = client(provider, cells).shared_token_store(Arc::clone(store) as _);
    client.session_for(KEY).await.unwrap().unwrap().token().await
}

/// A process that dies while the provider has its refresh request.
fn dies(provider: &Arc<Provider>, cells: &[(&str, Node)], store: &Arc<MemoryStore>) {
    let outcome = process(async { tokio::time::timeout(Duration::from_secs(1), stored(provider, cells, store)).await });
    assert!(outcome.is_err(), "the process lives");
}

/// What a process gets that begins so many seconds after its start, if it gets it before it dies.
fn later(seconds: u64, life: u64, provider: &Arc<Provider>, store: &Arc<MemoryStore>) -> Option<Result<Arc<Token>, Error>> {
    process(async {
        let client = client(provider, &grace()).shared_token_store(Arc::clone(store) as _);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let session = client.session_for(KEY).await.unwrap().unwrap();
        tokio::time::timeout(Duration::from_secs(life), session.token()).await.ok()
    })
}

fn access_token(token: &Token) -> &str {
    token.access_token.expose()
}

fn assert_outcome_is_unknown(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::RefreshOutcomeUnknown, "{error}");
    assert!(error.needs_login() && !error.is_retryable(), "{error}");
}

fn none() -> [(&'static str, Node); 1] {
    [("refresh.rotation", "none".into())]
}

fn safe() -> [(&'static str, Node); 1] {
    [("refresh.replay", "safe".into())]
}

fn never() -> [(&'static str, Node); 1] {
    [("refresh.replay", "never".into())]
}

fn grace() -> [(&'static str, Node); 1] {
    [("refresh.replay.grace", 30.into())]
}

#[test]
fn a_lost_answer_is_asked_for_again_at_once() {
    let provider = Provider::new([Fate::AnswerLost, Fate::Issued(2)]);
    let token = process(async { session(&provider, &[]).token().await.unwrap() });
    assert_eq!((access_token(&token), provider.asked()), ("at-2", vec!["rt-1".to_owned(); 2]));
    assert_eq!(provider.last_asked_at(), 0);
}

#[test]
fn a_second_lost_answer_is_left_to_the_next_call() {
    let provider = Provider::new([Fate::AnswerLost, Fate::AnswerLost, Fate::InvalidGrant]);
    process(async {
        let session = session(&provider, &[]);
        let error = session.token().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Network && error.is_retryable(), "{error}");
        assert_eq!(provider.asked().len(), 2);
        assert_outcome_is_unknown(&session.refresh().await.unwrap_err());
    });
}

#[test]
fn what_may_never_be_repeated_is_not() {
    for fate in [Fate::AnswerLost, Fate::Fails] {
        process(never_repeated(Provider::new([fate])));
    }
}

async fn never_repeated(provider: Arc<Provider>) {
    let session = session(&provider, &never());
    let error = session.token().await.unwrap_err();
    assert_outcome_is_unknown(&error);
    let hint = "the refresh token may be used up, and the provider does not take it again; the user has to sign in again";
    assert_eq!(error.hint(), Some(hint));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("refresh"), "{error}");
    // Nor where the application insists.
    let error = session.refresh().await.unwrap_err();
    assert_outcome_is_unknown(&error);
    assert_eq!(error.to_string(), format!("acme: refresh: the answer to an earlier refresh was lost; {hint}"));
    assert_eq!(provider.asked().len(), 1);
}

#[test]
fn what_was_not_taken_is_sent_again_even_where_nothing_may_be_repeated() {
    let provider = Provider::new([Fate::RequestLost, Fate::Busy, Fate::Issued(2)]);
    let token = process(async { session(&provider, &never()).token().await.unwrap() });
    assert_eq!((access_token(&token), provider.asked().len()), ("at-2", 3));
}

#[test]
fn no_other_process_repeats_what_may_never_be_repeated() {
    for fate in [Fate::AnswerLost, Fate::Hangs] {
        let (provider, store) = (Provider::new([fate]), store());
        match fate {
            Fate::Hangs => dies(&provider, &never(), &store),
            _ => assert_outcome_is_unknown(&process(stored(&provider, &never(), &store)).unwrap_err()),
        }
        process(async {
            assert_outcome_is_unknown(&stored(&provider, &never(), &store).await.unwrap_err());
            // The user signs in again.
            let mut token = Token::new("at-9");
            token.expires_at = Some(NOW + 3600);
            let client = client(&provider, &never()).shared_token_store(Arc::clone(&store) as _);
            client.session(token).keep(KEY).await.unwrap();
            assert_eq!(access_token(&stored(&provider, &never(), &store).await.unwrap()), "at-9");
        });
        assert_eq!(provider.asked().len(), 1);
    }
}

#[test]
fn within_the_grace_a_lost_answer_is_asked_for_as_often_as_any() {
    let provider = Provider::new([Fate::AnswerLost, Fate::AnswerLost, Fate::Issued(2)]);
    let token = process(async { session(&provider, &grace()).token().await.unwrap() });
    assert_eq!((access_token(&token), provider.asked().len()), ("at-2", 3));
}

#[test]
fn after_the_grace_nothing_is_sent_again() {
    let provider = Provider::new([Fate::AnswerLost; 4]);
    process(async {
        let started = Instant::now();
        let session = session(&provider, &grace());
        assert_eq!(session.refresh().await.unwrap_err().kind(), ErrorKind::Network);
        assert_eq!(provider.asked().len(), 3);
        // What counts is when it was sent first.
        tokio::time::sleep_until(started + Duration::from_millis(29_900)).await;
        assert_outcome_is_unknown(&session.refresh().await.unwrap_err());
        assert_eq!(provider.asked().len(), 4);
        assert_outcome_is_unknown(&session.refresh().await.unwrap_err());
    });
    assert_eq!(provider.asked().len(), 4);
}

#[test]
fn the_grace_holds_across_processes() {
    let (provider, store) = (Provider::new([Fate::Hangs, Fate::Issued(2)]), store());
    dies(&provider, &grace(), &store);
    assert_eq!(access_token(&process(stored(&provider, &grace(), &store)).unwrap()), "at-2");
    // As soon as the lease has run out.
    assert!((9..=12).contains(&provider.last_asked_at()), "{}", provider.last_asked_at());

    let (provider, store) = (Provider::new([Fate::Hangs, Fate::Hangs]), self::store());
    dies(&provider, &grace(), &store);
    assert!(later(20, 1, &provider, &store).is_none());
    assert_outcome_is_unknown(&later(30, 60, &provider, &store).unwrap().unwrap_err());
    assert_eq!(provider.asked().len(), 2);
}

#[test]
fn a_refresh_token_that_is_not_used_up_is_never_in_doubt() {
    for cells in [none(), safe()] {
        let provider = Provider::new([Fate::AnswerLost, Fate::AnswerLost, Fate::Issued(2)]);
        let token = process(async { session(&provider, &cells).token().await.unwrap() });
        assert_eq!((access_token(&token), provider.asked().len()), ("at-2", 3));

        let provider = Provider::new([Fate::AnswerLost, Fate::InvalidGrant]);
        let error = process(async { session(&provider, &cells).token().await.unwrap_err() });
        assert_eq!(error.kind(), ErrorKind::ReauthRequired);

        let (provider, store) = (Provider::new([Fate::Hangs, Fate::InvalidGrant]), store());
        dies(&provider, &cells, &store);
        assert_eq!(process(stored(&provider, &cells, &store)).unwrap_err().kind(), ErrorKind::ReauthRequired);
    }
}

#[test]
fn who_died_is_waited_for_only_where_that_may_save_the_session() {
    let rotating = [("refresh.rotation", "rotating".into())];
    let reuse_detected = [("refresh.rotation", "reuse_detected".into())];
    let cases: [(&[(&str, Node)], u128); 5] = [(&[], 25), (&none(), 10), (&safe(), 10), (&rotating, 10), (&reuse_detected, 25)];
    for (cells, seconds) in cases {
        let (provider, store) = (Provider::new([Fate::Hangs, Fate::Issued(2)]), store());
        dies(&provider, cells, &store);
        assert_eq!(access_token(&process(stored(&provider, cells, &store)).unwrap()), "at-2");
        let asked_at = provider.last_asked_at();
        assert!((seconds - 1..=seconds + 2).contains(&asked_at), "{cells:?}: {asked_at} s");
    }
}

#[test]
fn where_reuse_is_detected_the_error_says_so() {
    let provider = Provider::new([Fate::InvalidGrant]);
    let cells = [("refresh.rotation", "reuse_detected".into())];
    let error = process(async { session(&provider, &cells).token().await.unwrap_err() });
    assert_eq!(error.kind(), ErrorKind::ReauthRequired);
    assert!(error.hint().is_some_and(|hint| hint.contains("used twice")), "{error}");
}
