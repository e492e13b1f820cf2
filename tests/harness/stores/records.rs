//! What sessions write into a store, and what they make of what they find there.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use grantry_engine::store::{MemoryStore, Record, StoreKey, StoreTask, TokenStore};
use grantry_engine::{Client, Descriptor, ErrorKind, HttpResponse, Token, Transport};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::time::Duration;

const ACME: &str = "
name: Acme
documentation: https://docs.acme.example/
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
client_authentication:
  methods: [client_secret_basic]
";

/// A client as in a process of its own, whose provider answers every request so.
fn client(store: Arc<dyn TokenStore>, answer: &Value) -> Client {
    let descriptor = Descriptor::from_yaml(ACME, "acme.yaml").unwrap();
    let body = Bytes::from(answer.to_string());
    let answered = move |_| {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        std::future::ready(Ok(HttpResponse::new(StatusCode::OK, headers, body.clone())))
    };
    let transport = Transport::builder().danger_in_process(answered).build();
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), "dev", "secret").unwrap();
    client.transport(transport).shared_token_store(store)
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |value, _| Value::Array(vec![value]))
}

#[tokio::test]
async fn the_deepest_answer_is_kept_with_its_refresh_token() {
    // An answer may nest 32 levels, of which its object is one.
    for levels in [29, 30, 31] {
        let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
        let answer = json!({ "access_token": "at-2", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt-2", "deep": nested(levels) });
        let one = client(Arc::clone(&store), &answer);
        let mut token = Token::new("at-1");
        token.refresh_token = Some("rt-1".into());
        let session = one.session(token);
        session.keep("user").await.unwrap();
        session.refresh().await.unwrap();
        let another = client(Arc::clone(&store), &answer);
        let found = another.session_for("user").await.unwrap().unwrap().current_token().unwrap();
        let refresh_token = found.refresh_token.as_ref().map(|token| token.expose().to_owned());
        assert_eq!((refresh_token.as_deref(), found.extra.get("deep")), (Some("rt-2"), Some(&nested(levels))), "{levels}");
    }
}

#[tokio::test]
async fn what_nests_too_deep_to_be_read_again_is_not_kept() {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    let client = client(Arc::clone(&store), &Value::Null);
    let mut token = Token::new("at-1");
    token.extra.insert("deep".to_owned(), nested(1000));
    let error = client.session(token).keep("user").await.unwrap_err();
    assert!(error.kind() == ErrorKind::Misuse && error.to_string().contains("nests too deep"), "{error}");
    assert!(client.session_for("user").await.unwrap().is_none());
}

/// Has one record under every key.
struct Holding(&'static str);

impl TokenStore for Holding {
    fn load<'a>(&'a self, _key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        Box::pin(async { Ok(Some(Record::new(1, self.0))) })
    }

    fn compare_and_swap<'a>(&'a self, _key: &'a StoreKey, _expected: Option<u64>, _record: &'a Record) -> StoreTask<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn delete<'a>(&'a self, _key: &'a StoreKey) -> StoreTask<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn lease<'a>(&'a self, _key: &'a StoreKey, _holder: &'a str, _ttl: Duration) -> StoreTask<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn release<'a>(&'a self, _key: &'a StoreKey, _holder: &'a str) -> StoreTask<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_record_that_this_release_cannot_read_is_the_stores_failure_and_stays_one() {
    for record in [
        "hunter2",
        r#"{"form":2,"token":{"version":1,"access_token":"hunter2"}}"#,
        r#"{"form":1,"token":{"version":2,"access_token":"hunter2"}}"#,
        r#"{"form":1,"token":null}"#,
    ] {
        let error = client(Arc::new(Holding(record)), &Value::Null).session_for("user").await.err().unwrap();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Store, false), "{record}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
