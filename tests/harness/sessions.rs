//! When sessions renew their token, and when they leave the provider alone. Time is tokio's, paused: waiting takes none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_engine::{Client, Descriptor, HttpRequest, HttpResponse, Lost, NoVariables, Token, Transport};
use grantry_tests::NOW;
use grantry_tests::script::WallClock;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// How long the provider takes for an answer.
const LATENCY: Duration = Duration::from_millis(200);

type Answer = Result<HttpResponse, Lost>;

/// A provider in this process. It notes when it was asked for a token.
struct Provider {
    client: Client,
    clock: WallClock,
    calls: Arc<Mutex<Vec<Duration>>>,
}

impl Provider {
    /// Answers token requests by their number, the first being 1, and the time; its API takes every token.
    fn start(answer: impl Fn(usize, Duration) -> Answer + Send + Sync + 'static) -> Self {
        let (began, calls) = (Instant::now(), Arc::<Mutex<Vec<Duration>>>::default());
        let (log, answer) = (Arc::clone(&calls), Arc::new(answer));
        let transport = Transport::builder().danger_in_process(move |request: HttpRequest| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                if request.url.path() != "/token" {
                    return Ok(sent(200, "{}"));
                }
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(began.elapsed());
                    log.len()
                };
                sleep(LATENCY).await;
                answer(number, began.elapsed())
            }
        });
        let descriptor = Descriptor::builder("acme")
            .authorization_endpoint("https://acme.example/authorize")
            .token_endpoint("https://acme.example/token")
            .client_authentication_method("client_secret_post")
            .base_url("https://api.acme.example/")
            .build()
            .unwrap();
        let clock = WallClock::default();
        let client = Client::from_descriptor(descriptor, NoVariables, "client", "secret").unwrap();
        Self { client: client.transport(transport.build()).clock(clock.clone()), clock, calls }
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
