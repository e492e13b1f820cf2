//! The one error type: what failed, where, and who has to act.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use grantry_descriptor::Diagnostics;

use crate::store::StoreError;
use crate::token::Token;

/// The result of a call into the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and who is wrong.
///
/// Neither `Display` nor `Debug` shows a secret. Cheap to clone: of several tasks that wait for one renewal, each gets it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    provider: Option<String>,
    phase: Option<Phase>,
    status: Option<u16>,
    code: Option<String>,
    provider_code: Option<String>,
    description: Option<String>,
    uri: Option<String>,
    excerpt: Option<String>,
    retry_after: Option<u64>,
    /// The request did not leave this machine.
    is_unsent: bool,
    /// The provider answered, and its answer is lost.
    is_answer_lost: bool,
    hint: Option<String>,
    rotated: Option<Box<Token>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Who is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The callback does not answer this sign-in: wrong state, issuer, signature or form. Treat it as hostile.
    Callback,
    /// The provider answered something that is not valid.
    InvalidResponse,
    /// The application misuses the API.
    Misuse,
    /// The grant is gone, or has become another user's: the user has to sign in again.
    ReauthRequired,
    /// The network failed: no answer, or none in time.
    Network,
    /// A refresh was sent and its outcome is not known: the answer was lost, and the refresh token is used up, or may be and is not
    /// sent again since the provider does not take it twice (`refresh.replay` of its descriptor). The user has to sign in again.
    RefreshOutcomeUnknown,
    /// The token store failed.
    Store,
    /// The provider refused (RFC 6749 sections 4.1.2.1 and 5.2), or its API did.
    Refused,
}

/// The step of the protocol in which an error happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Building the authorization URL.
    Authorization,
    /// Reading the authorization response.
    Callback,
    /// The token request.
    Token,
    /// The call right after the token.
    Exchange,
    /// The refresh request.
    Refresh,
    /// The device authorization request (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// The revocation request (RFC 7009).
    Revocation,
    /// The introspection request (RFC 7662).
    Introspection,
    /// Reading the server's metadata (RFC 8414, OpenID Connect Discovery).
    Discovery,
    /// Ending the user's session at the provider (OpenID Connect RP-Initiated Logout).
    Logout,
    /// Fetching the provider's keys.
    Jwks,
    /// Verifying the id token.
    IdToken,
    /// Reading the profile.
    Userinfo,
    /// A protected request of the application's.
    ProtectedRequest,
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization request",
            Self::Callback => "callback",
            Self::Token => "token request",
            Self::Exchange => "token exchange after sign-in",
            Self::Refresh => "refresh",
            Self::DeviceAuthorization => "device authorization request",
            Self::Revocation => "revocation",
            Self::Introspection => "introspection",
            Self::Discovery => "discovery",
            Self::Logout => "logout",
            Self::Jwks => "key set",
            Self::IdToken => "id token",
            Self::Userinfo => "profile",
            Self::ProtectedRequest => "protected request",
        }
    }
}

impl Error {
    /// Who is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The provider's id.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The step of the protocol.
    pub fn phase(&self) -> Option<Phase> {
        self.0.phase
    }

    /// The HTTP status of the provider's answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The error code of the answer or callback (`error`, RFC 6749 sections 4.1.2.1 and 5.2).
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The provider's own code, where its descriptor says that it means the standard one in [`code`](Self::code).
    pub fn provider_code(&self) -> Option<&str> {
        self.0.provider_code.as_deref()
    }

    /// The provider's words (`error_description`).
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The provider's page about the error (`error_uri`).
    pub fn uri(&self) -> Option<&str> {
        self.0.uri.as_deref()
    }

    /// The beginning of a body that could not be read, redacted.
    pub fn excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// Seconds to wait before another try, as the provider asks (`Retry-After`).
    pub fn retry_after(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later: the network failed, or the provider is busy or down.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Network => true,
            ErrorKind::Store => !self.is_corrupt(),
            ErrorKind::ReauthRequired | ErrorKind::RefreshOutcomeUnknown => false,
            _ => matches!(self.0.status, Some(429 | 500..=599)),
        }
    }

    /// Whether a record of the token store is damaged.
    fn is_corrupt(&self) -> bool {
        let source = self.0.source.as_deref().and_then(|source| source.downcast_ref::<StoreError>());
        source.is_some_and(StoreError::is_corrupt)
    }

    /// Whether the user has to sign in again: the grant is gone, or the user refused it.
    pub fn needs_login(&self) -> bool {
        match self.code() {
            // A hook of the application's stopped the request, by what it was told about something else.
            _ if self.0.is_unsent => false,
            _ if matches!(self.0.kind, ErrorKind::ReauthRequired | ErrorKind::RefreshOutcomeUnknown) => true,
            Some("invalid_grant") => self.0.phase == Some(Phase::Refresh),
            Some("access_denied" | "login_required" | "consent_required" | "interaction_required") => true,
            _ => self.0.kind == ErrorKind::Callback,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// After [`Client::refresh`](crate::Client::refresh): the token that was to be renewed, with the refresh token that may have replaced
    /// its own. The provider took the refresh, and what follows it failed: the id token could not be verified, say, since the
    /// provider's keys could not be fetched. Store it in place of the old one, whose refresh token may be used up. A session keeps it
    /// by itself.
    pub fn rotated_token(&self) -> Option<&Token> {
        self.0.rotated.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            provider: None,
            phase: None,
            status: None,
            code: None,
            provider_code: None,
            description: None,
            uri: None,
            excerpt: None,
            retry_after: None,
            is_unsent: false,
            is_answer_lost: false,
            hint: None,
            rotated: None,
            source: None,
        }))
    }

    /// For hooks and implementations of traits: the application's own reason to stop.
    pub fn custom(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Misuse, message)
    }

    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Misuse, message)
    }

    pub(crate) fn callback(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Callback, message).in_phase(Phase::Callback)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidResponse, message)
    }

    pub(crate) fn store(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Store, message)
    }

    /// Whether it is certain that the provider has not seen the request.
    pub(crate) fn is_unsent(&self) -> bool {
        self.0.is_unsent
    }

    pub(crate) fn unsent(self) -> Self {
        self.changed(|inner| (inner.is_unsent, inner.is_answer_lost) = (true, false))
    }

    /// Whether the provider's answer came, and nobody has read it.
    pub(crate) fn is_answer_lost(&self) -> bool {
        self.0.is_answer_lost
    }

    pub(crate) fn answer_lost(self) -> Self {
        self.changed(|inner| inner.is_answer_lost = true)
    }

    /// The same error, which means more.
    pub(crate) fn with_kind(self, kind: ErrorKind) -> Self {
        self.changed(|inner| (inner.kind, inner.is_unsent) = (kind, false))
    }

    pub(crate) fn of_provider(self, provider: &str) -> Self {
        self.changed(|inner| {
            inner.provider.get_or_insert_with(|| provider.to_owned());
        })
    }

    pub(crate) fn in_phase(self, phase: Phase) -> Self {
        self.changed(|inner| {
            inner.phase.get_or_insert(phase);
        })
    }

    fn changed(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        self.changed(|inner| inner.status = Some(status))
    }

    pub(crate) fn with_code(self, code: Option<String>) -> Self {
        self.changed(|inner| inner.code = code)
    }

    /// Puts a standard code in place of the provider's own, which is kept.
    pub(crate) fn meaning(self, standard: &str) -> Self {
        self.changed(|inner| inner.provider_code = inner.code.replace(standard.to_owned()))
    }

    pub(crate) fn with_description(self, description: Option<String>) -> Self {
        self.changed(|inner| inner.description = description)
    }

    pub(crate) fn with_uri(self, uri: Option<String>) -> Self {
        self.changed(|inner| inner.uri = uri)
    }

    pub(crate) fn with_excerpt(self, excerpt: Option<String>) -> Self {
        self.changed(|inner| inner.excerpt = excerpt)
    }

    pub(crate) fn with_retry_after(self, seconds: Option<u64>) -> Self {
        self.changed(|inner| inner.retry_after = seconds)
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.changed(|inner| inner.hint = Some(hint.into()))
    }

    pub(crate) fn with_rotated_token(self, token: Token) -> Self {
        self.changed(|inner| inner.rotated = Some(Box::new(token)))
    }

    pub(crate) fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.changed(|inner| inner.source = Some(Arc::new(source)))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::store(error.to_string()).with_source(error)
    }
}

impl From<Diagnostics> for Error {
    /// A descriptor that is not valid: the application's mistake.
    fn from(problems: Diagnostics) -> Self {
        Self::misuse(problems.to_string()).with_source(problems)
    }
}

impl fmt::Display for Error {
    /// `github: token request: bad_verification_code: The code passed is incorrect or expired. (HTTP 200)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(provider) = &inner.provider {
            write!(f, "{provider}: ")?;
        }
        if let Some(phase) = inner.phase {
            write!(f, "{}: ", phase.as_str())?;
        }
        f.write_str(&inner.message)?;
        if let Some(code) = &inner.code {
            write!(f, ": {}", Printable(code))?;
        }
        if let Some(code) = &inner.provider_code {
            write!(f, " (here `{}`)", Printable(code))?;
        }
        if let Some(description) = &inner.description {
            write!(f, ": {}", Printable(description))?;
        }
        if let Some(status) = inner.status {
            write!(f, " (HTTP {status})")?;
        }
        if let Some(excerpt) = &inner.excerpt {
            write!(f, "; the body begins: {}", Printable(excerpt))?;
        }
        if let Some(hint) = &inner.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {self})", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Text from outside, with control characters escaped: no line of a log can be forged.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_session_was_sent_or_not() {
        for kind in [ErrorKind::ReauthRequired, ErrorKind::RefreshOutcomeUnknown] {
            let error = Error::new(ErrorKind::Network, "the connection failed").unsent().with_kind(kind);
            assert!(error.needs_login() && !error.is_retryable());
        }
    }

    #[test]
    fn display_names_provider_phase_code_and_status() {
        let error = Error::new(ErrorKind::Refused, "the provider refused")
            .of_provider("acme")
            .in_phase(Phase::Token)
            .with_status(400)
            .with_code(Some("invalid_grant".into()))
            .with_description(Some("code\nexpired".into()));
        assert_eq!(error.to_string(), "acme: token request: the provider refused: invalid_grant: code\\nexpired (HTTP 400)");
        assert!(!error.is_retryable());
        assert!(!error.needs_login());
    }

    #[test]
    fn a_refused_refresh_needs_a_login() {
        let error = Error::new(ErrorKind::Refused, "refused").in_phase(Phase::Refresh).with_code(Some("invalid_grant".into()));
        assert!(error.needs_login());
    }

    #[test]
    fn a_code_that_means_a_standard_one_is_kept() {
        let error = Error::new(ErrorKind::Refused, "refused").with_code(Some("bad\ntoken".into())).meaning("invalid_grant");
        assert_eq!((error.code(), error.provider_code()), (Some("invalid_grant"), Some("bad\ntoken")));
        assert_eq!(error.to_string(), "refused: invalid_grant (here `bad\\ntoken`)");
    }
}
