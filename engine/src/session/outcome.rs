//! What a renewal came to, and telling the application.

use std::sync::Arc;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::hooks::TokenUpdate;
use crate::token::Token;

/// How a renewal that yields a token ended.
pub(super) enum Outcome {
    /// By another's token.
    Adopted(Arc<Token>),
    Renewed {
        token: Arc<Token>,
        previous: Option<Arc<Token>>,
        is_persisted: bool,
        /// Why the provider's answer cannot be used, but for its refresh token.
        problem: Option<Error>,
    },
}

impl Outcome {
    pub(super) fn problem(&self) -> Option<&Error> {
        match self {
            Self::Adopted(_) => None,
            Self::Renewed { problem, .. } => problem.as_ref(),
        }
    }

    /// Tells the application of a new token, or of a new refresh token of the same one.
    pub(super) async fn told(self, config: &Config) -> Result<Arc<Token>> {
        let (token, previous, is_persisted, problem) = match self {
            Self::Adopted(token) => return Ok(token),
            Self::Renewed { token, previous, is_persisted, problem } => (token, previous, is_persisted, problem),
        };
        let is_new = previous.as_ref().is_none_or(|previous| token.is_renewal_of(previous) || !token.has_secrets_of(previous));
        if let Some(update) = config.update_token.as_ref().filter(|_| is_new) {
            update(TokenUpdate { token: Arc::clone(&token), previous, is_persisted }).await?;
        }
        problem.map_or(Ok(token), Err)
    }
}
