//! The authorization request (RFC 6749 section 4.1.1) and what is remembered until its answer.

use std::borrow::Cow;
use std::fmt;

use grantry_descriptor::model::{CodeChallengeMethod, Endpoint, EngineValue, Grant};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::callback::LIFETIME;
use crate::client::Client;
use crate::config::Config;
use crate::entropy;
use crate::error::{Error, Phase, Result};
use crate::phase::encode::{self, Pair};
use crate::phase::request;
use crate::phase::template::Values;
use crate::pkce;
use crate::provider::{Provider, Scope};
use crate::supports;
use crate::token::split_scopes;

/// Builds an authorization request. Does no I/O.
#[must_use = "call `.start()`"]
pub struct Authorize<P: Provider> {
    client: Client<P>,
    request: AuthorizationRequest,
}

#[derive(Default)]
struct AuthorizationRequest {
    scopes: Option<Vec<String>>,
    state: Option<String>,
    nonce: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    extra: Vec<Pair<'static>>,
}

impl<P: Provider> Authorize<P> {
    pub(crate) fn new(client: Client<P>) -> Self {
        Self { client, request: AuthorizationRequest::default() }
    }

    /// The scopes to ask for, instead of the descriptor's default ones.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = P::Scope>) -> Self {
        self.request.scopes.get_or_insert_default().extend(scopes.into_iter().map(|scope| scope.as_str().to_owned()));
        self
    }

    /// A state of the application's own. It must be unpredictable; by default it is 256 random bits.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.request.state = Some(state.into());
        self
    }

    /// A nonce of the application's own (OpenID Connect Core section 3.1.2.1). By default it is 256 random bits.
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.request.nonce = Some(nonce.into());
        self
    }

    /// A PKCE code verifier of the application's own (RFC 7636 section 4.1): 43 to 128 unpredictable letters, digits and `-._~`. By
    /// default it is 256 random bits.
    pub fn code_verifier(mut self, code_verifier: impl Into<String>) -> Self {
        self.request.code_verifier = Some(code_verifier.into());
        self
    }

    /// Any other parameter, under its standard name. It replaces the descriptor's; called again, it repeats. What the callback is
    /// checked against is remembered as it is given here: `state`, `nonce`, `redirect_uri`, `scope`.
    pub fn param(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match name.as_ref() {
            "state" => self.request.state = Some(value),
            "nonce" => self.request.nonce = Some(value),
            "redirect_uri" => self.request.redirect_uri = Some(value),
            "scope" => self.request.scopes = Some(split_scopes(&value, &self.client.config().model().scopes.separator)),
            _ => self.request.extra.push((name, value.into())),
        }
        self
    }

    /// `prompt` (OpenID Connect Core section 3.1.2.1): `none`, `login`, `consent`, `select_account`.
    pub fn prompt(self, prompt: impl Into<String>) -> Self {
        self.param("prompt", prompt)
    }

    /// `login_hint` (OpenID Connect Core section 3.1.2.1): who is expected to sign in.
    pub fn login_hint(self, hint: impl Into<String>) -> Self {
        self.param("login_hint", hint)
    }

    /// `response_type` (OpenID Connect Core section 3): `code` by default; `code id_token` and the like for the hybrid flow, `token`,
    /// `id_token` or `id_token token` for the implicit one. Tokens then come in the fragment of the callback, which only the browser
    /// sees: a page of the application's passes it on.
    pub fn response_type(self, response_type: impl Into<String>) -> Self
    where
        P: supports::Implicit,
    {
        self.param("response_type", response_type)
    }

    /// `max_age` (OpenID Connect Core section 3.1.2.1): how old the authentication may be, in seconds.
    pub fn max_age(self, seconds: u64) -> Self {
        self.param("max_age", seconds.to_string())
    }

    /// `acr_values` (OpenID Connect Core section 3.1.2.1).
    pub fn acr_values(self, values: impl Into<String>) -> Self {
        self.param("acr_values", values)
    }

    /// `ui_locales` (OpenID Connect Core section 3.1.2.1).
    pub fn ui_locales(self, locales: impl Into<String>) -> Self {
        self.param("ui_locales", locales)
    }

    /// `claims` (OpenID Connect Core section 5.5): the request as JSON text.
    pub fn claims(self, claims: impl Into<String>) -> Self {
        self.param("claims", claims)
    }

    /// The URL to send the user to, and what must be kept until the callback.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): no redirect URI, a missing variable, an empty state, a code verifier that is none or is
    /// not sent.
    pub fn start(self) -> Result<(Url, Pending)> {
        let config = self.client.config();
        start(config, self.request).map_err(|error| error.in_phase(Phase::Authorization).of_provider(config.id()))
    }
}

fn start(config: &Config, request: AuthorizationRequest) -> Result<(Url, Pending)> {
    let model = config.model();
    let scopes = request.scopes.unwrap_or_else(|| model.scopes.default.iter().map(ToString::to_string).collect());
    let pending = Pending {
        provider: model.id.to_string(),
        state: given_or_random(config, request.state, "state")?,
        nonce: match &model.openid {
            Some(_) => Some(given_or_random(config, request.nonce, "nonce")?),
            None => request.nonce,
        },
        code_verifier: code_verifier(config, request.code_verifier)?,
        redirect_uri: request.redirect_uri.or_else(|| config.redirect_uri.clone()),
        scopes,
        response_type: response_type(config, &request.extra)?,
        response_mode: ResponseMode::Query,
        max_age: None,
        created_at: config.clock.now(),
    };
    let (url, pairs) = authorization_url(config, &pending, request.extra)?;
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref());
    let response_mode = ResponseMode::of(value("response_mode"), &pending.response_type)?;
    let max_age = value("max_age").and_then(|seconds| seconds.parse().ok());
    config.transport.permits(&url)?;
    Ok((url, Pending { response_mode, max_age, ..pending }))
}

/// What is asked for: the caller's response type, else the descriptor's, else `code`. Tokens from the authorization endpoint are a
/// grant of their own.
fn response_type(config: &Config, extra: &[Pair<'_>]) -> Result<String> {
    let is_known = |text: &str| text.split(' ').all(|part| matches!(part, "code" | "token" | "id_token"));
    let given = extra.iter().rev().find(|(name, _)| name == "response_type").map(|(_, value)| value.to_string());
    if let Some(given) = given.as_ref().filter(|given| !is_known(given)) {
        return Err(Error::misuse(format!("the response type {given:?} is none of OpenID Connect")));
    }
    let stated = config.model().authorization.parameters.iter().find(|parameter| parameter.name == "response_type");
    let stated =
        stated.and_then(|parameter| parameter.value.as_ref()).map(|value| Values::new(config).text(value)).transpose()?;
    // A word of a provider's own stands for its code flow.
    let stated = stated.flatten().filter(|stated| is_known(stated));
    let response_type = given.or(stated).unwrap_or_else(|| "code".to_owned());
    if response_type != "code" && !config.model().grants.contains(&Grant::Implicit) {
        return Err(Error::misuse(format!("the provider does not have the response type {response_type:?}")));
    }
    Ok(response_type)
}

/// The redirection endpoint is an absolute URI without a fragment (RFC 6749 section 3.1.2).
pub(crate) fn check_redirect_uri(uri: &str) -> Result<()> {
    let refused = |why: &str| Err(Error::misuse(format!("the redirect URI {uri:?} {why}")));
    match uri.parse::<Url>() {
        Err(_) => refused("is no absolute URI"),
        Ok(parsed) if parsed.fragment().is_some() => refused("has a fragment"),
        Ok(_) => Ok(()),
    }
}

fn given_or_random(config: &Config, given: Option<String>, name: &str) -> Result<String> {
    match given {
        Some(text) if text.is_empty() => Err(Error::misuse(format!("the {name} is empty; it protects the sign-in"))),
        Some(text) => Ok(text),
        None => entropy::token(config.entropy.as_ref()),
    }
}

fn code_verifier(config: &Config, given: Option<String>) -> Result<String> {
    match given {
        Some(_) if config.model().authorization.code_challenge_method == CodeChallengeMethod::None => {
            Err(Error::misuse("the provider takes no code challenge, so the code verifier would not be checked"))
        }
        Some(text) if !pkce::is_verifier(&text) => {
            Err(Error::misuse("a code verifier has 43 to 128 characters, each a letter, a digit or one of `-._~`"))
        }
        Some(text) => Ok(text),
        None => entropy::token(config.entropy.as_ref()),
    }
}

/// The URL, and its parameters under their standard names.
fn authorization_url<'a>(config: &'a Config, pending: &'a Pending, extra: Vec<Pair<'static>>) -> Result<(Url, Vec<Pair<'a>>)> {
    let model = config.model();
    let authorization = &model.authorization;
    let redirect_uri = pending.redirect_uri.as_ref().ok_or_else(|| {
        Error::misuse("the client has no redirect URI").with_hint("set it with `client.redirect_uri(\"https://...\")?`")
    })?;
    check_redirect_uri(redirect_uri)?;
    let challenge = match pending.asks_for("code") {
        true => pkce::challenge(authorization.code_challenge_method, &pending.code_verifier),
        false => None,
    };
    let scope = pending.scopes.join(&model.scopes.separator);
    let mut pairs: Vec<Pair<'_>> = vec![
        ("response_type".into(), pending.response_type.as_str().into()),
        ("client_id".into(), config.client_id.as_str().into()),
        ("redirect_uri".into(), redirect_uri.as_str().into()),
        ("scope".into(), scope.clone().into()),
        ("state".into(), pending.state.as_str().into()),
    ];
    pairs.extend(pending.nonce.iter().map(|nonce| ("nonce".into(), nonce.as_str().into())));
    if let Some((challenge, method)) = &challenge {
        pairs.push(("code_challenge".into(), challenge.clone().into()));
        pairs.push(("code_challenge_method".into(), (*method).into()));
    }
    let mut engine = vec![
        (EngineValue::RedirectUri, redirect_uri.as_str()),
        (EngineValue::Scope, scope.as_str()),
        (EngineValue::State, pending.state.as_str()),
    ];
    engine.extend(pending.nonce.iter().map(|nonce| (EngineValue::Nonce, nonce.as_str())));
    engine.extend(challenge.iter().map(|(challenge, _)| (EngineValue::CodeChallenge, challenge.as_str())));
    let values = Values { engine: &engine, ..Values::new(config) };
    request::set_parameters(&mut pairs, &authorization.parameters, &values)?;
    request::override_with(&mut pairs, extra);
    pairs.retain(|(_, value)| !value.is_empty());
    let mut renamed = pairs.clone();
    request::rename(&mut renamed, &authorization.names);
    let mut url = values.endpoint(Endpoint::Authorization)?;
    encode::append_query(&mut url, &renamed);
    if let Some(fragment) = &authorization.fragment {
        url.set_fragment(Some(fragment));
    }
    Ok((url, pairs))
}

/// What is remembered between the authorization request and its callback: state, nonce, PKCE verifier, redirect URI, time.
///
/// Keep it where only this user's browser can bring it back: a server-side session, or an encrypted cookie. It holds secrets. It
/// can be used once: [`Client::exchange`] consumes it.
#[derive(Serialize, Deserialize)]
#[must_use = "the callback cannot be checked without it"]
pub struct Pending {
    pub(crate) provider: String,
    pub(crate) state: String,
    pub(crate) nonce: Option<String>,
    pub(crate) code_verifier: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) scopes: Vec<String>,
    #[serde(default = "code")]
    pub(crate) response_type: String,
    pub(crate) response_mode: ResponseMode,
    /// How old the authentication may be, in seconds.
    #[serde(default)]
    pub(crate) max_age: Option<u64>,
    pub(crate) created_at: u64,
}

fn code() -> String {
    "code".to_owned()
}

impl Pending {
    /// The provider's id: a callback route that several providers share finds its client by it.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The state, to find the pending sign-in of a callback among several of one browser.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Whether the response type has this part.
    pub(crate) fn asks_for(&self, part: &str) -> bool {
        self.response_type.split(' ').any(|known| known == part)
    }

    /// Whether this client may use it, now.
    pub(crate) fn check(&self, config: &Config) -> Result<()> {
        if self.provider != config.id() {
            return Err(Error::misuse(format!("the sign-in was started with `{}`", self.provider)));
        }
        if crate::clock::since(self.created_at, config.clock.now()) > LIFETIME {
            return Err(Error::callback("the sign-in was started more than an hour ago"));
        }
        Ok(())
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("provider", &self.provider).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// How the authorization response reaches the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    /// As asked for, else the response type's own (OAuth 2.0 Multiple Response Types section 5).
    fn of(asked: Option<&str>, response_type: &str) -> Result<Self> {
        match asked {
            Some("form_post") => Ok(Self::FormPost),
            Some("fragment") => Ok(Self::Fragment),
            Some("query") if response_type == "code" => Ok(Self::Query),
            Some("query") => Err(Error::misuse("tokens never come in a query; ask for `fragment` or `form_post`")),
            Some(other) => Err(Error::misuse(format!("the response mode {other:?} is not supported"))),
            None if response_type == "code" => Ok(Self::Query),
            None => Ok(Self::Fragment),
        }
    }

    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Query => "a query",
            Self::Fragment => "a fragment",
            Self::FormPost => "a posted form",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::provider::Dynamic;

    struct Zeros;

    impl crate::entropy::Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
            bytes.fill(0);
            Ok(())
        }
    }

    fn client(cells: &str) -> Client<Dynamic> {
        let yaml = format!(
            "name: Acme\ndocumentation: https://acme.example/docs\nendpoints:\n  authorization_endpoint: https://acme.example/authorize?foo=bar\n  \
             token_endpoint: https://acme.example/token\nclient_authentication:\n  method: client_secret_post\n{cells}"
        );
        let descriptor = grantry_descriptor::Descriptor::from_yaml(&yaml, "acme.yaml").unwrap();
        let client = Client::from_descriptor(descriptor, BTreeMap::new(), "dev", "hush").unwrap();
        client.danger_entropy(Zeros).redirect_uri("https://app.example").unwrap()
    }

    #[test]
    fn the_url_keeps_its_query_and_has_a_stable_order() {
        let authorize = client("").authorize().scopes(["a".into(), "b:c".into()]).state("st");
        let (url, _) = authorize.max_age(0).param("resource", "x").param("resource", "y").start().unwrap();
        assert_eq!(
            url.as_str(),
            "https://acme.example/authorize?foo=bar&response_type=code&client_id=dev&redirect_uri=https%3A%2F%2Fapp.example&scope=a%20b%3Ac&state=st\
             &code_challenge=DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo&code_challenge_method=S256&max_age=0&resource=x&resource=y"
        );
    }

    #[test]
    fn what_is_asked_for_is_remembered() {
        let (url, pending) = client("").authorize().scopes(["x".into()]).param("scope", "openid email").start().unwrap();
        assert!(url.as_str().contains("&scope=openid%20email&"), "{url}");
        assert_eq!(pending.scopes, ["openid", "email"]);
    }

    #[test]
    fn the_verifier_is_never_in_the_url() {
        let (url, pending) = client("").authorize().start().unwrap();
        assert!(!url.as_str().contains(&format!("code_challenge={}", pending.code_verifier)));
        assert_eq!(pending.code_verifier.len(), 43);
    }

    #[test]
    fn cells_of_the_authorization_request() {
        let cells = "authorization:\n  names: { client_id: appid }\n  parameters: { response_type: null, prompt: consent }\n  \
                     code_challenge_method: none\n  fragment: done\nscopes:\n  separator: ','\n  default: [a, b]\n";
        let (url, _) = client(cells).authorize().state("st").start().unwrap();
        assert_eq!(
            url.as_str(),
            "https://acme.example/authorize?foo=bar&appid=dev&redirect_uri=https%3A%2F%2Fapp.example&scope=a%2Cb&state=st&prompt=consent#done"
        );
    }

    #[test]
    fn a_state_must_exist_and_a_redirect_uri_too() {
        assert!(client("").authorize().state("").start().is_err());
        let descriptor = client("").descriptor().clone();
        let bare = Client::from_descriptor(descriptor, BTreeMap::new(), "dev", "hush").unwrap();
        assert!(bare.authorize().start().unwrap_err().to_string().contains("redirect_uri"));
    }

    #[test]
    fn pending_survives_serialization_and_shows_nothing() {
        let (_, pending) = client("").authorize().state("hunter2").start().unwrap();
        let text = serde_json::to_string(&pending).unwrap();
        let back: Pending = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        assert!(!format!("{back:?}").contains("hunter2"));
    }

    #[test]
    fn pending_is_for_one_provider_and_one_hour() {
        struct At(u64);
        impl crate::clock::Clock for At {
            fn now(&self) -> u64 {
                self.0
            }
        }
        let early = client("").clock(At(1000));
        let (_, pending) = early.authorize().start().unwrap();
        assert!(pending.check(early.config()).is_ok());
        assert!(pending.check(client("").clock(At(1000 + LIFETIME + 1)).config()).is_err());
        let stranger = Pending { provider: "other".into(), ..pending };
        assert!(stranger.check(early.config()).is_err());
    }
}
