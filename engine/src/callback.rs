//! The authorization response (RFC 6749 section 4.1.2), as it reaches the redirect URI.

use std::fmt;

use grantry_descriptor::model::{CallbackSignature, DigestAlgorithm, Model, Part, Request, Value as Named};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use url::Url;

use crate::authorization::{Pending, ResponseMode};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::phase::document::stands_twice;
use crate::phase::path::single;
use crate::phase::{digest, encode};

/// How long a user may take to come back, in seconds: one hour.
pub(crate) const LIFETIME: u64 = 60 * 60;

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

/// A callback that belongs to the pending sign-in.
pub(crate) struct Accepted {
    pub(crate) code: Option<String>,
    /// What came beside the code or instead of it, under the standard names (RFC 6749 section 4.2.2).
    pub(crate) tokens: Map<String, Value>,
    /// Every parameter, under the provider's names.
    pub(crate) parameters: Value,
}

/// Reads a callback: signature and state first, then the error, then `iss`, then the code.
pub(crate) fn accept(config: &Config, pending: &Pending, callback: &Callback) -> Result<Accepted> {
    let parameters = Parameters::read(config.model(), pending, callback)?;
    check_signature(config, &parameters)?;
    check_state(&parameters, pending)?;
    check_issuer(config, pending, &parameters)?;
    if let Some(code) = parameters.get("error").filter(|code| !code.is_empty()) {
        return Err(refused(config.model(), &parameters, code));
    }
    let code = parameters.get("code").filter(|code| !code.is_empty()).map(str::to_owned);
    let tokens = parameters.tokens(pending);
    let has = |name: &str| if name == "code" { code.is_some() } else { tokens.contains_key(name) };
    for (asked, name) in [("code", "code"), ("token", "access_token"), ("id_token", "id_token")] {
        if pending.asks_for(asked) && !has(name) && (asked != "code" || sends_code(config.model())) {
            return Err(Error::callback(format!("the callback has neither {} nor an error", article(name))));
        }
    }
    Ok(Accepted { code, tokens, parameters: parameters.into_value() })
}

fn article(name: &str) -> &str {
    match name {
        "code" => "a code",
        "id_token" => "an id_token",
        _ => "an access_token",
    }
}

/// Whether the provider takes the code at all: its token request, or its profile, which then says whose code it is.
fn sends_code(model: &Model) -> bool {
    let is_dropped = model.token.request.parameters.iter().any(|parameter| parameter.name == "code" && parameter.value.is_none());
    !is_dropped || names_code(&model.token.request) || model.userinfo.iter().any(|userinfo| names_code(&userinfo.request))
}

fn names_code(request: &Request) -> bool {
    let is_code = |part: &Part| matches!(part, Part::Value(Named::Callback(path)) if single(path) == Some("code"));
    let mut templates = request.parameters.iter().filter_map(|parameter| parameter.value.as_ref());
    templates.any(|template| template.parts.iter().any(is_code))
}

struct Parameters<'a> {
    model: &'a Model,
    pairs: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    fn read(model: &'a Model, pending: &Pending, callback: &Callback) -> Result<Self> {
        let (text, mode) = match &callback.0 {
            Repr::Url(url) if pending.response_mode == ResponseMode::Fragment => {
                (fragment_of(url, pending)?, ResponseMode::Fragment)
            }
            Repr::Url(url) => (query_of(url, pending)?, ResponseMode::Query),
            Repr::Form(body) => (body.as_str(), ResponseMode::FormPost),
        };
        if mode != pending.response_mode {
            let (asked, got) = (pending.response_mode.describe(), mode.describe());
            return Err(Error::callback(format!("the callback came as {got}, and {asked} was asked for"))
                .with_hint("where a form was asked for, pass the body of the POST: `Callback::form_post(body)`"));
        }
        if text.len() > MAX_LENGTH {
            return Err(Error::callback(format!("the callback is longer than {MAX_LENGTH} bytes")));
        }
        if !encode::is_encoded(text) {
            return Err(Error::callback("the callback is not form-encoded")
                .with_hint("pass the query or the body as it came, before anything decodes it"));
        }
        let pairs = encode::parse_form(text).ok_or_else(|| Error::callback("the callback is not UTF-8"))?;
        if pairs.len() > MAX_PARAMETERS {
            return Err(Error::callback(format!("the callback has more than {MAX_PARAMETERS} parameters")));
        }
        if stands_twice(&pairs) {
            return Err(Error::callback("a parameter stands twice in the callback"));
        }
        Ok(Self { model, pairs })
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

    /// The members of a token answer that came through the browser, where tokens were asked for.
    fn tokens(&self, pending: &Pending) -> Map<String, Value> {
        if pending.response_type == "code" {
            return Map::new();
        }
        let names = ["access_token", "token_type", "expires_in", "scope", "id_token"];
        let present = |name: &'static str| Some((name, self.get(name).filter(|value| !value.is_empty())?));
        names.into_iter().filter_map(present).map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    fn into_value(self) -> Value {
        let mut members = Map::new();
        members.extend(self.pairs.into_iter().map(|(name, value)| (name, Value::String(value))));
        Value::Object(members)
    }
}

/// The fragment of a callback URL; its query, where there is none: some providers answer the hybrid flow so.
fn fragment_of<'c>(callback: &'c str, pending: &Pending) -> Result<&'c str> {
    match callback.split_once('#') {
        Some((place, fragment)) if !fragment.is_empty() => query_of(place, pending).map(|_| fragment),
        _ => query_of(callback, pending),
    }
}

/// The query of a callback URL. A fragment is ignored: some providers append `#_=_`.
fn query_of<'c>(callback: &'c str, pending: &Pending) -> Result<&'c str> {
    let without_fragment = callback.split('#').next().unwrap_or_default();
    let (place, query) = without_fragment.split_once('?').unwrap_or((without_fragment, ""));
    if pending.redirect_uri.as_deref() == Some(place) {
        return Ok(query);
    }
    let expected = pending.redirect_uri.as_deref().and_then(|uri| uri.parse::<Url>().ok());
    if let (Ok(place), Some(expected)) = (place.parse::<Url>(), &expected) {
        let same =
            place.scheme() == expected.scheme() && place.host_str() == expected.host_str() && place.path() == expected.path();
        if !same {
            return Err(Error::callback("the callback URL is not the redirect URI")
                .with_hint("behind a proxy that changes host or path, pass only the path and query of the callback"));
        }
    }
    Ok(own_query_removed(query, expected.as_ref()))
}

/// A redirect URI may have a query of its own, which comes back with the callback.
fn own_query_removed<'c>(query: &'c str, redirect_uri: Option<&Url>) -> &'c str {
    match redirect_uri.and_then(Url::query).filter(|own| !own.is_empty()) {
        Some(own) => query.strip_prefix(own).map_or(query, |rest| rest.trim_start_matches('&')),
        None => query,
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
    if bool::from(signature.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(Error::callback("the signature of the callback is wrong"))
    }
}

/// RFC 9207: `iss` must be there where the provider says so, and must be right where it is there and the issuer is known. Beside an id
/// token providers leave it out, since the token names its issuer; that is verified before the code is sent.
fn check_issuer(config: &Config, pending: &Pending, parameters: &Parameters<'_>) -> Result<()> {
    let model = config.model();
    let has_id_token = pending.asks_for("id_token") && parameters.get("id_token").is_some_and(|token| !token.is_empty());
    let is_missing = parameters.get("iss").is_none_or(str::is_empty);
    if is_missing && model.authorization.iss_parameter && !has_id_token {
        return Err(Error::callback("the callback does not name its issuer (`iss`)"));
    }
    match (parameters.get("iss"), &model.openid) {
        (Some(issuer), Some(openid)) if !crate::openid::issuer::names(config, openid, issuer)? => {
            Err(Error::callback("the callback comes from another issuer (`iss`)"))
        }
        _ => Ok(()),
    }
}

fn refused(model: &Model, parameters: &Parameters<'_>, code: &str) -> Error {
    let error = Error::new(ErrorKind::Refused, "the provider refused")
        .in_phase(Phase::Callback)
        .with_code(Some(code.to_owned()))
        .with_description(parameters.get("error_description").map(str::to_owned))
        .with_uri(parameters.get("error_uri").map(str::to_owned));
    let is_denied = model.callback.access_denied.iter().any(|denied| denied == code);
    if is_denied { error.meaning("access_denied") } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::provider::Dynamic;

    const ACME: &str = "
name: Acme
documentation: https://acme.example/docs
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
client_authentication:
  method: client_secret_post
callback:
  names:
    code: auth_code
    error: [error, error_code]
  access_denied: [user_cancelled]
";

    fn pending(client: &Client<Dynamic>) -> Pending {
        client.authorize().state("st").start().unwrap().1
    }

    fn client(yaml: &str) -> Client<Dynamic> {
        let descriptor = grantry_descriptor::Descriptor::from_yaml(yaml, "acme.yaml").unwrap();
        Client::from_descriptor(descriptor, std::collections::BTreeMap::new(), "id", "hush")
            .unwrap()
            .redirect_uri("https://app.example/cb")
            .unwrap()
    }

    fn accepted(yaml: &str, callback: impl Into<Callback>) -> Result<String> {
        let client = client(yaml);
        accept(client.config(), &pending(&client), &callback.into()).map(|accepted| accepted.code.unwrap_or_default())
    }

    fn refusal(callback: &str) -> String {
        accepted(ACME, callback).unwrap_err().to_string()
    }

    #[test]
    fn a_url_or_its_path_and_query() {
        assert_eq!(accepted(ACME, "https://app.example/cb?auth_code=c&state=st").unwrap(), "c");
        assert_eq!(accepted(ACME, "/cb?state=st&auth_code=a%2Fb").unwrap(), "a/b");
        assert_eq!(accepted(ACME, "/cb?auth_code=c&state=st#_=_").unwrap(), "c");
        assert!(accepted(ACME, "https://evil.example/cb?auth_code=c&state=st").is_err());
        assert!(accepted(ACME, "https://app.example/other?auth_code=c&state=st").is_err());
    }

    #[test]
    fn the_state_comes_before_everything() {
        assert_eq!(refusal("/cb?auth_code=c"), "callback: the callback has no state");
        assert_eq!(refusal("/cb?auth_code=c&state=other"), "callback: the state of the callback is not that of this sign-in");
        assert_eq!(
            refusal("/cb?error=access_denied&state=other"),
            "callback: the state of the callback is not that of this sign-in"
        );
        assert_eq!(refusal("/cb?error=access_denied"), "callback: the callback has no state");
    }

    #[test]
    fn a_code_must_be_there_where_anything_takes_it() {
        let without = |userinfo: &str| {
            let yaml =
                format!("{ACME}token: {{ parameters: {{ code: null }} }}\nuserinfo: {{ {userinfo} claims: {{ sub: id }} }}\n");
            let yaml = yaml.replace("  token_endpoint", "  userinfo_endpoint: https://acme.example/me\n  token_endpoint");
            accepted(&yaml, "/cb?state=st").map_err(|error| error.to_string())
        };
        assert_eq!(without("").unwrap(), "");
        let refused = without(r#"parameters: { code: "{callback.code}" },"#).unwrap_err();
        assert_eq!(refused, "callback: the callback has neither a code nor an error");
    }

    #[test]
    fn errors_win_over_codes() {
        let error = accepted(ACME, "/cb?auth_code=c&error=server_error&error_description=x&state=st").unwrap_err();
        assert_eq!((error.code(), error.description()), (Some("server_error"), Some("x")));
        assert_eq!(accepted(ACME, "/cb?error_code=901&state=st").unwrap_err().code(), Some("901"));
        let cancelled = accepted(ACME, "/cb?error=user_cancelled&state=st").unwrap_err();
        assert_eq!((cancelled.code(), cancelled.provider_code()), (Some("access_denied"), Some("user_cancelled")));
        assert!(cancelled.needs_login());
    }

    #[test]
    fn duplicates_and_sizes_are_refused() {
        for name in ["auth_code", "state", "error", "iss", "anything"] {
            let twice = format!("/cb?auth_code=c&state=st&{name}=x&{name}=y");
            assert!(refusal(&twice).contains("stands twice"), "{name}");
        }
        assert!(refusal(&format!("/cb?auth_code=c&state=st&x={}", "y".repeat(MAX_LENGTH))).contains("longer than"));
        let many: String = (0..100).map(|i| format!("&p{i}=1")).collect();
        assert!(refusal(&format!("/cb?auth_code=c&state=st{many}")).contains("more than 64 parameters"));
        assert!(refusal("/cb?auth_code=%ff&state=st").contains("not UTF-8"));
        assert!(refusal("/cb?state=st").contains("neither a code nor an error"));
        assert!(refusal("/cb?state=st&auth_code=").contains("neither a code nor an error"));
    }

    #[test]
    fn a_form_where_a_form_was_asked_for() {
        let posted = ACME.replace("callback:", "authorization:\n  parameters: { response_mode: form_post }\ncallback:");
        assert_eq!(accepted(&posted, Callback::form_post("auth_code=c&state=st")).unwrap(), "c");
        assert!(accepted(&posted, "/cb?auth_code=c&state=st").is_err());
        assert!(accepted(ACME, Callback::form_post("auth_code=c&state=st")).is_err());
    }

    #[test]
    fn a_signed_callback() {
        let signed = ACME.replace("callback:", "callback:\n  signature: hmac");
        let hmac = digest::hex(DigestAlgorithm::HmacSha256, "hush", "auth_code=c&shop=a b&state=st");
        assert_eq!(accepted(&signed, format!("/cb?state=st&hmac={hmac}&auth_code=c&shop=a+b")).unwrap(), "c");
        assert!(accepted(&signed, format!("/cb?state=st&hmac={hmac}&auth_code=d&shop=a+b")).is_err());
        assert!(accepted(&signed, "/cb?state=st&auth_code=c&shop=a+b").is_err());
    }

    #[test]
    fn the_issuer_is_checked_where_it_is_known() {
        let openid = format!("{ACME}openid:\n  issuer: https://acme.example\n");
        let openid = openid.replace("token_endpoint:", "jwks_uri: https://acme.example/jwks\n  token_endpoint:");
        let ok = "/cb?auth_code=c&state=st";
        assert!(accepted(&openid, ok).is_ok());
        assert!(accepted(&openid, format!("{ok}&iss=https%3A%2F%2Facme.example")).is_ok());
        assert!(accepted(&openid, format!("{ok}&iss=https%3A%2F%2Facme.example%2F")).is_err());
        let declared = openid.replace("callback:", "authorization:\n  iss_parameter: true\ncallback:");
        assert!(accepted(&declared, ok).is_err());
        assert!(accepted(&declared, format!("{ok}&iss=https%3A%2F%2Facme.example")).is_ok());
    }

    #[test]
    fn a_declared_issuer_must_be_named_also_where_it_is_not_known() {
        let declared = ACME.replace("callback:", "authorization:\n  iss_parameter: true\ncallback:");
        let ok = "/cb?auth_code=c&state=st";
        for missing in [ok.to_owned(), format!("{ok}&iss="), "/cb?error=access_denied&state=st".to_owned()] {
            let refused = accepted(&declared, missing).unwrap_err().to_string();
            assert_eq!(refused, "callback: the callback does not name its issuer (`iss`)");
        }
        assert!(accepted(&declared, format!("{ok}&iss=https%3A%2F%2Facme.example")).is_ok());
        assert!(accepted(ACME, ok).is_ok());
    }

    #[test]
    fn an_id_token_beside_the_code_stands_for_iss() {
        let openid = ACME.replace("callback:", "authorization:\n  iss_parameter: true\ncallback:");
        let openid =
            format!("{openid}openid:\n  issuer: https://acme.example\ngrant_types_supported: [authorization_code, implicit]\n");
        let client = client(&openid.replace("token_endpoint:", "jwks_uri: https://acme.example/jwks\n  token_endpoint:"));
        let accepted = |response_type: &str, callback: &str| {
            let (_, pending) = client.authorize().state("st").response_type(response_type).start().unwrap();
            accept(client.config(), &pending, &callback.into()).is_ok()
        };
        assert!(accepted("code id_token", "/cb#auth_code=c&id_token=x.y.z&state=st"));
        assert!(!accepted("code id_token", "/cb#auth_code=c&id_token=x.y.z&iss=https://evil.example&state=st"));
        assert!(!accepted("code id_token", "/cb#error=server_error&state=st"));
        assert!(!accepted("code token", "/cb#auth_code=c&access_token=t&id_token=x.y.z&state=st"));
        assert!(!accepted("code", "/cb?auth_code=c&id_token=x.y.z&state=st"));
    }
}
