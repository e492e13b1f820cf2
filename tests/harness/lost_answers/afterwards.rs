//! The provider took a refresh, and what follows it failed: its answer cannot be used, and the refresh token in it is the only good one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_descriptor::Node;
use grantry_engine::{Error, ErrorKind, Phase, Token};
use grantry_tests::NOW;

use crate::{Fate, HANGS, KEY, Provider, SLOWLY, access_token, client, dies, process, session, store, stored};

/// A provider that refreshes in two calls.
fn exchanged() -> [(&'static str, Node); 2] {
    [("exchange.url", "https://acme.example/exchange".into()), ("exchange.after", "refresh_token".into())]
}

/// A provider that may issue id tokens.
fn openid() -> [(&'static str, Node); 2] {
    [("openid.issuer", "https://acme.example".into()), ("endpoints.jwks_uri", "https://acme.example/keys".into())]
}

fn refresh_token(token: &Token) -> &str {
    token.refresh_token.as_ref().unwrap().expose()
}

/// A session whose first refresh cannot be used: why. The next one goes on with the refresh token of that answer.
fn goes_on(provider: &Arc<Provider>, cells: &[(&str, Node)], renewed: &str) -> Error {
    let error = process(async {
        let session = session(provider, cells);
        let error = session.token().await.unwrap_err();
        // What cannot be used is not used.
        let token = session.current_token().unwrap();
        assert_eq!((access_token(&token), refresh_token(&token)), ("at-1", "rt-2"));
        let token = session.refresh().await.unwrap();
        assert_eq!((access_token(&token), refresh_token(&token)), (renewed, "rt-3"));
        error
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
    error
}

#[test]
fn its_refresh_token_is_the_next_one_to_be_sent() {
    let provider = Provider::with_afterwards([503], [Fate::Issued(2), Fate::Issued(3)]);
    let error = goes_on(&provider, &exchanged(), "long");
    assert_eq!((error.phase(), error.status()), (Some(Phase::Exchange), Some(503)), "{error}");
    assert!(error.is_retryable(), "{error}");
}

#[test]
fn nor_is_it_lost_where_the_keys_cannot_be_fetched() {
    let provider = Provider::with_afterwards([503], [Fate::WithIdToken(2), Fate::Issued(3)]);
    assert_eq!(goes_on(&provider, &openid(), "at-3").phase(), Some(Phase::Jwks));
}

#[test]
fn nor_where_the_id_token_is_refused() {
    let provider = Provider::new([Fate::WithIdToken(2), Fate::Issued(3)]);
    let error = goes_on(&provider, &openid(), "at-3");
    assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::IdToken)), "{error}");
}

#[test]
fn nor_where_the_answer_itself_is_odd() {
    let provider = Provider::new([Fate::Odd(2), Fate::Issued(3)]);
    let error = goes_on(&provider, &[], "at-3");
    assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidResponse, Some(Phase::Refresh)), "{error}");
}

/// The application may ask again, whatever that error says of the user.
#[test]
fn nor_where_the_call_after_it_is_refused() {
    let provider = Provider::with_afterwards([400], [Fate::Issued(2), Fate::Issued(3)]);
    assert_eq!(goes_on(&provider, &exchanged(), "long").code(), Some("access_denied"));
}

/// Those who waited for the keys do not ask for them one after another.
#[test]
fn keys_that_could_not_be_fetched_are_not_asked_for_at_once() {
    let provider = Provider::with_afterwards([503], [Fate::WithIdToken(2), Fate::WithIdToken(3), Fate::WithIdToken(4)]);
    process(async {
        let client = client(&provider, &openid());
        let phase = async || client.session(crate::expired()).token().await.unwrap_err().phase();
        assert_eq!((phase().await, phase().await), (Some(Phase::Jwks), Some(Phase::Jwks)));
        tokio::time::sleep(Duration::from_secs(2)).await;
        // The keys came, and none fits.
        assert_eq!(phase().await, Some(Phase::IdToken));
    });
}

#[test]
fn another_process_goes_on_with_it() {
    let (provider, store) = (Provider::with_afterwards([503], [Fate::Issued(2), Fate::Issued(3)]), store());
    assert_eq!(process(stored(&provider, &exchanged(), &store)).unwrap_err().phase(), Some(Phase::Exchange));
    assert_eq!(access_token(&process(stored(&provider, &exchanged(), &store)).unwrap()), "long");
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

/// One that has the session open already, and would renew it with the refresh token that it knows.
#[test]
fn so_does_one_that_knows_the_old_one() {
    let (provider, store) = (Provider::with_afterwards([503], [Fate::Issued(2), Fate::Issued(3)]), store());
    process(async {
        let [one, another] = [(); 2].map(|()| client(&provider, &exchanged()).shared_token_store(Arc::clone(&store) as _));
        let another = another.session_for(KEY).await.unwrap().unwrap();
        one.session_for(KEY).await.unwrap().unwrap().token().await.unwrap_err();
        assert_eq!(access_token(&another.token().await.unwrap()), "long");
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn a_token_that_is_valid_still_is_used_on() {
    let provider = Provider::with_afterwards([503], [Fate::Issued(2), Fate::Issued(3)]);
    process(async {
        let mut token = Token::new("valid");
        token.refresh_token = Some("rt-1".into());
        token.expires_at = Some(NOW + 30);
        let session = client(&provider, &exchanged()).session(token);
        assert_eq!(access_token(&session.token().await.unwrap()), "valid");
        assert_eq!(refresh_token(&session.current_token().unwrap()), "rt-2");
    });
}

#[test]
fn the_application_is_told_of_it() {
    for (status, is_kept) in [(503, false), (503, true), (SLOWLY + 503, false), (SLOWLY + 503, true)] {
        let (provider, store) = (Provider::with_afterwards([status], [Fate::Issued(2)]), store());
        let heard: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
        let log = Arc::clone(&heard);
        process(async {
            let client = client(&provider, &exchanged()).shared_token_store(store as _).update_token(move |update| {
                let previous = update.previous.is_some_and(|previous| refresh_token(&previous) == "rt-1");
                log.lock().unwrap().push((refresh_token(&update.token).to_owned(), previous));
                async { Ok(()) }
            });
            let session = match is_kept {
                true => client.session_for(KEY).await.unwrap().unwrap(),
                false => client.session(crate::expired()),
            };
            session.token().await.unwrap_err();
        });
        assert_eq!(*heard.lock().unwrap(), [("rt-2".to_owned(), true)], "{status}, {is_kept}");
    }
}

#[test]
fn what_takes_its_time_is_renewed_once() {
    let (provider, store) = (Provider::with_afterwards([SLOWLY + 200], [Fate::Issued(2)]), store());
    let token = process(stored(&provider, &exchanged(), &store)).unwrap();
    assert_eq!((access_token(&token), refresh_token(&token)), ("long", "rt-2"));
    assert_eq!(access_token(&process(stored(&provider, &exchanged(), &store)).unwrap()), "long");
    assert_eq!(provider.asked(), ["rt-1"]);
}

/// Keys are fetched, or the second call is made, and the process dies.
#[test]
fn a_process_that_dies_meanwhile_has_stored_it() {
    let (provider, store) = (Provider::with_afterwards([HANGS], [Fate::Issued(2), Fate::Issued(3)]), store());
    dies(&provider, &exchanged(), &store);
    assert_eq!(access_token(&process(stored(&provider, &exchanged(), &store)).unwrap()), "long");
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

#[test]
fn a_session_that_is_kept_nowhere_has_it_when_its_runtime_ends_meanwhile() {
    let provider = Provider::with_afterwards([HANGS], [Fate::Issued(2), Fate::Issued(3)]);
    let session = process(async {
        let session = session(&provider, &exchanged());
        assert!(tokio::time::timeout(Duration::from_secs(1), session.token()).await.is_err());
        session
    });
    assert_eq!(access_token(&process(session.token()).unwrap()), "long");
    assert_eq!(provider.asked(), ["rt-1", "rt-2"]);
}

/// A provider that does not rotate issues no refresh token: the one that there is stays good, whatever the descriptor says of it.
#[test]
fn without_another_refresh_token_nothing_is_lost() {
    let provider = Provider::with_afterwards([503], [Fate::NotRotated(2), Fate::NotRotated(3)]);
    process(async {
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        let cells = [exchanged().as_slice(), &[("refresh.replay", "never".into())]].concat();
        let client = client(&provider, &cells).update_token(move |_| {
            *count.lock().unwrap() += 1;
            async { Ok(()) }
        });
        let session = client.session(crate::expired());
        assert!(session.token().await.unwrap_err().is_retryable());
        assert_eq!((provider.asked().len(), *told.lock().unwrap()), (1, 0));
        assert_eq!(access_token(&session.refresh().await.unwrap()), "long");
        assert_eq!(*told.lock().unwrap(), 1);
    });
    assert_eq!(provider.asked(), ["rt-1", "rt-1"]);
}

#[test]
fn a_refresh_without_a_session_gives_it_with_the_error() {
    let provider = Provider::with_afterwards([503], [Fate::Issued(2)]);
    let error = process(async { client(&provider, &exchanged()).refresh(&crate::expired()).await.unwrap_err() });
    let token = error.rotated_token().unwrap();
    assert_eq!((access_token(token), refresh_token(token)), ("at-1", "rt-2"));
    assert!(!format!("{error:?}").contains("rt-2"), "{error:?}");
}

/// Each renewal uses a refresh token: a provider that stays like that is asked less and less often.
#[test]
fn it_is_tried_less_and_less_often() {
    let provider = Provider::with_afterwards([500; 9], (2..9).map(Fate::Issued));
    process(async {
        let session = session(&provider, &exchanged());
        for _ in 0..31 {
            session.token().await.unwrap_err();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    // After 0, 1, 3, 7 and 15 seconds.
    assert_eq!(provider.asked(), ["rt-1", "rt-2", "rt-3", "rt-4", "rt-5"]);
}
