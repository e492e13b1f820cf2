//! The claims of a verified token, each absent, valid or wrong (RFC 7519 section 4.1).

use serde_json::Value;

use super::IdTokenError;
use crate::clock;

/// The end of the year 9999: later times are mistakes.
const END_OF_TIME: u64 = 253_402_300_799;

/// A time on this machine's clock, which differs from the provider's by `skew` at most.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) seconds: u64,
    pub(crate) skew: u64,
}

impl Moment {
    /// Whether a time of the provider's is over, whatever the difference.
    fn is_after(self, time: u64) -> bool {
        clock::after(time, self.skew) <= self.seconds
    }

    /// Whether a time of the provider's is to come, whatever the difference.
    fn is_before(self, time: u64) -> bool {
        time > clock::after(self.seconds, self.skew)
    }
}

/// The claims of a token whose signature is verified.
#[derive(Debug)]
pub(crate) struct Claims(Value);

impl Claims {
    pub(crate) const fn new(claims: Value) -> Self {
        Self(claims)
    }

    pub(crate) const fn value(&self) -> &Value {
        &self.0
    }

    pub(crate) fn into_value(self) -> Value {
        self.0
    }

    /// A string that is not empty.
    pub(crate) fn text(&self, name: &str) -> Result<&str, IdTokenError> {
        self.optional_text(name)?.ok_or_else(|| IdTokenError::claim(name, "is missing"))
    }

    /// A string that is not empty, or nothing.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>, IdTokenError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(IdTokenError::claim(name, "is no string, or empty")),
        }
    }

    /// `exp` is to come, `nbf` and `iat` are not (RFC 7519 sections 4.1.4 to 4.1.6).
    pub(crate) fn check_times(&self, now: Moment, requires_iat: bool) -> Result<(), IdTokenError> {
        let expires = self.time("exp")?.ok_or_else(|| IdTokenError::claim("exp", "is missing"))?;
        if now.is_after(expires) {
            return Err(IdTokenError::claim("exp", "is over"));
        }
        if self.time("nbf")?.is_some_and(|from| now.is_before(from)) {
            return Err(IdTokenError::claim("nbf", "is to come"));
        }
        match self.time("iat")? {
            None if requires_iat => Err(IdTokenError::claim("iat", "is missing")),
            Some(issued) if now.is_before(issued) => Err(IdTokenError::claim("iat", "is to come")),
            _ => Ok(()),
        }
    }

    /// `auth_time` is a time, and where an age was asked for, it is there and recent enough; `amr` is a list (OpenID Connect Core
    /// sections 2 and 3.1.2.1).
    pub(crate) fn check_authentication(&self, now: Moment, max_age: Option<u64>) -> Result<(), IdTokenError> {
        match (self.time("auth_time")?, max_age) {
            (None, Some(_)) => return Err(IdTokenError::claim("auth_time", "is missing, although an age was asked for")),
            (Some(then), Some(age)) if clock::since(then, now.seconds) > clock::after(age, now.skew) => {
                return Err(IdTokenError::claim("auth_time", "is longer ago than was asked for"));
            }
            _ => {}
        }
        match self.0.get("amr") {
            None | Some(Value::Array(_)) => Ok(()),
            Some(_) => Err(IdTokenError::claim("amr", "is no list")),
        }
    }

    /// `aud` is the client, alone or with others where `azp` is the client (OpenID Connect Core section 3.1.3.7, steps 3 to 5).
    pub(crate) fn check_audience(&self, client_id: &str) -> Result<(), IdTokenError> {
        let others = match self.0.get("aud") {
            None => return Err(IdTokenError::claim("aud", "is missing")),
            Some(Value::String(audience)) if audience == client_id => false,
            Some(Value::Array(audiences))
                if audiences.iter().all(Value::is_string) && audiences.iter().any(|audience| audience == client_id) =>
            {
                audiences.iter().any(|audience| audience != client_id)
            }
            Some(_) => return Err(IdTokenError::claim("aud", "does not name this client")),
        };
        match self.optional_text("azp")? {
            Some(party) if party == client_id => Ok(()),
            None if !others => Ok(()),
            Some(_) => Err(IdTokenError::claim("azp", "is another client")),
            None => Err(IdTokenError::claim("azp", "is missing, although `aud` names others too")),
        }
    }

    /// Seconds since 1970; a fraction is cut off.
    fn time(&self, name: &str) -> Result<Option<u64>, IdTokenError> {
        let wrong = || IdTokenError::claim(name, "is no time");
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = match value.as_u64() {
            Some(seconds) => seconds,
            None => value.as_f64().filter(|seconds| (0.0..=END_OF_TIME as f64).contains(seconds)).ok_or_else(wrong)? as u64,
        };
        if seconds > END_OF_TIME { Err(wrong()) } else { Ok(Some(seconds)) }
    }
}
