//! What is sent again, when and by whom, as the provider's descriptor says.

use std::sync::Arc;
use std::time::Duration;

use grantry_descriptor::Node;
use grantry_engine::store::MemoryStore;
use grantry_engine::{Error, ErrorKind, Token};
use grantry_tests::NOW;
use tokio::time::Instant;

use crate::{Fate, KEY, Provider, access_token, assert_outcome_is_unknown, client, dies, process, session, store, stored};

/// What a process gets that begins so many seconds after its start, if it gets it before it dies.
fn later(seconds: u64, life: u64, provider: &Arc<Provider>, store: &Arc<MemoryStore>) -> Option<Result<Arc<Token>, Error>> {
    process(async {
        let client = client(provider, &grace()).shared_token_store(Arc::clone(store) as _);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let session = client.session_for(KEY).await.unwrap().unwrap();
        tokio::time::timeout(Duration::from_secs(life), session.token()).await.ok()
    })
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

/// The refresh token is only a shorter way there.
#[test]
fn a_client_that_asks_for_another_token_in_vain_does_not_forget_it() {
    let provider = Provider::new([Fate::Issued(1), Fate::AnswerLost, Fate::Refused("unauthorized_client"), Fate::Issued(3)]);
    process(async {
        let session = client(&provider, &never()).client_credentials().await.unwrap();
        assert!(session.refresh().await.is_err());
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-3");
    });
    assert_eq!(provider.asked(), ["none", "rt-1", "none", "none"]);
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
