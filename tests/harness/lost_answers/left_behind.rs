//! What an earlier renewal of the same process left behind: it is known to be over, and nobody waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_descriptor::Node;
use grantry_engine::store::{MemoryStore, Record, Sealed, SealingKeys, StoreError, StoreKey, StoreTask, TokenStore};
use grantry_engine::{Client, Error, ErrorKind, Hooks, Session, Token};
use grantry_tests::NOW;
use tokio::time::Instant;

use crate::{Fate, KEY, Provider, access_token, assert_outcome_is_unknown, client, dies, process, store, store_key};

/// How a write fails.
#[derive(Clone, Copy)]
enum Write {
    Succeeds,
    Fails,
    /// It has its effect, and nobody is told.
    SucceedsAndFails,
}

/// A store that fails as it is told, and then no more.
struct Failing {
    store: Arc<MemoryStore>,
    writes: Mutex<Vec<Write>>,
    releases: AtomicUsize,
}

impl Failing {
    /// The first writes go like that.
    fn writes(writes: impl IntoIterator<Item = Write>) -> Self {
        let mut writes: Vec<Write> = writes.into_iter().collect();
        writes.reverse();
        Self { store: store(), writes: Mutex::new(writes), releases: AtomicUsize::new(0) }
    }

    /// That a renewal begins can be written, and nothing after it.
    fn all_but_the_first_write() -> Self {
        Self::writes(std::iter::once(Write::Succeeds).chain([Write::Fails; 1000]))
    }

    /// The first leases cannot be given back.
    fn releases(count: usize) -> Self {
        Self { store: store(), writes: Mutex::default(), releases: AtomicUsize::new(count) }
    }
}

impl TokenStore for Failing {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        self.store.load(key)
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        let write = self.writes.lock().unwrap().pop().unwrap_or(Write::Succeeds);
        Box::pin(async move {
            match write {
                Write::Succeeds => self.store.compare_and_swap(key, expected, record).await,
                Write::Fails => Err(StoreError::new("down")),
                Write::SucceedsAndFails => {
                    self.store.compare_and_swap(key, expected, record).await?;
                    Err(StoreError::new("down"))
                }
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        self.store.delete(key)
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        self.store.lease(key, holder, ttl)
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        let fails = self.releases.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        match fails {
            true => Box::pin(async { Err(StoreError::new("down")) }),
            false => self.store.release(key, holder),
        }
    }
}

/// Runs a process that lives on.
fn living<T>(provider: &Arc<Provider>, cells: &[(&str, Node)], store: Failing, work: impl AsyncFnOnce(Client) -> T) -> T {
    process(async { work(client(provider, cells).token_store(store)).await })
}

/// The session, as a request of a web application gets it.
async fn session(client: &Client) -> Session {
    client.session_for(KEY).await.unwrap().unwrap()
}

#[test]
fn a_lease_that_was_not_given_back_is_not_waited_for() {
    let provider = Provider::new([Fate::Issued(2), Fate::Issued(3)]);
    living(&provider, &[], Failing::releases(1), async |client| {
        session(&client).await.refresh().await.unwrap();
        let started = Instant::now();
        session(&client).await.refresh().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn another_process_waits_for_it() {
    let (provider, store) = (Provider::new([Fate::Issued(2), Fate::Issued(3)]), Arc::new(Failing::releases(1)));
    process(async {
        let one = client(&provider, &[]).shared_token_store(Arc::clone(&store) as _);
        let another = client(&provider, &[]).shared_token_store(Arc::clone(&store) as _);
        session(&one).await.refresh().await.unwrap();
        let started = Instant::now();
        session(&another).await.refresh().await.unwrap();
        assert!((9..12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    });
}

#[test]
fn a_renewal_that_lost_its_answer_is_not_waited_for() {
    let provider = Provider::new([Fate::AnswerLost, Fate::AnswerLost, Fate::Issued(2)]);
    living(&provider, &[], Failing::writes([]), async |client| {
        session(&client).await.token().await.unwrap_err();
        let started = Instant::now();
        let token = session(&client).await.token().await.unwrap();
        assert_eq!(access_token(&token), "at-2");
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    });
}

#[test]
fn a_renewal_that_lost_its_answer_is_not_forgotten() {
    let provider = Provider::new([Fate::AnswerLost, Fate::AnswerLost, Fate::InvalidGrant]);
    living(&provider, &[], Failing::writes([]), async |client| {
        session(&client).await.token().await.unwrap_err();
        assert_outcome_is_unknown(&session(&client).await.token().await.unwrap_err());
    });
}

#[test]
fn a_renewal_that_ended_with_its_runtime_is_not_forgotten() {
    let (provider, store) = (Provider::new([Fate::Hangs, Fate::InvalidGrant]), Failing::writes([]));
    let client = process(async {
        let client = client(&provider, &[]).token_store(store);
        assert!(tokio::time::timeout(Duration::from_secs(1), session(&client).await.token()).await.is_err());
        client
    });
    assert_outcome_is_unknown(&process(async { session(&client).await.token().await.unwrap_err() }));
}

#[test]
fn what_another_process_left_in_doubt_stays_so() {
    let (provider, store) = (Provider::new([Fate::Hangs, Fate::InvalidGrant]), Failing::writes([]));
    dies(&provider, &[], &store.store);
    *store.writes.lock().unwrap() = vec![Write::SucceedsAndFails];
    living(&provider, &[], store, async |client| {
        assert_eq!(session(&client).await.token().await.unwrap_err().kind(), ErrorKind::Store);
        assert_outcome_is_unknown(&session(&client).await.token().await.unwrap_err());
    });
}

/// The record says that a renewal was begun, and this process knows that it was not.
#[test]
fn what_was_only_written_down_is_not_in_doubt() {
    let provider = Provider::new([Fate::Issued(2)]);
    let store = Failing::writes([Write::SucceedsAndFails]);
    living(&provider, &[("refresh.replay", "never".into())], store, async |client| {
        assert_eq!(session(&client).await.token().await.unwrap_err().kind(), ErrorKind::Store);
        let started = Instant::now();
        assert_eq!(access_token(&session(&client).await.token().await.unwrap()), "at-2");
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    });
}

/// It could not write down that nothing was sent.
#[test]
fn what_did_not_leave_is_not_in_doubt() {
    let provider = Provider::new([Fate::RequestLost, Fate::RequestLost, Fate::RequestLost, Fate::Issued(2)]);
    let store = Failing::writes([Write::Succeeds, Write::Fails]);
    living(&provider, &[("refresh.replay", "never".into())], store, async |client| {
        assert_eq!(session(&client).await.token().await.unwrap_err().kind(), ErrorKind::Network);
        assert_eq!(access_token(&session(&client).await.token().await.unwrap()), "at-2");
    });
}

#[test]
fn a_token_that_is_not_stored_yet_is_stored_before_it_is_renewed() {
    let provider = Provider::new([Fate::Issued(2), Fate::Issued(3)]);
    // The write that begins, and those that the store does not take.
    let store = Failing::writes([Write::Succeeds, Write::Fails, Write::Fails, Write::Fails]);
    living(&provider, &[], store, async |client| {
        let session = session(&client).await;
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-2");
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-3");
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn closing_waits_for_a_token_that_is_not_stored_yet() {
    let (provider, store) = (Provider::new([Fate::Issued(2)]), Arc::new(Failing::writes([Write::Succeeds, Write::Fails])));
    process(async {
        let client = client(&provider, &[]).shared_token_store(Arc::clone(&store) as _);
        let session = session(&client).await;
        session.refresh().await.unwrap();
        session.close().await;
        let record = store.load(&store_key()).await.unwrap().unwrap();
        assert!(record.content.expose().contains("rt-2"));
    });
}

/// A store with a token that is valid still.
fn with_valid_token(writes: impl IntoIterator<Item = Write>) -> Failing {
    let failing = Failing { store: Arc::default(), ..Failing::writes(writes) };
    process(async {
        let mut token = Token::new("at-1");
        token.refresh_token = Some("rt-1".into());
        token.expires_at = Some(NOW + 3600);
        let client = client(&Provider::new([]), &[]).shared_token_store(Arc::clone(&failing.store) as _);
        client.session(token).keep(KEY).await.unwrap();
    });
    failing
}

#[test]
fn what_the_store_has_is_not_taken_for_newer_than_what_it_did_not_take() {
    let provider = Provider::new([Fate::Issued(2), Fate::Issued(3)]);
    let store = with_valid_token([Write::Succeeds, Write::Fails, Write::Fails, Write::Fails]);
    living(&provider, &[], store, async |client| {
        let session = session(&client).await;
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-2");
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-3");
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn nobody_renews_a_token_whose_successor_is_not_stored_yet() {
    let provider = Provider::new([Fate::Issued(2)]);
    let store = Arc::new(Failing::writes([Write::Succeeds, Write::Fails, Write::Fails, Write::Fails, Write::Fails]));
    let rotating = [("refresh.rotation", Node::from("rotating"))];
    process(async {
        let one = client(&provider, &rotating).shared_token_store(Arc::clone(&store) as _);
        let another = client(&provider, &rotating).shared_token_store(Arc::clone(&store) as _);
        session(&one).await.refresh().await.unwrap();
        assert_eq!(access_token(&session(&another).await.token().await.unwrap()), "at-2");
    });
    assert_eq!(provider.asked(), ["rt-1"]);
}

#[test]
fn closing_does_not_wait_for_ever_for_a_store_that_takes_nothing() {
    let provider = Provider::new([Fate::Issued(2)]);
    living(&provider, &[], Failing::all_but_the_first_write(), async |client| {
        let session = session(&client).await;
        session.refresh().await.unwrap();
        let started = Instant::now();
        session.close().await;
        assert!((59..62).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    });
}

/// What is revoked after a renewal whose token the store did not take, and what ends the session then.
fn revoked(store: Failing, sign_out: impl AsyncFnOnce(Session)) -> Vec<String> {
    let provider = Provider::new([Fate::Issued(2)]);
    let cells = [("endpoints.revocation_endpoint", "https://acme.example/revoke".into())];
    living(&provider, &cells, store, async |client| {
        let session = session(&client).await;
        session.refresh().await.unwrap();
        sign_out(session).await;
    });
    provider.revoked()
}

#[test]
fn signing_out_revokes_the_token_that_is_not_stored_yet() {
    let revoked = revoked(Failing::all_but_the_first_write(), async |session| session.revoke().await.unwrap());
    assert_eq!(revoked, ["rt-2"]);
}

#[test]
fn a_token_that_is_not_stored_yet_does_not_outlive_the_session() {
    let store = Failing::writes([Write::Succeeds, Write::Fails, Write::Fails, Write::Fails]);
    let records = Arc::clone(&store.store);
    let revoked = revoked(store, async |session| {
        // Another process signs the user out.
        records.delete(&store_key()).await.unwrap();
        session.close().await;
    });
    assert_eq!(revoked, ["rt-2"]);
}

#[test]
fn a_store_that_takes_nothing_is_an_error_that_says_so() {
    let provider = Provider::new([Fate::Issued(2)]);
    living(&provider, &[], Failing::all_but_the_first_write(), async |client| {
        let session = session(&client).await;
        session.refresh().await.unwrap();
        let started = Instant::now();
        let error = session.refresh().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Store && error.is_retryable(), "{error}");
        assert!(error.to_string().contains("does not take the newest token"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    });
}

/// What the application does with a new token holds up nobody, also where it never ends.
#[test]
fn an_update_that_never_ends_keeps_no_lease() {
    let (provider, store) = (Provider::new([Fate::Issued(2), Fate::Issued(3)]), store());
    process(async {
        let one = client(&provider, &[]).shared_token_store(Arc::clone(&store) as _);
        let one = one.update_token(|_| std::future::pending());
        let another = client(&provider, &[]).shared_token_store(Arc::clone(&store) as _);
        let started = Instant::now();
        assert!(tokio::time::timeout(Duration::from_secs(1), session(&one).await.refresh()).await.is_err());
        assert_eq!(access_token(&session(&another).await.refresh().await.unwrap()), "at-3");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    });
}

/// A user whose record nobody can read any more signs in again.
#[test]
fn what_cannot_be_read_makes_room_for_a_new_sign_in() {
    let (provider, store) = (Provider::new([]), store());
    process(async {
        let sealed = Sealed::new(Arc::into_inner(store).unwrap(), SealingKeys::new("new", [7; 32]));
        let client = client(&provider, &[]).token_store(sealed);
        let error = client.session_for(KEY).await.err().unwrap();
        assert!(error.kind() == ErrorKind::Store && !error.is_retryable(), "{error}");
        client.session(crate::expired()).keep(KEY).await.unwrap();
        assert!(client.session_for(KEY).await.unwrap().is_some());
    });
}

/// Keys are changed while processes run that do not have the new one.
#[test]
fn keeping_again_deletes_nothing_that_is_sealed_with_a_newer_key() {
    let (provider, store) = (Provider::new([Fate::Issued(2)]), Arc::new(MemoryStore::new()));
    process(async {
        let shared = || Failing { store: Arc::clone(&store), writes: Mutex::default(), releases: AtomicUsize::new(0) };
        let with = |keys| client(&provider, &[]).token_store(Sealed::new(shared(), keys));
        let newer = || SealingKeys::new("new", [2; 32]).and("old", [1; 32]);
        let session = with(SealingKeys::new("old", [1; 32])).session(crate::expired());
        session.keep(KEY).await.unwrap();
        with(newer()).session_for(KEY).await.unwrap().unwrap().refresh().await.unwrap();
        session.keep(KEY).await.unwrap();
        let stored = with(newer()).session_for(KEY).await.unwrap().unwrap();
        assert_eq!(access_token(&stored.current_token().unwrap()), "at-2");
    });
}

/// The hook has the answer, and nobody else will.
#[test]
fn a_hook_that_refuses_an_answer_loses_it_too() {
    let provider = Provider::new([Fate::Issued(2)]);
    let hooks = Hooks::new().refresh_token_response(|_| async { Err(Error::custom("the hook refuses")) });
    living(&provider, &[("refresh.replay", "never".into())], Failing::writes([]), async |client| {
        let client = client.hooks(hooks);
        for _ in 0..2 {
            assert_outcome_is_unknown(&session(&client).await.token().await.unwrap_err());
        }
    });
    assert_eq!(provider.asked(), ["rt-1"]);
}

#[test]
fn a_hook_that_panics_over_an_answer_loses_it_as_the_network_does() {
    let provider = Provider::new([Fate::Issued(2), Fate::Issued(3)]);
    let calls = AtomicUsize::new(0);
    let hooks = Hooks::new().refresh_token_response(move |answer| {
        let panics = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            assert!(!panics, "the hook panics");
            Ok(answer)
        }
    });
    let token = living(&provider, &[], Failing::writes([]), async |client| {
        let client = client.hooks(hooks);
        session(&client).await.token().await.unwrap()
    });
    assert_eq!((access_token(&token), provider.asked()), ("at-3", vec!["rt-1".to_owned(); 2]));
    assert_eq!(provider.last_asked_at(), 0);
}

#[test]
fn a_hook_that_always_panics_is_an_error_that_says_so() {
    let provider = Provider::new([Fate::Issued(2), Fate::Issued(3), Fate::InvalidGrant]);
    let hooks = Hooks::new().refresh_token_response(|answer| async move {
        assert_ne!(answer.status.as_u16(), 200, "the hook panics");
        Ok(answer)
    });
    living(&provider, &[], Failing::writes([]), async |client| {
        let client = client.hooks(hooks);
        let error = session(&client).await.token().await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Misuse, "acme: refresh: a hook panicked"));
        assert_outcome_is_unknown(&session(&client).await.token().await.unwrap_err());
    });
}
