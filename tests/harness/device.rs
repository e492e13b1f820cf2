//! When the device flow polls, and when it stops (RFC 8628 section 3.5). The clock is the test's: sleeping moves it.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantry_engine::{Client, Credential, Descriptor, DeviceAuthorization, ErrorKind, Phase};
use grantry_tests::emulator::{Received, Sent};
use grantry_tests::script::{Script, TestClock};
use serde_json::{Value, json};

const YAML: &str = "
name: Acme
documentation: https://docs.acme.example/
endpoints:
  token_endpoint: https://acme.example/token
  device_authorization_endpoint: https://acme.example/device
grant_types_supported: [refresh_token, urn:ietf:params:oauth:grant-type:device_code]
client_authentication: { method: none }
";

/// A provider of one device flow, which notes when it is polled.
struct Provider {
    script: Script,
    clock: TestClock,
    polls: Arc<Mutex<Vec<u64>>>,
}

impl Provider {
    /// Gives codes with these further members, and one answer for each poll.
    fn new(codes: &Value, answers: impl IntoIterator<Item = Sent>) -> Self {
        let mut members = json!({ "device_code": "dc", "user_code": "WDJB-MJHT", "verification_uri": "https://acme.example/go" });
        members.as_object_mut().unwrap().extend(codes.as_object().unwrap().clone());
        let (clock, polls) = (TestClock::default(), Arc::<Mutex<Vec<u64>>>::default());
        let (now, log) = (clock.clone(), Arc::clone(&polls));
        let answers: Mutex<VecDeque<Sent>> = Mutex::new(answers.into_iter().collect());
        let script = Script::start(move |request| match request.url.path() {
            "/device" => Sent::json(200, members.clone()),
            "/jwks" => Sent::text(503, "later"),
            _ => {
                log.lock().unwrap().push(now.elapsed());
                answers.lock().unwrap().pop_front().unwrap_or_else(|| code(400, "authorization_pending"))
            }
        });
        Self { script, clock, polls }
    }

    async fn start(&self) -> DeviceAuthorization<grantry_engine::Dynamic> {
        self.start_as(YAML).await
    }

    async fn start_as(&self, yaml: &str) -> DeviceAuthorization<grantry_engine::Dynamic> {
        let descriptor = Descriptor::from_yaml(yaml, "acme.yaml").unwrap_or_else(|problems| panic!("{problems}"));
        let client = Client::from_descriptor(descriptor, BTreeMap::new(), "dev", Credential::None).unwrap();
        let client = client.transport(self.script.transport()).clock(self.clock.clone());
        client.device().scopes(["read".to_owned()]).await.unwrap()
    }

    /// Seconds from the start to each poll.
    fn polls(&self) -> Vec<u64> {
        self.polls.lock().unwrap().clone()
    }

    fn requests(&self) -> Vec<Received> {
        self.script.received()
    }
}

fn code(status: u16, code: &str) -> Sent {
    Sent::json(status, json!({ "error": code }))
}

fn token() -> Sent {
    Sent::json(200, json!({ "access_token": "at", "token_type": "bearer" }))
}

#[tokio::test]
async fn the_interval_passes_before_each_poll_also_the_first() {
    let pending = || code(400, "authorization_pending");
    let provider = Provider::new(&json!({ "interval": 7, "expires_in": 600 }), [pending(), pending(), token()]);
    let device = provider.start().await;
    assert_eq!((device.user_code(), device.verification_uri()), ("WDJB-MJHT", "https://acme.example/go"));
    assert_eq!((device.interval(), device.expires_in()), (Duration::from_secs(7), Duration::from_secs(600)));
    let session = device.wait().await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");
    assert_eq!(provider.polls(), [7, 14, 21]);
    let requests = provider.requests();
    assert_eq!(requests[0].form_value("client_id").as_deref(), Some("dev"));
    assert_eq!(requests[0].form_value("scope").as_deref(), Some("read"));
    assert_eq!(requests[1].form_value("device_code").as_deref(), Some("dc"));
    assert_eq!(requests[1].form_value("grant_type").as_deref(), Some("urn:ietf:params:oauth:grant-type:device_code"));
    assert_eq!(requests[1].form_value("client_id").as_deref(), Some("dev"));
}

#[tokio::test]
async fn without_an_interval_it_is_five_seconds() {
    let provider = Provider::new(&json!({ "expires_in": 600 }), [code(400, "authorization_pending"), token()]);
    provider.start().await.wait().await.unwrap();
    assert_eq!(provider.polls(), [5, 10]);
}

#[tokio::test]
async fn slow_down_adds_five_seconds_for_good() {
    let (pending, slower) = (|| code(400, "authorization_pending"), || code(400, "slow_down"));
    let answers = [slower(), pending(), slower(), pending(), token()];
    let provider = Provider::new(&json!({ "interval": 5, "expires_in": 600 }), answers);
    provider.start().await.wait().await.unwrap();
    assert_eq!(provider.polls(), [5, 15, 25, 40, 55]);
}

#[tokio::test]
async fn pending_is_pending_at_any_status() {
    let answers = [200, 202, 400, 401, 403, 428, 500].map(|status| code(status, "authorization_pending"));
    let provider = Provider::new(&json!({ "interval": 5, "expires_in": 600 }), answers.into_iter().chain([token()]));
    provider.start().await.wait().await.unwrap();
    assert_eq!(provider.polls(), [5, 10, 15, 20, 25, 30, 35, 40]);
}

#[tokio::test]
async fn the_codes_expire_to_the_second() {
    let provider = Provider::new(&json!({ "interval": 5, "expires_in": 12 }), []);
    let error = provider.start().await.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Refused, Some(Phase::Token)));
    assert_eq!((error.code(), error.provider()), (Some("expired_token"), Some("acme")));
    assert_eq!((provider.polls(), provider.clock.elapsed()), (vec![5, 10], 12));

    let at_the_end = Provider::new(&json!({ "interval": 5, "expires_in": 10 }), []);
    let device = at_the_end.start().await;
    at_the_end.clock.advance(4);
    assert_eq!(device.expires_in(), Duration::from_secs(6));
    device.wait().await.unwrap_err();
    assert_eq!((at_the_end.polls(), at_the_end.clock.elapsed()), (vec![5], 10));
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_less_often() {
    let down = || Sent::text(503, "later");
    let provider =
        Provider::new(&json!({ "interval": 5, "expires_in": 600 }), [down(), code(400, "authorization_pending"), token()]);
    provider.start().await.wait().await.unwrap();
    assert_eq!(provider.polls(), [5, 15, 25]);

    let answers = [down().header("retry-after", "60"), token()];
    let busy = Provider::new(&json!({ "interval": 5, "expires_in": 600 }), answers);
    busy.start().await.wait().await.unwrap();
    assert_eq!(busy.polls(), [5, 65]);
}

/// The code is used up, and another poll would only hide what is wrong.
#[tokio::test]
async fn what_fails_after_the_token_ends_the_polling() {
    let yaml = YAML
        .replace("grant_types", "  jwks_uri: https://acme.example/jwks\nopenid: { issuer: https://acme.example }\ngrant_types");
    // `{"alg":"RS256","kid":"unknown"}`, `{}` and a signature of nothing.
    let id_token = "eyJhbGciOiJSUzI1NiIsImtpZCI6InVua25vd24ifQ.e30.AAAA";
    let token = Sent::json(200, json!({ "access_token": "at", "token_type": "bearer", "id_token": id_token }));
    let provider = Provider::new(&json!({ "interval": 5, "expires_in": 600 }), [token]);
    let error = provider.start_as(&yaml).await.wait().await.unwrap_err();
    assert_eq!((error.phase(), error.status(), error.provider()), (Some(Phase::Jwks), Some(503), Some("acme")));
    assert_eq!(provider.polls(), [5]);
}

#[tokio::test]
async fn any_other_error_ends_the_polling() {
    for refusal in ["access_denied", "expired_token", "invalid_grant"] {
        let provider = Provider::new(&json!({ "expires_in": 600 }), [code(400, "authorization_pending"), code(400, refusal)]);
        let error = provider.start().await.wait().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, Some(refusal)));
        assert_eq!(provider.polls(), [5, 10]);
    }
}

#[tokio::test]
async fn an_application_that_polls_itself_keeps_the_interval_too() {
    let provider = Provider::new(&json!({ "interval": 5, "expires_in": 600 }), [code(400, "slow_down"), token()]);
    let mut device = provider.start().await;
    assert!(device.poll().await.unwrap().is_none());
    assert_eq!(device.interval(), Duration::from_secs(10));
    provider.clock.advance(8);
    assert!(device.poll().await.unwrap().is_some());
    assert_eq!(provider.polls(), [5, 15]);
}
