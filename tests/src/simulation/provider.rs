//! The provider: an authorization server with one family of refresh tokens, and an API.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use grantry_engine::{HttpRequest, HttpResponse, Lost};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::faults::{Fault, Injector};
use super::random::Random;

/// Seconds for which an access token is valid.
pub(super) const LIFETIME: u64 = 3600;

/// How long a used refresh token is still taken under [`Policy::Grace`].
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// What a provider does with a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It stays valid.
    None,
    /// It is replaced, and refused from then on.
    Rotation,
    /// It is replaced, and taken again for half a minute.
    Grace,
    /// It is replaced; a second use of it revokes everything.
    ReuseDetection,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::None, Self::Rotation, Self::Grace, Self::ReuseDetection];
}

pub(super) struct Provider {
    policy: Policy,
    state: Mutex<State>,
}

struct State {
    refresh_token: u64,
    rotated_at: Option<Instant>,
    access_tokens: Vec<(String, Instant)>,
    refused: HashSet<String>,
    is_revoked: bool,
    /// Who alive has received the newest refresh token.
    holders: HashSet<usize>,
    /// A rotation whose answer reached nobody.
    has_lost: bool,
    token_calls: usize,
    issued: u64,
}

impl Provider {
    pub(super) fn new(policy: Policy) -> Self {
        let state = State {
            refresh_token: 0,
            rotated_at: None,
            access_tokens: Vec::new(),
            refused: HashSet::new(),
            is_revoked: false,
            holders: HashSet::new(),
            has_lost: false,
            token_calls: 0,
            issued: 0,
        };
        Self { policy, state: Mutex::new(state) }
    }

    pub(super) fn token_calls(&self) -> usize {
        self.state.lock().unwrap().token_calls
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.state.lock().unwrap().is_revoked
    }

    pub(super) fn has_lost(&self) -> bool {
        self.state.lock().unwrap().has_lost
    }

    /// An answer that arrived was dropped by the application itself.
    pub(super) fn lose(&self) {
        let mut state = self.state.lock().unwrap();
        state.holders.clear();
        state.has_lost |= self.policy != Policy::None;
    }

    /// The newest refresh token.
    pub(super) fn refresh_token(&self) -> String {
        format!("rt-{}.", self.state.lock().unwrap().refresh_token)
    }

    pub(super) fn is_held_alive(&self, injector: &Injector) -> bool {
        self.state.lock().unwrap().holders.iter().any(|replica| !injector.is_dead(*replica))
    }

    /// Answers a replica.
    pub(super) async fn answer(
        &self,
        replica: usize,
        request: HttpRequest,
        injector: &Injector,
        random: &Random,
    ) -> Result<HttpResponse, Lost> {
        injector.step(replica).await;
        match request.url.path() {
            "/token" => self.token(replica, &request, injector, random).await,
            "/exchange" => {
                tokio::time::sleep(Duration::from_millis(random.below(400))).await;
                if injector.strikes_first(Fault::DiesAtFollowUp, 1) {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    injector.kill(replica);
                    injector.step(replica).await;
                }
                Ok(follow_up(&request, injector))
            }
            "/revoke" => {
                tokio::time::sleep(Duration::from_millis(random.below(200))).await;
                self.state.lock().unwrap().is_revoked = true;
                Ok(answer(200, ""))
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(random.below(100))).await;
                Ok(self.api(&request, injector))
            }
        }
    }

    async fn token(
        &self,
        replica: usize,
        request: &HttpRequest,
        injector: &Injector,
        random: &Random,
    ) -> Result<HttpResponse, Lost> {
        if injector.strikes_first(Fault::ConnectFails, 2) {
            return Err(Lost::Request);
        }
        if injector.strikes_first(Fault::DiesBeforeSending, 1) {
            injector.kill(replica);
            injector.step(replica).await;
        }
        self.state.lock().unwrap().token_calls += 1;
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        if injector.strikes_first(Fault::RequestLost, 1) {
            return Err(Lost::Answer);
        }
        if injector.strikes_first(Fault::Busy, 2) {
            let mut busy = answer(503, "busy");
            busy.headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            return Ok(busy);
        }
        if injector.strikes_first(Fault::Throttled, 4) {
            return Ok(answer(429, r#"{"error":"slow_down"}"#));
        }
        if injector.strikes_first(Fault::FailsBefore, 1) {
            return Ok(answer(500, "<html>"));
        }
        let presented = parameter(request, "refresh_token").expect("a refresh token");
        let number = presented.strip_prefix("rt-").and_then(|presented| presented.strip_suffix('.'));
        let granted = self.grant(number.and_then(|number| number.parse().ok()).expect("a refresh token of this provider's"));
        let Ok(body) = granted else { return Ok(answer(400, r#"{"error":"invalid_grant"}"#)) };
        let way_back = async {
            tokio::time::sleep(Duration::from_millis(random.below(400))).await;
            if injector.strikes_first(Fault::AnswerLost, 1) || injector.strikes_first(Fault::AnswersLost, 2) {
                return Err(Lost::Answer);
            }
            if injector.strikes_first(Fault::AnswerTooLate, 1) {
                tokio::time::sleep(Duration::from_secs(180)).await;
            }
            if injector.strikes_first(Fault::AnswerSlow, 1) {
                tokio::time::sleep(Duration::from_secs(25)).await;
            }
            if injector.strikes_first(Fault::FailsAfter, 1) {
                return Ok(answer(500, "<html>"));
            }
            if injector.strikes_first(Fault::Page, 1) {
                return Ok(answer(200, "<html>please wait</html>"));
            }
            if injector.strikes_first(Fault::CutOff, 1) {
                return Ok(answer(200, &body[..body.len() / 2]));
            }
            Ok(answer(200, &body))
        };
        // Whether the answer reaches anybody is not known before it does: a caller that gives up drops this future.
        let mut delivery =
            Delivery { provider: self, is_delivered: false, refresh_token: self.state.lock().unwrap().refresh_token };
        let outcome = way_back.await;
        if outcome.as_ref().is_ok_and(|answer| answer.body.ends_with(b"}") && answer.status == StatusCode::OK) {
            if injector.strikes_first(Fault::DiesAfterAnswer, 1) {
                injector.kill(replica);
                drop(delivery);
                injector.step(replica).await;
                return Err(Lost::Answer);
            }
            let pause =
                [(Fault::Pause, 15), (Fault::LongPause, 60)].into_iter().find(|(fault, _)| injector.strikes_first(*fault, 1));
            if let Some((_, seconds)) = pause {
                injector.pause(replica, Duration::from_secs(seconds));
                injector.step(replica).await;
            }
            delivery.is_delivered = true;
            let mut state = self.state.lock().unwrap();
            if state.refresh_token == delivery.refresh_token {
                state.holders.insert(replica);
            }
        }
        outcome
    }

    /// Rotates as the policy says; the body of the answer.
    fn grant(&self, presented: u64) -> Result<String, ()> {
        let mut state = self.state.lock().unwrap();
        let is_current = presented == state.refresh_token;
        if state.is_revoked {
            return Err(());
        }
        let in_grace = state.rotated_at.is_some_and(|then| then.elapsed() <= GRACE) && presented + 1 == state.refresh_token;
        match self.policy {
            _ if is_current => {}
            Policy::Grace if in_grace => {}
            Policy::ReuseDetection => {
                state.is_revoked = true;
                // The newest token has reached nobody so far: it is this, or waiting for ever for who may be dead.
                state.has_lost |= state.holders.is_empty() && state.refresh_token > 0;
                return Err(());
            }
            _ => return Err(()),
        }
        if is_current && self.policy != Policy::None {
            state.refresh_token += 1;
            state.rotated_at = Some(Instant::now());
            state.holders.clear();
        }
        state.issued += 1;
        let access_token = format!("at-{}.", state.issued);
        state.access_tokens.push((access_token.clone(), Instant::now() + Duration::from_secs(LIFETIME)));
        Ok(format!(
            r#"{{"access_token":"{access_token}","token_type":"bearer","expires_in":{LIFETIME},"refresh_token":"rt-{}."}}"#,
            state.refresh_token
        ))
    }

    fn api(&self, request: &HttpRequest, injector: &Injector) -> HttpResponse {
        let mut state = self.state.lock().unwrap();
        let bearer = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bearer = bearer.strip_prefix("Bearer ").unwrap_or_default().to_owned();
        if injector.fault == Fault::Unauthorized && !injector.is_over() && state.refused.is_empty() {
            state.refused.insert(bearer.clone());
        }
        let is_known = state.access_tokens.iter().any(|(known, until)| *known == bearer && Instant::now() < *until);
        match is_known && !state.is_revoked && !state.refused.contains(&bearer) {
            true => answer(200, "{}"),
            false => answer(401, "{}"),
        }
    }
}

/// An answer on its way back; dropped, it has reached nobody.
struct Delivery<'a> {
    provider: &'a Provider,
    is_delivered: bool,
    refresh_token: u64,
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        let mut state = self.provider.state.lock().unwrap();
        if !self.is_delivered && self.provider.policy != Policy::None && state.refresh_token == self.refresh_token {
            state.has_lost = true;
        }
    }
}

/// The second call of a refresh: the same access token again.
fn follow_up(request: &HttpRequest, injector: &Injector) -> HttpResponse {
    if injector.strikes_first(Fault::FollowUpFails, 2) {
        return answer(503, "busy");
    }
    let access_token = parameter(request, "access_token").expect("the token of the first call");
    answer(200, &format!(r#"{{"access_token":"{access_token}","expires_in":{LIFETIME}}}"#))
}

/// A parameter of a form.
fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let form = String::from_utf8_lossy(request.body.as_bytes().unwrap_or_default());
    form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(ToOwned::to_owned)
}

fn answer(status: u16, body: &str) -> HttpResponse {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    HttpResponse::new(StatusCode::from_u16(status).expect("a status"), headers, body.to_owned().into())
}
