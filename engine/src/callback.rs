//! The authorization response (RFC 6749 section 4.1.2), as it reaches the redirect URI.

use std::fmt;

use grantry_descriptor::model::{CallbackSignature, DigestAlgorithm, Model};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use url::Url;

use crate::authorization::{Pending, ResponseMode};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::phase::{digest, encode};

/// Longest callback, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Most parameters of a callback.
const MAX_PARAMETERS: usize = 64;

/// What came to the redirect URI.
pub struct Callback(Repr);

enum Repr {
    Url(String),
    Form(String),
}

impl Callback {
    /// The body of a POST to the redirect URI (`response_mode=form_post`).
    pub fn form_post(body: impl Into<String>) -> Self {
        Self(Repr::Form(body.into()))
    }
}

impl From<&str> for Callback {
    /// The whole URL that was called, or its path and query.
    fn from(url: &str) -> Self {
        Self(Repr::Url(url.to_owned()))
    }
}

impl From<String> for Callback {
    /// The whole URL that was called, or its path and query.
    fn from(url: String) -> Self {
        Self(Repr::Url(url))
    }
}

impl From<&String> for Callback {
    /// The whole URL that was called, or its path and query.
    fn from(url: &String) -> Self {
        Self(Repr::Url(url.clone()))
    }
}

impl From<&Url> for Callback {
    /// The whole URL that was called.
    fn from(url: &Url) -> Self {
        Self(Repr::Url(url.as_str().to_owned()))
    }
}

impl From<Url> for Callback {
    /// The whole URL that was called.
    fn from(url: Url) -> Self {
        Self(Repr::Url(url.into()))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Repr::Url(_) => "Callback::Url(..)",
            Repr::Form(_) => "Callback::Form(..)",
        })
    }
}

/// A callback that belongs to the pending sign-in and carries a code.
pub(crate) struct Accepted {
    pub(crate) code: Option<String>,
    /// Every parameter, under the provider's names.
    pub(crate) parameters: Value,
}

/// Reads a callback: signature and state first, then the error, then `iss`, then the code.
pub(crate) fn accept(config: &Config, pending: &Pending, callback: Callback) -> Result<Accepted> {
    let parameters = Parameters::read(config.model(), pending, callback)?;
    check_signature(config, &parameters)?;
    check_state(&parameters, pending)?;
    check_issuer(config, &parameters)?;
    if let Some(code) = parameters.get("error").filter(|code| !code.is_empty()) {
        return Err(refused(config.model(), &parameters, code));
    }
    let wanted = sends_code(config.model());
    let code = parameters.get("code").filter(|code| !code.is_empty()).map(str::to_owned);
    if code.is_none() && wanted {
        return Err(Error::callback("the callback has neither a code nor an error"));
    }
    Ok(Accepted { code, parameters: parameters.into_value() })
}

/// Whether the provider's token request takes the code at all.
fn sends_code(model: &Model) -> bool {
    !model.token.request.parameters.iter().any(|parameter| parameter.name == "code" && parameter.value.is_none())
}

struct Parameters<'a> {
    model: &'a Model,
    pairs: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    fn read(model: &'a Model, pending: &Pending, callback: Callback) -> Result<Self> {
        let (text, mode) = match callback.0 {
            Repr::Url(url) => (query_of(&url, pending)?, ResponseMode::Query),
            Repr::Form(body) => (body, ResponseMode::FormPost),
        };
        if mode != pending.response_mode {
            let (asked, got) = (pending.response_mode.describe(), mode.describe());
            return Err(Error::callback(format!("the callback came as {got}, and {asked} was asked for"))
                .with_hint("where a form was asked for, pass the body of the POST: `Callback::form_post(body)`"));
        }
        if text.len() > MAX_LENGTH {
            return Err(Error::callback(format!("the callback is longer than {MAX_LENGTH} bytes")));
        }
        let pairs = encode::parse_form(&text).ok_or_else(|| Error::callback("the callback is not UTF-8"))?;
        if pairs.len() > MAX_PARAMETERS {
            return Err(Error::callback(format!("the callback has more than {MAX_PARAMETERS} parameters")));
        }
        let parameters = Self { model, pairs };
        parameters.refuse_duplicates()?;
        Ok(parameters)
    }

    fn refuse_duplicates(&self) -> Result<()> {
        for (at, (name, _)) in self.pairs.iter().enumerate() {
            if self.pairs.iter().take(at).any(|(other, _)| other == name) {
                return Err(Error::callback("a parameter stands twice in the callback"));
            }
        }
        Ok(())
    }

    /// A parameter by its standard name.
    fn get(&self, name: &str) -> Option<&str> {
        match self.model.callback.names.iter().find(|(standard, _)| standard == name) {
            Some((_, names)) => names.iter().find_map(|name| self.raw(name)),
            None => self.raw(name),
        }
    }

    /// A parameter by the name that it has on the wire.
    fn raw(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn into_value(self) -> Value {
        Value::Object(self.pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>())
    }
}

/// The query of a callback URL. A fragment is ignored: some providers append `#_=_`.
fn query_of(callback: &str, pending: &Pending) -> Result<String> {
    let without_fragment = callback.split('#').next().unwrap_or_default();
    let (place, query) = without_fragment.split_once('?').unwrap_or((without_fragment, ""));
    let expected = pending.redirect_uri.as_deref().and_then(|uri| uri.parse::<Url>().ok());
    if let (Ok(place), Some(expected)) = (place.parse::<Url>(), &expected) {
        let same = place.scheme() == expected.scheme() && place.host_str() == expected.host_str() && place.path() == expected.path();
        if !same {
            return Err(Error::callback("the callback URL is not the redirect URI")
                .with_hint("behind a proxy that changes host or path, pass only the path and query of the callback"));
        }
    }
    Ok(own_query_removed(query, expected.as_ref()))
}

/// A redirect URI may have a query of its own, which comes back with the callback.
fn own_query_removed(query: &str, redirect_uri: Option<&Url>) -> String {
    match redirect_uri.and_then(Url::query).filter(|own| !own.is_empty()) {
        Some(own) => query.strip_prefix(own).map_or(query, |rest| rest.trim_start_matches('&')).to_owned(),
        None => query.to_owned(),
    }
}

fn check_state(parameters: &Parameters<'_>, pending: &Pending) -> Result<()> {
    let Some(state) = parameters.get("state") else { return Err(Error::callback("the callback has no state")) };
    if bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) {
        Ok(())
    } else {
        Err(Error::callback("the state of the callback is not that of this sign-in"))
    }
}

fn check_signature(config: &Config, parameters: &Parameters<'_>) -> Result<()> {
    let Some(CallbackSignature::Hmac) = config.model().callback.signature else { return Ok(()) };
    let signature = parameters.raw("hmac").ok_or_else(|| Error::callback("the callback is not signed"))?;
    let secret = config.credential.secret().ok_or_else(|| Error::misuse("the callback's signature needs the client secret"))?;
    let mut signed: Vec<(&str, &str)> =
        parameters.pairs.iter().filter(|(name, _)| name != "hmac").map(|(name, value)| (name.as_str(), value.as_str())).collect();
    signed.sort_unstable();
    let message = signed.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let expected = digest::hex(DigestAlgorithm::HmacSha256, secret.expose(), &message);
    if bool::from(signature.as_bytes().ct_eq(expected.as_bytes())) { Ok(()) } else { Err(Error::callback("the signature of the callback is wrong")) }
}

/// RFC 9207: `iss` must be there where the provider says so, and must be right where it is there.
fn check_issuer(config: &Config, parameters: &Parameters<'_>) -> Result<()> {
    let model = config.model();
    let Some(openid) = &model.openid else { return Ok(()) };
    match parameters.get("iss") {
        None if model.authorization.iss_parameter => Err(Error::callback("the callback does not name its issuer (`iss`)")),
        None => Ok(()),
        Some(issuer) if crate::openid::issuer::names(config, openid, issuer)? => Ok(()),
        Some(_) => Err(Error::callback("the callback comes from another issuer (`iss`)")),
    }
}

fn refused(model: &Model, parameters: &Parameters<'_>, code: &str) -> Error {
    let denied = model.callback.access_denied.iter().any(|denied| denied == code);
    let code = if denied { "access_denied" } else { code };
    Error::new(ErrorKind::Refused, "the provider refused")
        .in_phase(Phase::Callback)
        .with_code(Some(code.to_owned()))
        .with_description(parameters.get("error_description").map(str::to_owned))
        .with_uri(parameters.get("error_uri").map(str::to_owned))
}
