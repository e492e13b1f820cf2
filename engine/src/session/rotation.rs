//! Getting another token, and telling what a failure means for the old one.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use grantry_descriptor::model::{Refresh, Replay, Rotation};

use super::state::{SessionInner, Source};
use crate::clock;
use crate::entropy;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::grant::direct;
use crate::grant::refresh_token::{self, Keep, Renewed};
#[cfg(feature = "jose")]
use crate::grant::service_account;
use crate::token::Token;

/// Most times that a request is sent which the provider did not take.
const TRIES: u32 = 3;

/// Longest wait between two tries, in milliseconds: a provider that wants a longer one gets it from the next call.
const LONGEST_WAIT: u64 = 5_000;

const NOT_SENT_AGAIN: &str =
    "the refresh token may be used up, and the provider does not take it again; the user has to sign in again";

const REUSE_DETECTED: &str =
    "this provider ends a session whose refresh token is used twice; processes that share a session need one token store";

/// Why there is no new token.
pub(super) struct Failed {
    pub(super) error: Error,
    /// When a refresh was first sent whose answer was lost: the provider may have used the refresh token up.
    pub(super) lost_at: Option<u64>,
}

/// What an error says about the request.
enum Fate {
    /// It was not taken: it may be sent again, whatever it carries.
    NotTaken,
    /// It may have been taken, and the answer is lost.
    Unknown,
    /// The grant is gone.
    Gone,
    /// It was refused for another reason.
    Refused,
}

impl Fate {
    fn of(error: &Error) -> Self {
        match (error.kind(), error.status()) {
            _ if error.is_answer_lost() => Self::Unknown,
            (ErrorKind::Network, _) if error.is_unsent() => Self::NotTaken,
            // A hook's, whatever it was told about something else.
            _ if error.is_unsent() => Self::Refused,
            (ErrorKind::Refused, _) if error.code() == Some("invalid_grant") => Self::Gone,
            (_, Some(429 | 503)) => Self::NotTaken,
            (ErrorKind::Network | ErrorKind::InvalidResponse, _) | (ErrorKind::Refused, Some(500..=599)) => Self::Unknown,
            _ => Self::Refused,
        }
    }
}

/// Whether the provider takes a refresh token at `now` that it may have used since `lost_at`, as far as its descriptor says.
const fn is_taken_again(replay: Replay, lost_at: u64, now: u64) -> bool {
    match replay {
        Replay::Unknown | Replay::Safe => true,
        Replay::Grace(seconds) => clock::since(lost_at, now) < seconds,
        Replay::Never => false,
    }
}

/// How often one renewal repeats a refresh whose answer was lost.
const fn most_repeats(replay: Replay) -> u32 {
    match replay {
        Replay::Unknown => 1,
        Replay::Safe | Replay::Grace(_) => TRIES - 1,
        Replay::Never => 0,
    }
}

/// Whether a refresh token may be used while another process, which may only have been stopped for a while, has used it already.
pub(super) const fn is_reuse_harmless(refresh: &Refresh) -> bool {
    match refresh.replay {
        Replay::Safe | Replay::Grace(_) => true,
        Replay::Never => false,
        Replay::Unknown => matches!(refresh.rotation, Rotation::Rotating),
    }
}

impl SessionInner {
    /// Another token than `previous`: by its refresh token, or from the session's source.
    ///
    /// `lost_at`: when an earlier refresh with the same refresh token was sent, the answer to which was lost. `keep`: see [`Keep`].
    pub(super) async fn obtain(
        &self,
        previous: Option<&Token>,
        lost_at: Option<u64>,
        keep: &dyn Keep,
    ) -> Result<Renewed, Failed> {
        match previous {
            Some(token) if matches!(self.source, Source::User) => self.rotate(token, lost_at, keep).await,
            Some(token) if refresh_token::is_possible(&self.config, token) => match self.rotate(token, lost_at, keep).await {
                // The refresh token was only a shorter way. What became of it stays in doubt.
                Err(Failed { error, lost_at }) if error.needs_login() => {
                    self.anew().await.map_err(|failed| Failed { lost_at, ..failed })
                }
                renewed => renewed,
            },
            _ => self.anew().await,
        }
    }

    async fn anew(&self) -> Result<Renewed, Failed> {
        match self.start_over().await {
            Ok(token) => Ok(Renewed { token, problem: None }),
            Err(error) => Err(Failed { error, lost_at: None }),
        }
    }

    /// Refreshes. A refresh token may be good for once only, so a request that may have been taken is repeated as often as the
    /// descriptor says, and once where it says nothing: then the provider has either not seen it, or admits a repetition, or says
    /// that the token is used up.
    async fn rotate(&self, token: &Token, lost_at: Option<u64>, keep: &dyn Keep) -> Result<Renewed, Failed> {
        let replay = self.config.model().refresh.replay;
        let mut lost_at = lost_at.filter(|_| replay != Replay::Safe);
        if !self.may_send(lost_at) {
            let error = Error::new(ErrorKind::Network, "the answer to an earlier refresh was lost");
            return Err(self.given_up(error.in_phase(Phase::Refresh), lost_at));
        }
        let (mut tries, mut repeats) = (0_u32, 0_u32);
        loop {
            tries = tries.saturating_add(1);
            let sent_at = self.config.clock.now();
            let (error, fate) = match self.send(token, keep).await {
                Ok(renewed) => return Ok(renewed),
                Err(failed) => failed,
            };
            let (error, is_repeated) = match fate {
                Fate::NotTaken => match self.next_try(&mut tries, &error).await {
                    Ok(()) => (error, true),
                    Err(last) => (last, false),
                },
                Fate::Unknown => {
                    lost_at = lost_at.or(Some(sent_at)).filter(|_| replay != Replay::Safe);
                    repeats = repeats.saturating_add(1);
                    let is_repeated = repeats <= most_repeats(replay);
                    if is_repeated {
                        self.wait(tries, &error).await;
                    }
                    (error, is_repeated)
                }
                Fate::Gone => return Err(self.gone(error, lost_at)),
                Fate::Refused => (error, false),
            };
            if !is_repeated || !self.may_send(lost_at) || self.has_lost_lease() {
                return Err(self.given_up(error, lost_at));
            }
        }
    }

    /// Whether another process renews by now: it has waited for this one for long enough.
    fn has_lost_lease(&self) -> bool {
        self.binding.get().is_some_and(|binding| binding.has_lost_lease())
    }

    /// Sends a refresh. A hook that panics over the answer loses it, as the network does.
    async fn send(&self, token: &Token, keep: &dyn Keep) -> Result<Renewed, (Error, Fate)> {
        let refresh = refresh_token::refresh(&self.config, token, &[], Vec::new(), Some(keep));
        match AssertUnwindSafe(refresh).catch_unwind().await {
            Ok(outcome) => self.heard(outcome).map_err(|error| {
                let fate = Fate::of(&error);
                (error, fate)
            }),
            Err(_printed) => Err((Error::misuse("a hook panicked").in_phase(Phase::Refresh), Fate::Unknown)),
        }
    }

    /// Whether the refresh token may be sent although an answer was lost.
    fn may_send(&self, lost_at: Option<u64>) -> bool {
        let (replay, now) = (self.config.model().refresh.replay, self.config.clock.now());
        lost_at.is_none_or(|lost_at| is_taken_again(replay, lost_at, now))
    }

    /// After the last try. The error is final where the refresh token may be used up and may not be sent again.
    fn given_up(&self, error: Error, lost_at: Option<u64>) -> Failed {
        let error = match self.may_send(lost_at) {
            true => error,
            false => error.clone().with_kind(ErrorKind::RefreshOutcomeUnknown).with_hint(NOT_SENT_AGAIN).with_source(error),
        };
        Failed { error, lost_at }
    }

    /// The provider does not know the grant any more: after a lost answer, because the refresh token is used up.
    fn gone(&self, error: Error, lost_at: Option<u64>) -> Failed {
        let kind = if lost_at.is_some() { ErrorKind::RefreshOutcomeUnknown } else { ErrorKind::ReauthRequired };
        let error = match self.config.model().refresh.rotation {
            Rotation::ReuseDetected => error.with_hint(REUSE_DETECTED),
            _ => error,
        };
        Failed { error: error.with_kind(kind), lost_at: None }
    }

    /// Runs the grant again that the session came from: nothing is used up by it.
    async fn start_over(&self) -> Result<Token> {
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let outcome = match &self.source {
                Source::User => return Err(Error::misuse("the session has no token")),
                Source::Direct(grant, parameters) => {
                    direct::token(&self.config, *grant, parameters).await.map(|(token, _)| token)
                }
                #[cfg(feature = "jose")]
                Source::ServiceAccount(account) => service_account::token(&self.config, account).await,
            };
            let error = match self.heard(outcome) {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            match Fate::of(&error) {
                Fate::NotTaken | Fate::Unknown if error.is_retryable() => self.next_try(&mut tries, &error).await?,
                _ => return Err(error),
            }
        }
    }

    /// Lets a request pass that the application did not ask for, unless the client's sessions leave the provider alone.
    pub(super) fn enter(&self) -> Result<()> {
        if self.is_self_signed() {
            return Ok(());
        }
        self.config.gate.enter(self.config.clock.monotonic(), self.config.entropy.as_ref())
    }

    /// Tells the client's other sessions how the provider is.
    fn heard<T>(&self, outcome: Result<T>) -> Result<T> {
        if !self.is_self_signed() {
            self.config.gate.note(outcome.as_ref().err(), self.config.clock.monotonic());
        }
        outcome
    }

    /// Whether the session makes its tokens itself: it asks nobody.
    fn is_self_signed(&self) -> bool {
        match &self.source {
            #[cfg(feature = "jose")]
            Source::ServiceAccount(account) => account.shape(&self.config).is_ok_and(|shape| shape.grant_type.is_none()),
            _ => false,
        }
    }

    /// Waits until another try may be made, or gives the error that there is none.
    async fn next_try(&self, tries: &mut u32, error: &Error) -> Result<()> {
        let mut error = error.clone();
        while *tries < TRIES && self.is_short(&error) {
            self.wait(*tries, &error).await;
            match self.enter() {
                Ok(()) => return Ok(()),
                Err(turned_away) => error = turned_away,
            }
            *tries = tries.saturating_add(1);
        }
        Err(error)
    }

    /// Whether the provider lets one try again soon.
    fn is_short(&self, error: &Error) -> bool {
        error.retry_after().is_none_or(|seconds| seconds.saturating_mul(1000) <= LONGEST_WAIT)
    }

    /// Waits before the next try: as long as the provider says, else a random part of a time that doubles.
    async fn wait(&self, tries: u32, error: &Error) {
        let doubled = 250_u64.saturating_mul(1 << tries.min(6)).min(LONGEST_WAIT);
        let milliseconds = match error.retry_after() {
            Some(seconds) => seconds.saturating_mul(1000).min(LONGEST_WAIT),
            None => (doubled / 2).saturating_add(entropy::below(self.config.entropy.as_ref(), doubled / 2)),
        };
        self.config.clock.sleep(Duration::from_millis(milliseconds)).await;
    }
}
