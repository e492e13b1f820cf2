//! What other processes and the store do meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grantry_engine::store::{MemoryStore, Record, StoreKey, StoreTask, TokenStore};
use grantry_engine::{Client, Session, Token};
use grantry_tests::NOW;
use tokio::time::{Instant, sleep};

use crate::{Fate, KEY, Provider, access_token, client, dies, expired, process, store, store_key};

/// A store of which another process may have the lease.
struct Leased {
    store: Arc<MemoryStore>,
    is_elsewhere: AtomicBool,
}

impl Leased {
    fn new(store: &Arc<MemoryStore>) -> Arc<Self> {
        Arc::new(Self { store: Arc::clone(store), is_elsewhere: AtomicBool::new(false) })
    }

    fn elsewhere(&self, is_elsewhere: bool) {
        self.is_elsewhere.store(is_elsewhere, Ordering::Relaxed);
    }
}

impl TokenStore for Leased {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        self.store.load(key)
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        self.store.compare_and_swap(key, expected, record)
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        self.store.delete(key)
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        match self.is_elsewhere.load(Ordering::Relaxed) {
            true => Box::pin(async { Ok(false) }),
            false => self.store.lease(key, holder, ttl),
        }
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        self.store.release(key, holder)
    }
}

/// The tokens of a generation, for an hour.
fn valid(n: u32) -> Token {
    let mut token = Token::new(format!("at-{n}"));
    token.refresh_token = Some(format!("rt-{n}").into());
    token.issued_at = Some(NOW);
    token.expires_at = Some(NOW + 3600);
    token
}

fn without_refresh_token(token: Token) -> Token {
    let mut token = token;
    token.refresh_token = None;
    token
}

/// A client of a process.
fn of(provider: &Arc<Provider>, store: &Arc<impl TokenStore>) -> Client {
    let revocation = ("endpoints.revocation_endpoint", "https://acme.example/revoke".into());
    client(provider, &[revocation]).shared_token_store(Arc::clone(store) as _)
}

async fn session(client: &Client) -> Session {
    client.session_for(KEY).await.unwrap().unwrap()
}

/// Another process puts these tokens in place of what is there.
async fn puts(store: &Arc<MemoryStore>, token: Token) {
    client(&Provider::new([]), &[]).shared_token_store(Arc::clone(store) as _).session(token).keep(KEY).await.unwrap();
}

#[test]
fn a_store_that_has_lost_the_newest_token_gets_it_again() {
    let (provider, store) = (Provider::new([Fate::Issued(2), Fate::Issued(3)]), store());
    process(async {
        let session = session(&of(&provider, &store)).await;
        let old = store.load(&store_key()).await.unwrap().unwrap();
        session.refresh().await.unwrap();
        // A replica takes over that has not seen the last writes.
        store.delete(&store_key()).await.unwrap();
        assert!(store.compare_and_swap(&store_key(), None, &old).await.unwrap());
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-3");
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn what_was_put_there_anew_is_not_taken_for_something_older() {
    let (provider, store) = (Provider::new([Fate::Issued(2)]), store());
    process(async {
        let session = session(&of(&provider, &store)).await;
        session.refresh().await.unwrap();
        // Signed out and in again: the first version is random, and may be a lower one.
        let mut token = valid(7);
        token.issued_at = Some(NOW + 1);
        puts(&store, token).await;
        let record = store.load(&store_key()).await.unwrap().unwrap();
        store.delete(&store_key()).await.unwrap();
        assert!(store.compare_and_swap(&store_key(), None, &Record::new(1, record.content)).await.unwrap());
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-7");
    });
}

/// A process that waits for one that died is stopped meanwhile, and a third one begins.
#[test]
fn whoever_lost_the_lease_while_waiting_sends_nothing() {
    let (provider, store) = (Provider::new([Fate::Hangs]), store());
    dies(&provider, &[], &store);
    let leased = Leased::new(&store);
    process(async {
        let others = async {
            sleep(Duration::from_secs(12)).await;
            leased.elsewhere(true);
            sleep(Duration::from_secs(30)).await;
            puts(&store, valid(2)).await;
            leased.elsewhere(false);
        };
        let session = session(&of(&provider, &leased)).await;
        let (token, ()) = tokio::join!(session.token(), others);
        assert_eq!(access_token(&token.unwrap()), "at-2");
    });
    assert_eq!(provider.asked(), ["rt-1"]);
}

#[test]
fn whoever_lost_the_lease_does_not_repeat_a_request() {
    let (provider, store) = (Provider::new([Fate::LostAfter(5)]), store());
    let leased = Leased::new(&store);
    process(async {
        let others = async {
            sleep(Duration::from_secs(1)).await;
            leased.elsewhere(true);
        };
        let session = session(&of(&provider, &leased)).await;
        let (token, ()) = tokio::join!(session.token(), others);
        assert!(token.unwrap_err().is_retryable());
    });
    assert_eq!(provider.asked(), ["rt-1"]);
}

#[test]
fn signing_out_waits_for_another_process_that_renews() {
    let (provider, store) = (Provider::new([]), store());
    process(async {
        let session = session(&of(&provider, &store)).await;
        assert!(store.lease(&store_key(), "another", Duration::from_secs(10)).await.unwrap());
        let another = async {
            sleep(Duration::from_secs(2)).await;
            puts(&store, valid(2)).await;
            store.release(&store_key(), "another").await.unwrap();
        };
        let (revoked, ()) = tokio::join!(session.revoke(), another);
        revoked.unwrap();
        assert!(store.load(&store_key()).await.unwrap().is_none());
    });
    assert_eq!(provider.revoked(), ["rt-2"]);
}

#[test]
fn but_not_for_ever() {
    let (provider, store) = (Provider::new([]), store());
    let leased = Leased::new(&store);
    process(async {
        let session = session(&of(&provider, &leased)).await;
        leased.elsewhere(true);
        let started = Instant::now();
        session.revoke().await.unwrap();
        assert!((8..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    });
    assert_eq!(provider.revoked(), ["rt-1"]);
}

#[test]
fn nothing_is_renewed_while_it_is_given_back() {
    let provider = Provider::new([Fate::InvalidGrant]);
    process(async {
        let session = of(&provider, &Arc::new(MemoryStore::new())).session(expired());
        let renewing = async {
            sleep(Duration::from_millis(100)).await;
            assert!(session.refresh().await.unwrap_err().needs_login());
        };
        let (revoked, ()) = tokio::join!(session.revoke(), renewing);
        revoked.unwrap();
    });
    assert_eq!((provider.revoked(), provider.last_asked_at()), (vec!["rt-1".to_owned()], 1));
}

/// What there is no refresh token for is taken from the store, where another process has put it.
#[test]
fn a_token_that_cannot_be_renewed_is_replaced_by_the_stores() {
    let (provider, store) = (Provider::new([]), Arc::new(MemoryStore::new()));
    process(async {
        let client = of(&provider, &store);
        let session = client.session(without_refresh_token(expired()));
        session.keep(KEY).await.unwrap();
        assert!(session.token().await.unwrap_err().needs_login());
        sleep(Duration::from_secs(60)).await;
        puts(&store, without_refresh_token(valid(2))).await;
        assert_eq!(access_token(&session.token().await.unwrap()), "at-2");
    });
}

#[test]
fn a_session_that_somebody_holds_is_looked_up_all_the_same() {
    let (provider, store) = (Provider::new([]), Arc::new(MemoryStore::new()));
    process(async {
        puts(&store, valid(1)).await;
        let client = of(&provider, &store);
        let held = session(&client).await;
        puts(&store, valid(2)).await;
        assert_eq!(access_token(&session(&client).await.token().await.unwrap()), "at-2");
        assert_eq!(access_token(&held.token().await.unwrap()), "at-2");
        store.delete(&store_key()).await.unwrap();
        assert!(client.session_for(KEY).await.unwrap().is_none());
    });
}
