//! Getting another token, and telling what a failure means for the old one.

use std::time::Duration;

use super::state::{SessionInner, Source};
use crate::entropy;
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "jose")]
use crate::grant::service_account;
use crate::grant::{direct, refresh_token};
use crate::token::Token;

/// Most times that a request is sent which the provider did not take.
const TRIES: u32 = 3;

/// Longest wait between two tries, in milliseconds: a provider that wants a longer one gets it from the next call.
const LONGEST_WAIT: u64 = 5_000;

/// Why there is no new token.
pub(super) struct Failed {
    pub(super) error: Error,
    /// The provider may have used the refresh token up.
    pub(super) is_outcome_unknown: bool,
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
            (ErrorKind::Refused, _) if error.code() == Some("invalid_grant") => Self::Gone,
            (_, Some(429 | 503)) => Self::NotTaken,
            (ErrorKind::Network, _) if error.is_unsent() => Self::NotTaken,
            (ErrorKind::Network | ErrorKind::InvalidResponse, _) | (ErrorKind::Refused, Some(500..=599)) => Self::Unknown,
            _ => Self::Refused,
        }
    }
}

impl SessionInner {
    /// Another token than `previous`: by its refresh token, or from the session's source.
    ///
    /// `was_lost`: the answer to an earlier refresh with the same refresh token was lost.
    pub(super) async fn obtain(&self, previous: Option<&Token>, was_lost: bool) -> Result<Token, Failed> {
        match previous {
            Some(token) if refresh_token::is_possible(&self.config, token) || matches!(self.source, Source::User) => {
                self.rotate(token, was_lost).await
            }
            _ => self.start_over().await.map_err(|error| Failed { error, is_outcome_unknown: false }),
        }
    }

    /// Refreshes. A refresh token may be good for once only, so a request that may have been taken is repeated once: then the
    /// provider has either not seen it, or admits a repetition, or says that the token is used up.
    async fn rotate(&self, token: &Token, was_lost: bool) -> Result<Token, Failed> {
        let mut is_outcome_unknown = was_lost;
        let mut may_repeat = true;
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let error = match refresh_token::refresh(&self.config, token, &[], Vec::new()).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            match Fate::of(&error) {
                Fate::NotTaken if tries < TRIES && self.is_short(&error) => self.wait(tries, &error).await,
                Fate::Unknown if may_repeat => {
                    (may_repeat, is_outcome_unknown) = (false, true);
                    self.wait(tries, &error).await;
                }
                Fate::Unknown => return Err(Failed { error, is_outcome_unknown: true }),
                Fate::Gone => {
                    let kind = if is_outcome_unknown { ErrorKind::RefreshOutcomeUnknown } else { ErrorKind::ReauthRequired };
                    return Err(Failed { error: error.with_kind(kind), is_outcome_unknown: false });
                }
                Fate::NotTaken | Fate::Refused => return Err(Failed { error, is_outcome_unknown }),
            }
        }
    }

    /// Runs the grant again that the session came from: nothing is used up by it.
    async fn start_over(&self) -> Result<Token> {
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let error = match &self.source {
                Source::User => return Err(Error::misuse("the session has no token")),
                Source::Direct(grant, parameters) => match direct::token(&self.config, *grant, parameters).await {
                    Ok((token, _)) => return Ok(token),
                    Err(error) => error,
                },
                #[cfg(feature = "jose")]
                Source::ServiceAccount(account) => match service_account::token(&self.config, account).await {
                    Ok(token) => return Ok(token),
                    Err(error) => error,
                },
            };
            match Fate::of(&error) {
                Fate::NotTaken | Fate::Unknown if tries < TRIES && error.is_retryable() && self.is_short(&error) => {
                    self.wait(tries, &error).await;
                }
                _ => return Err(error),
            }
        }
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
