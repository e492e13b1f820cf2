//! Tokens without a user: the four ways of `service_accounts` (RFC 7523 sections 2.1 and 2.2, self-signed tokens, and variants
//! of client credentials).

use grantry_descriptor::Str;
use grantry_descriptor::model::{
    Assertion, Authentication, AuthenticationMethod, ClaimValue, Endpoint, EngineValue, Hook, Part, ServiceAccount, Template,
    Value as Named,
};
use serde_json::{Map, Value};
use url::Url;

use super::Call;
use super::exchange::relearn;
use crate::assertion::{Additions, Signer, own_key, sign};
use crate::clock;
use crate::config::Config;
use crate::error::{Error, Phase, Result};
use crate::jose::SigningKey;
use crate::phase::encode::Pair;
use crate::phase::template::Values;
use crate::secret::Secret;
use crate::token::{Terms, Token, from_answer};

/// Who asks for a token, and what for.
#[derive(Clone, Default)]
pub(crate) struct Account {
    /// Which of `service_accounts`.
    pub(crate) profile: String,
    /// The key of its assertions.
    pub(crate) key: Option<SigningKey>,
    pub(crate) subject: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// Claims of the caller's.
    pub(crate) claims: Map<String, Value>,
    /// Parameters of the caller's.
    pub(crate) extra: Vec<Pair<'static>>,
}

impl Account {
    pub(crate) fn shape<'a>(&self, config: &'a Config) -> Result<&'a ServiceAccount> {
        let accounts = &config.model().service_accounts;
        accounts
            .iter()
            .find(|account| account.name == self.profile)
            .ok_or_else(|| Error::misuse(format!("the provider has no service account `{}`", self.profile)))
    }

    /// Accounts with the same key share a session.
    pub(crate) fn cache_key(&self) -> String {
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        format!("{:?}", (&self.subject, scopes, &self.claims, &self.extra))
    }

    /// The headers that go with each request beside a self-signed token.
    pub(crate) fn headers<'a>(&self, config: &'a Config) -> &'a [(Str, Template)] {
        match self.shape(config) {
            Ok(shape) if shape.grant_type.is_none() => &shape.request.headers,
            _ => &[],
        }
    }
}

/// Gets a token.
pub(crate) async fn token(config: &Config, account: &Account) -> Result<Token> {
    let shape = account.shape(config)?;
    let token = match &shape.grant_type {
        Some(grant_type) => request(config, account, shape, grant_type).await,
        None => self_signed(config, account, shape),
    };
    token.map_err(|error| error.in_phase(Phase::Token))
}

/// The assertion itself is the token.
fn self_signed(config: &Config, account: &Account, shape: &ServiceAccount) -> Result<Token> {
    let now = config.clock.now();
    let scope = account.scopes.join(&config.model().scopes.separator);
    let assertion = shape.assertion.as_ref().ok_or_else(|| Error::misuse("the service account has no assertion"))?;
    let jwt = assert(assertion, account, &scope, config)?;
    let ends = clock::after(clock::since(assertion.backdate, now), assertion.lifetime);
    Ok(Token { expires_at: Some(ends), issued_at: Some(now), scopes: account.scopes.clone(), ..Token::new(jwt) })
}

async fn request(config: &Config, account: &Account, shape: &ServiceAccount, grant_type: &str) -> Result<Token> {
    let model = config.model();
    let scope = account.scopes.join(&model.scopes.separator);
    let jwt = shape.assertion.as_ref().map(|assertion| assert(assertion, account, &scope, config)).transpose()?;
    let mut engine = vec![(EngineValue::Scope, scope.as_str())];
    engine.extend(account.subject.iter().map(|subject| (EngineValue::Subject, subject.as_str())));
    engine.extend(account.key.as_ref().and_then(SigningKey::id).map(|id| (EngineValue::KeyId, id)));
    engine.extend(jwt.iter().map(|jwt| (EngineValue::Assertion, jwt.expose())));
    let values = Values { engine: &engine, ..Values::new(config) };
    let mut request = shape.request.clone();
    let mut pairs: Vec<Pair<'_>> = vec![("grant_type".into(), grant_type.into())];
    match (&jwt, is_client_assertion(config, request.authentication)) {
        (Some(jwt), true) => {
            request.authentication = Authentication::None;
            pairs.push(("client_id".into(), config.client_id.as_str().into()));
            pairs.push(("client_assertion_type".into(), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into()));
            pairs.push(("client_assertion".into(), jwt.expose().into()));
        }
        (Some(jwt), false) => pairs.push(("assertion".into(), jwt.expose().into())),
        (None, _) => {}
    }
    if !shape.assertion.as_ref().is_some_and(|assertion| names_scope(&assertion.claims)) {
        pairs.push(("scope".into(), scope.as_str().into()));
    }
    let url: Url = match &shape.request.url {
        Some(url) => values.url(url)?,
        None => values.endpoint(Endpoint::Token)?,
    };
    let call = Call {
        pairs,
        extra: account.extra.clone(),
        before: Some(Hook::AccessTokenRequest),
        after: Some(Hook::AccessTokenResponse),
        secrets: jwt.iter().map(Secret::expose).collect(),
        ..Call::new(&request, url)
    };
    let answer = call.send(config, &shape.response, &values).await?;
    let mut token = from_answer(answer, &Terms::of(config, shape.lifetime, &account.scopes))?;
    relearn(config, &mut token)?;
    Ok(token)
}

/// Whether the assertion authenticates the client, instead of being the grant.
fn is_client_assertion(config: &Config, authentication: Authentication) -> bool {
    let method = match authentication {
        Authentication::Method(method) => Some(method),
        Authentication::Client => config.method(),
        Authentication::AccessToken | Authentication::None => None,
    };
    matches!(method, Some(AuthenticationMethod::PrivateKeyJwt | AuthenticationMethod::ClientSecretJwt))
}

/// Signs the account's assertion.
fn assert(assertion: &Assertion, account: &Account, scope: &str, config: &Config) -> Result<Secret> {
    let mut engine: Vec<(EngineValue, &str)> = Vec::new();
    if !scope.is_empty() {
        engine.push((EngineValue::Scope, scope));
    }
    engine.extend(account.subject.iter().map(|subject| (EngineValue::Subject, subject.as_str())));
    let values = Values { engine: &engine, ..Values::new(config) };
    let secret = own_key(assertion, &values)?;
    let signer = match (&account.key, &secret) {
        (_, Some(secret)) => Signer::Secret(secret),
        (Some(key), None) => Signer::Key(key),
        (None, None) => return Err(Error::misuse("the service account needs a private key").with_hint("set it with `.key(..)`")),
    };
    sign(assertion, signer, Additions { scopes: &account.scopes, claims: account.claims.clone() }, &values)
}

/// Whether a claim is the scope: then it is no parameter too.
fn names_scope(claims: &[(Str, ClaimValue)]) -> bool {
    let is_scope = |part: &Part| matches!(part, Part::Value(Named::Engine(EngineValue::Scope)));
    claims.iter().flat_map(|(_, claim)| claim.templates()).any(|template| template.parts.iter().any(is_scope))
}
