//! What does not end a session, and does not stop a token that is still valid.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grantry_engine::store::MemoryStore;
use grantry_engine::{Entropy, Error, Hooks, Token};
use tokio::time::{Instant, sleep};

use crate::{Answer, Provider, expiring, gone, granted, sent};

fn access_token(token: &Token) -> &str {
    token.access_token.expose()
}

/// What another session's request for a token comes to where the user has to sign in again.
async fn of_another_session() -> Error {
    let error = Provider::start(|_, _| gone()).client.session(expiring(-1)).token().await.unwrap_err();
    assert!(error.needs_login());
    error
}

fn refused(code: &str) -> Answer {
    Ok(sent(400, &format!(r#"{{"error":"{code}"}}"#)))
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_used_on_whatever_the_provider_answers() {
    let answers: [fn() -> Answer; 4] = [
        || Ok(sent(200, "<html>maintenance</html>")),
        || Ok(sent(302, "")),
        || Ok(sent(404, "nothing here")),
        || refused("temporarily_unavailable"),
    ];
    for answer in answers {
        let provider = Provider::start(move |_, _| answer());
        let session = provider.client.session(expiring(30));
        for _ in 0..2 {
            assert_eq!(access_token(&session.token().await.unwrap()), "old");
        }
        provider.clock.put(60);
        session.token().await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_does_not_wait_long_for_the_next() {
    let provider = Provider::start(|number, _| granted(number));
    let session = provider.client.session(expiring(30));
    provider.slow_down(Duration::from_secs(8));
    let started = Instant::now();
    assert_eq!(access_token(&session.token().await.unwrap()), "old");
    assert_eq!(started.elapsed().as_secs(), 5);
    session.close().await;
    assert_eq!((access_token(&session.token().await.unwrap()), provider.calls().len()), ("at-1", 1));
}

/// An administrator has to consent, and does.
#[tokio::test(start_paused = true)]
async fn a_machine_is_let_in_again() {
    let provider = Provider::start(|number, _| match number {
        2 => refused("consent_required"),
        number => granted(number),
    });
    let session = provider.client.client_credentials().await.unwrap();
    provider.clock.put(7200);
    assert!(session.token().await.unwrap_err().needs_login());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(access_token(&session.token().await.unwrap()), "at-3");
}

#[tokio::test(start_paused = true)]
async fn what_the_application_says_of_a_token_is_not_the_providers_word() {
    let foreign = of_another_session().await;
    let provider = Provider::start(|number, _| granted(number));
    let client = provider.client.clone().update_token(move |_| {
        let foreign = foreign.clone();
        async { Err(foreign) }
    });
    let session = client.session(expiring(-1));
    for number in [1, 2] {
        session.token().await.unwrap_err();
        assert_eq!(access_token(&session.token().await.unwrap()), format!("at-{number}"));
        provider.clock.put(3600 * number);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_was_told_elsewhere_says_nothing_of_this_session() {
    let (foreign, calls) = (of_another_session().await, Arc::new(AtomicUsize::new(0)));
    let provider = Provider::start(|number, _| granted(number));
    let client = provider.client.clone().hooks(Hooks::new().refresh_token_request(move |request| {
        let (foreign, is_first) = (foreign.clone(), calls.fetch_add(1, Ordering::Relaxed) == 0);
        async move { if is_first { Err(foreign) } else { Ok(request) } }
    }));
    let session = client.session(expiring(-1));
    assert!(!session.token().await.unwrap_err().needs_login());
    assert!(provider.calls().is_empty());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(access_token(&session.token().await.unwrap()), "at-1");
}

/// What the API refuses is renewed from the store, and its word counts where there is nothing newer.
#[tokio::test(start_paused = true)]
async fn a_refused_token_that_cannot_be_renewed_is_replaced_by_the_stores() {
    let unrenewable = |name: &str| {
        let mut token = Token::new(name);
        token.expires_at = Some(grantry_tests::NOW + 3600);
        token
    };
    let provider = Provider::start_with(|_, _| gone(), |header| if header == "Bearer new" { 200 } else { 401 });
    let client = provider.client.clone().token_store(MemoryStore::new());
    let session = client.session(unrenewable("old"));
    session.keep("user").await.unwrap();
    assert_eq!(session.get("slow").await.unwrap_err().status(), Some(401));
    sleep(Duration::from_secs(60)).await;
    client.session(unrenewable("new")).keep("user").await.unwrap();
    session.get("slow").await.unwrap();
    assert!(provider.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_profile_taught_is_not_forgotten_with_a_new_token() {
    let provider = Provider::start(|number, _| granted(number));
    let store = Arc::new(MemoryStore::new());
    let [one, another] = [(); 2].map(|()| provider.client.clone().shared_token_store(Arc::clone(&store) as _));
    let knows = |token: &Token| token.expose_for_storage().expose().contains(r#""eu""#);
    let session = one.session(expiring(3600));
    session.keep("user").await.unwrap();
    session.profile().await.unwrap();
    // Another process renews the token, and this one takes the new one over.
    let other = another.session_for("user").await.unwrap().unwrap();
    assert!(!knows(&other.refresh().await.unwrap()));
    let taken = session.refresh().await.unwrap();
    assert!(access_token(&taken) == "at-1" && knows(&taken));
    // With the next one all know it.
    assert!(knows(&session.refresh().await.unwrap()));
    assert!(knows(&other.refresh().await.unwrap()));
}

/// The first number is the greatest, the others are zero.
#[derive(Default)]
struct Falling(AtomicUsize);

impl Entropy for Falling {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.fill(0);
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            bytes[6..].copy_from_slice(&299_u16.to_be_bytes());
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_has_one_time_at_which_it_is_renewed_ahead() {
    let provider = Provider::start(|number, _| granted(number));
    let client = provider.client.clone().danger_entropy(Falling::default()).refresh_ahead(Duration::from_secs(600));
    let session = client.session(expiring(700));
    for _ in 0..33 {
        session.get("items").await.unwrap();
        sleep(Duration::from_secs(10)).await;
    }
    assert!(provider.calls().is_empty());
    session.get("items").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    session.get("items").await.unwrap();
    session.close().await;
    assert_eq!(provider.calls(), [340]);
}
