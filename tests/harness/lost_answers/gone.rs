//! The provider refuses a refresh token by a code of its own.

use std::sync::Arc;
use std::time::Duration;

use grantry_descriptor::Node;
use grantry_engine::store::{MemoryStore, Record, TokenStore as _};
use grantry_engine::{Error, ErrorKind};

use crate::{Fate, KEY, Provider, access_token, assert_outcome_is_unknown, client, expired, process, session, store, store_key};

/// A provider that says `used` instead of `invalid_grant`.
fn used() -> [(&'static str, Node); 1] {
    [("refresh.invalid_grant", vec!["revoked", "used"].into())]
}

fn assert_gone(error: &Error) {
    assert_eq!((error.kind(), error.code()), (ErrorKind::ReauthRequired, Some("invalid_grant")), "{error}");
    assert_eq!(error.provider_code(), Some("used"));
    assert!(error.needs_login() && !error.is_retryable(), "{error}");
}

#[test]
fn the_session_ends_and_asks_no_more() {
    let provider = Provider::new([Fate::Refused("used")]);
    process(async {
        let session = session(&provider, &used());
        assert_gone(&session.token().await.unwrap_err());
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_gone(&session.token().await.unwrap_err());
    });
    assert_eq!(provider.asked(), ["rt-1"]);
}

#[test]
fn another_code_ends_no_session() {
    let provider = Provider::new([Fate::Refused("invalid_client"), Fate::Issued(2)]);
    process(async {
        let session = session(&provider, &used());
        let error = session.token().await.unwrap_err();
        assert_eq!((error.kind(), error.code(), error.needs_login()), (ErrorKind::Refused, Some("invalid_client"), false));
        assert_eq!(error.provider_code(), None);
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-2");
    });
}

#[test]
fn after_a_lost_answer_the_outcome_is_unknown() {
    let provider = Provider::new([Fate::AnswerLost, Fate::Refused("used")]);
    assert_outcome_is_unknown(&process(async { session(&provider, &used()).token().await.unwrap_err() }));
}

#[test]
fn a_session_of_nobody_hears_it_too() {
    let provider = Provider::new([Fate::Refused("used")]);
    let error = process(async { client(&provider, &used()).refresh(&expired()).await.unwrap_err() });
    assert!(error.needs_login() && error.provider_code() == Some("used"), "{error}");
}

/// Puts the tokens of the second generation into the store, as a process does that renewed them while its lease ran out.
async fn renewed_elsewhere(store: &MemoryStore) {
    let key = store_key();
    let record = store.load(&key).await.unwrap().unwrap();
    let content = record.content.expose().replace("at-1", "at-2").replace("rt-1", "rt-2");
    let newer = Record::new(record.version + 1, content);
    assert!(store.compare_and_swap(&key, Some(record.version), &newer).await.unwrap());
}

#[test]
fn a_session_that_is_kept_reads_the_store_first() {
    let (provider, store) = (Provider::new([Fate::Refused("used"), Fate::Issued(3)]), store());
    process(async {
        let client = client(&provider, &used()).shared_token_store(Arc::clone(&store) as _);
        let session = client.session_for(KEY).await.unwrap().unwrap();
        let meanwhile = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            renewed_elsewhere(&store).await;
        };
        let (token, ()) = tokio::join!(session.token(), meanwhile);
        assert_eq!(access_token(&token.unwrap()), "at-3");
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn a_session_that_is_kept_ends_where_the_store_has_nothing_newer() {
    let (provider, store) = (Provider::new([Fate::Refused("used")]), store());
    process(async {
        let client = client(&provider, &used()).shared_token_store(Arc::clone(&store) as _);
        let session = client.session_for(KEY).await.unwrap().unwrap();
        assert_gone(&session.token().await.unwrap_err());
        assert_gone(&session.token().await.unwrap_err());
    });
    assert_eq!(provider.asked(), ["rt-1"]);
}
