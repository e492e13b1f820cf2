//! One gate for all sessions of a client: a provider that is busy is asked by one of them, not by each.
//!
//! Whoever is told 429 or 503 closes it, for as long as the provider says, else for a time that doubles. Who comes first after that
//! goes to see. The others are turned away until there is an answer, each for a time of its own, so that they do not come back at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::entropy::{self, Entropy};
use crate::error::{Error, ErrorKind, Phase, Result};

/// How long it is closed at first where the provider does not say, and how long at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// How long whoever goes to see is waited for: as long as the last pause, within these bounds.
const PROBE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// Over how many seconds the others are spread: over as many as the last pause has, within these bounds.
const SPREAD: (u64, u64) = (2, 10);

/// Open unless it is closed.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Option<Closed>>);

struct Closed {
    until: Instant,
    /// For how long it was closed the last time.
    pause: Duration,
    /// Somebody has gone to see.
    is_probed: bool,
    status: u16,
}

impl Gate {
    /// Lets a token request pass that no application asked for, or says when to come back.
    pub(super) fn enter(&self, now: Instant, entropy: &dyn Entropy) -> Result<()> {
        let mut state = self.state();
        let Some(closed) = state.as_mut() else { return Ok(()) };
        let left = closed.until.saturating_duration_since(now);
        if left.is_zero() {
            closed.is_probed = true;
            closed.until = clock::later(now, closed.pause.clamp(PROBE.0, PROBE.1));
            return Ok(());
        }
        let jitter = entropy::below(entropy, closed.pause.as_secs().clamp(SPREAD.0, SPREAD.1));
        let seconds = clock::seconds_of(left).saturating_add(jitter);
        Err(turned_away(closed.status, seconds))
    }

    /// Learns from how a token request ended.
    pub(super) fn note(&self, error: Option<&Error>, now: Instant) {
        // What went wrong after the token was there is not the token endpoint's.
        let is_answer = |error: &Error| matches!(error.phase(), Some(Phase::Token | Phase::Refresh));
        match error.map(|error| (is_answer(error), error.status())) {
            None | Some((true, Some(..=428 | 430..=499))) => self.open(),
            Some((true, Some(status @ (429 | 503)))) => self.close(status, error.and_then(Error::retry_after), now),
            Some(_) => {}
        }
    }

    /// Only for whoever went to see: requests that were under way when it closed do not know better.
    fn open(&self) {
        self.state().take_if(|closed| closed.is_probed);
    }

    fn close(&self, status: u16, retry_after: Option<u64>, now: Instant) {
        let mut state = self.state();
        let doubled = match &*state {
            None => PAUSES.0,
            Some(closed) if closed.is_probed => closed.pause.saturating_mul(2).min(PAUSES.1),
            // Of many that are refused at once each would double it.
            Some(closed) => closed.pause,
        };
        let pause = retry_after.map_or(doubled, |seconds| Duration::from_secs(seconds.max(1)));
        let before = state.as_ref().filter(|closed| !closed.is_probed).map(|closed| closed.until);
        let until = clock::later(now, pause);
        *state = Some(Closed { until: before.map_or(until, |before| before.max(until)), pause, is_probed: false, status });
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<Closed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn turned_away(status: u16, seconds: u64) -> Error {
    Error::new(ErrorKind::Refused, "the provider is busy, as another session was told")
        .in_phase(Phase::Refresh)
        .with_status(status)
        .with_retry_after(Some(seconds))
        .with_hint(format!("try again in {seconds} seconds (`retry_after`)"))
}
