//! Sessions that are put into a store while something else happens to their token.

use std::sync::Arc;
use std::time::Duration;

use grantry_engine::Client;
use grantry_engine::store::{MemoryStore, TokenStore as _};

use crate::{Fate, KEY, Provider, access_token, assert_outcome_is_unknown, client, expired, process, store, store_key, stored};

fn keeping(provider: &Arc<Provider>, store: &Arc<MemoryStore>) -> Client {
    client(provider, &[]).shared_token_store(Arc::clone(store) as _)
}

async fn record(store: &MemoryStore) -> String {
    store.load(&store_key()).await.unwrap().unwrap().content.expose().to_owned()
}

#[test]
fn a_token_that_comes_meanwhile_is_the_one_that_is_kept() {
    let (provider, store) = (Provider::new([Fate::Slowly(2), Fate::Issued(3)]), Arc::new(MemoryStore::new()));
    process(async {
        let session = keeping(&provider, &store).session(expired());
        let kept = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            session.keep(KEY).await.unwrap();
            assert!(record(&store).await.contains("rt-2"));
        };
        let (token, ()) = tokio::join!(session.token(), kept);
        assert_eq!(access_token(&token.unwrap()), "at-2");
        assert_eq!(access_token(&session.refresh().await.unwrap()), "at-3");
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn keeping_it_again_puts_nothing_older_in_place() {
    let (provider, store) = (Provider::new([Fate::Issued(2)]), Arc::new(MemoryStore::new()));
    process(async {
        let session = keeping(&provider, &store).session(expired());
        session.keep(KEY).await.unwrap();
        keeping(&provider, &store).session_for(KEY).await.unwrap().unwrap().refresh().await.unwrap();
        session.keep(KEY).await.unwrap();
        assert!(record(&store).await.contains("rt-2"));
    });
}

#[test]
fn a_lost_answer_is_kept_in_mind() {
    let (provider, kept) = (Provider::new([Fate::AnswerLost]), store());
    let never = [("refresh.replay", "never".into())];
    process(async {
        let client = client(&provider, &never).shared_token_store(Arc::clone(&kept) as _);
        let session = client.session(expired());
        assert_outcome_is_unknown(&session.token().await.unwrap_err());
        session.keep(KEY).await.unwrap();
        assert_outcome_is_unknown(&session.refresh().await.unwrap_err());
    });
    assert_outcome_is_unknown(&process(stored(&provider, &never, &kept)).unwrap_err());
    assert_eq!(provider.asked().len(), 1);
}

/// The runtime of a session that is kept nowhere ends while the provider has its request.
#[test]
fn so_is_one_that_its_runtime_lost() {
    let provider = Provider::new([Fate::Hangs]);
    let session = process(async {
        let session = crate::session(&provider, &[("refresh.replay", "never".into())]);
        assert!(tokio::time::timeout(Duration::from_secs(1), session.token()).await.is_err());
        session
    });
    assert_outcome_is_unknown(&process(async { session.token().await.unwrap_err() }));
    assert_eq!(provider.asked().len(), 1);
}
