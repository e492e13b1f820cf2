//! What the provider starts: logouts and sign-ins (OpenID Connect Back-Channel Logout 1.0, Front-Channel Logout 1.0, Core section 4).

use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::openid::issuer;
use crate::phase::encode;

/// The parameters of a request that the provider sent through the browser: a URL, its path and query, or a posted form.
fn parameters(request: &str) -> Result<Vec<(String, String)>> {
    let text = request.split('#').next().unwrap_or_default();
    let text = text.split_once('?').map_or(text, |(_, query)| query);
    encode::parse_form(text).ok_or_else(|| Error::callback("the request is not UTF-8"))
}

fn get<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn is_of_provider(config: &Config, iss: &str) -> Result<bool> {
    match &config.model().openid {
        Some(openid) => issuer::names(config, openid, iss),
        None => Err(Error::misuse("the provider is no OpenID provider")),
    }
}

/// A logout that the provider told through the browser (Front-Channel Logout section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrontChannelLogout {
    /// `sid`: the session that has ended; `None`: every session of this browser's.
    pub session_id: Option<String>,
}

/// Reads a front-channel logout: `iss` and `sid` come together, and `iss` is the provider.
pub(crate) fn front_channel_logout(config: &Config, request: &str) -> Result<FrontChannelLogout> {
    let refused = |why: &str| Err(Error::new(ErrorKind::Callback, why).in_phase(Phase::Logout));
    let parameters = parameters(request)?;
    match (get(&parameters, "iss"), get(&parameters, "sid")) {
        (None, None) => Ok(FrontChannelLogout { session_id: None }),
        (Some(iss), Some(sid)) if is_of_provider(config, iss)? => Ok(FrontChannelLogout { session_id: Some(sid.to_owned()) }),
        (Some(_), Some(_)) => refused("the logout comes from another issuer (`iss`)"),
        _ => refused("`iss` and `sid` belong together, and one is missing"),
    }
}

/// A sign-in that somebody else wants to start (OpenID Connect Core section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitiatedLogin {
    /// `login_hint`: pass it to [`Authorize::login_hint`](crate::Authorize::login_hint).
    pub login_hint: Option<String>,
    /// `target_link_uri`: where the user wants to go afterwards. It comes from outside: send the user only to pages of one's own.
    pub target_link_uri: Option<String>,
}

/// Reads a request to start a sign-in: it must name this provider.
pub(crate) fn initiated_login(config: &Config, request: &str) -> Result<InitiatedLogin> {
    let parameters = parameters(request)?;
    match get(&parameters, "iss") {
        Some(iss) if is_of_provider(config, iss)? => Ok(InitiatedLogin {
            login_hint: get(&parameters, "login_hint").map(str::to_owned),
            target_link_uri: get(&parameters, "target_link_uri").map(str::to_owned),
        }),
        Some(_) => Err(Error::callback("the sign-in is for another issuer (`iss`)")),
        None => Err(Error::callback("the request does not name its issuer (`iss`)")),
    }
}

#[cfg(feature = "jose")]
pub use back_channel::LogoutToken;
#[cfg(feature = "jose")]
pub(crate) use back_channel::{is_logout, logout_token};

#[cfg(feature = "jose")]
mod back_channel {
    use serde_json::Value;

    use crate::config::Config;
    use crate::error::{Phase, Result};
    use crate::jose::{Claims, IdTokenError};
    use crate::openid::verify::{refused, verify_logout_token};

    /// The event that a logout token is about (Back-Channel Logout section 2.4).
    const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

    /// A logout that the provider told the application itself.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct LogoutToken {
        /// `sub`: the user.
        pub subject: Option<String>,
        /// `sid`: the session that has ended; `None`: every session of the user's.
        pub session_id: Option<String>,
        /// `jti`: remember it until the token expires, to see a token that comes again.
        pub id: String,
    }

    /// Whether the claims are about a logout.
    pub(crate) fn is_logout(claims: &Claims) -> bool {
        claims.value().get("events").and_then(|events| events.get(EVENT)).is_some()
    }

    /// Verifies a logout token (Back-Channel Logout section 2.6).
    pub(crate) async fn logout_token(config: &Config, jwt: &str) -> Result<LogoutToken> {
        let claims = verify_logout_token(config, jwt).await.map_err(|error| error.in_phase(Phase::Logout))?;
        read(&claims).map_err(|error| refused(error).in_phase(Phase::Logout))
    }

    fn read(claims: &Claims) -> Result<LogoutToken, IdTokenError> {
        let is_logout = claims.value().get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object);
        if !is_logout {
            return Err(IdTokenError::claim("events", "is not about a logout"));
        }
        if claims.value().get("nonce").is_some() {
            return Err(IdTokenError::claim("nonce", "is there, as in an id token"));
        }
        let text = |name: &str| claims.optional_text(name).map(|text| text.map(str::to_owned));
        let (subject, session_id) = (text("sub")?, text("sid")?);
        if subject.is_none() && session_id.is_none() {
            return Err(IdTokenError::claim("sub", "is missing, and so is `sid`"));
        }
        Ok(LogoutToken { subject, session_id, id: claims.text("jti")?.to_owned() })
    }
}
