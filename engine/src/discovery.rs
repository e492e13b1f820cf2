//! Clients whose endpoints the provider tells (RFC 8414, OpenID Connect Discovery 1.0).

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use grantry_descriptor::model::{AuthenticationMethod, CodeChallengeMethod, Endpoint, Grant, Model, Part, Template, Value};
use grantry_descriptor::{Descriptor, Str};
use http::{Method, StatusCode};
use url::Url;

use crate::client::{Client, Task};
use crate::clock;
use crate::config::Config;
use crate::credential::CredentialFor;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hooks::Hooks;
use crate::http::{HttpRequest, HttpResponse};
use crate::metadata::{self, Metadata};
use crate::phase::digest::sha256;
use crate::phase::response::excerpt;
use crate::phase::template::Values;
use crate::provider::{Compiled, Dynamic, NoVariables, Provider, Variables};
use crate::supports;
use crate::transport::Transport;

/// Seconds for which metadata is taken as current: one day.
const LIFETIME: u64 = 24 * 60 * 60;

/// Seconds after which metadata that could not be read again is no longer used: one week.
const MAX_AGE: u64 = 7 * LIFETIME;

/// When a client's endpoints were discovered, and from what.
#[derive(Clone)]
pub(crate) struct Discovered {
    at: u64,
    /// The descriptor, before the metadata filled it in.
    original: Descriptor,
    metadata: Arc<Metadata>,
}

/// A client in the making: awaited, it reads the provider's metadata.
#[must_use = "nothing is read before it is awaited"]
pub struct Discover<P: Provider> {
    client: Result<Client<P>>,
}

impl<P: Compiled> Client<P> {
    /// A client of a provider whose endpoints are discovered.
    pub fn discover(client_id: impl Into<String>, credential: impl CredentialFor<P>) -> Discover<P>
    where
        P: supports::OpenId + supports::DefaultVariables + supports::WithoutHooks,
    {
        let descriptor = P::descriptor().clone();
        let config = Config::unchecked(descriptor, Vec::new(), client_id.into(), credential.into_credential(), Hooks::new());
        Discover { client: Ok(Self::compiled(config)) }
    }

    /// A client, with settings, of a provider whose endpoints are discovered.
    pub fn discover_with(
        variables: P::Variables,
        client_id: impl Into<String>,
        credential: impl CredentialFor<P>,
        hooks: Hooks,
    ) -> Discover<P>
    where
        P: supports::OpenId,
    {
        let descriptor = P::descriptor().clone();
        let credential = credential.into_credential();
        let config = Config::new(descriptor, variables.into_values(), client_id.into(), credential, hooks);
        Discover { client: config.map(Self::compiled) }
    }
}

impl Client<Dynamic> {
    /// A client of any provider that has metadata at its issuer's well-known place. The descriptor's
    /// [`id`](crate::Descriptor::id) is made of the issuer, to the letter: issuers that differ in a slash share no tokens of a store.
    ///
    /// ```no_run
    /// # async fn example() -> grantry_engine::Result<()> {
    /// let client = grantry_engine::Client::from_issuer("https://id.example", "client id", "client secret").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_issuer(issuer: &str, client_id: impl Into<String>, credential: impl CredentialFor<Dynamic>) -> Discover<Dynamic> {
        match Descriptor::builder(id_of(issuer)).name(issuer).issuer(issuer).build() {
            Ok(descriptor) => Self::discover_descriptor(descriptor, NoVariables, client_id, credential),
            Err(problems) => Discover { client: Err(problems.into()) },
        }
    }

    /// A client of a provider that is known at run time only and whose endpoints are discovered.
    pub fn discover_descriptor(
        descriptor: Descriptor,
        variables: impl Variables,
        client_id: impl Into<String>,
        credential: impl CredentialFor<Dynamic>,
    ) -> Discover<Dynamic> {
        Discover { client: Self::from_descriptor(descriptor, variables, client_id, credential) }
    }
}

/// An id for an issuer, and for no other: `https://id.example/a` is `id_example_a_` and the beginning of its hash. A sign-in finds its
/// client by the id, and a store the tokens.
fn id_of(issuer: &str) -> String {
    let text = issuer.split_once("://").map_or(issuer, |(_, rest)| rest).to_ascii_lowercase();
    let id: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let id = id.trim_matches('_');
    let prefix = if id.starts_with(|c: char| c.is_ascii_alphabetic()) { "" } else { "issuer_" };
    // A shorter one could be met by trying: many issuers have the same beginning.
    let hash = sha256(issuer.as_bytes()).into_iter().take(16).fold(0, |hash, byte| (hash << 8) | u128::from(byte));
    format!("{prefix}{id}_{hash:032x}")
}

impl<P: Provider> Discover<P> {
    /// How requests travel, the one for the metadata too.
    pub fn transport(self, transport: Transport) -> Self {
        self.configure(|client| client.transport(transport))
    }

    /// Everything else that a client can be told before it reads the metadata.
    pub fn configure(self, configure: impl FnOnce(Client<P>) -> Client<P>) -> Self {
        Self { client: self.client.map(configure) }
    }
}

impl<P: Provider> IntoFuture for Discover<P> {
    type Output = Result<Client<P>>;
    type IntoFuture = Task<'static, Client<P>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let client = self.client?;
            let original = client.descriptor().clone();
            discovered(client, original).await
        })
    }
}

impl<P: Provider> fmt::Debug for Discover<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discover").field("client", &self.client).finish()
    }
}

impl<P: Provider> Client<P> {
    /// The provider's metadata, where the client was discovered.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.config().discovered.as_ref().map(|discovered| &*discovered.metadata)
    }

    /// The client with metadata that is current: as it is where that is younger than a day or was never discovered. Long-running
    /// services call it before a sign-in. Where the provider does not answer, what is known stays in use for a week.
    ///
    /// # Errors
    /// As of [`discover`](Client::discover), once the metadata is older than a week.
    pub fn rediscover(&self) -> Task<'static, Self> {
        let client = self.clone();
        Box::pin(async move {
            let Some(Discovered { at, original, .. }) = client.config().discovered.clone() else { return Ok(client) };
            let age = clock::since(at, client.config().clock.now());
            if age < LIFETIME {
                return Ok(client);
            }
            match discovered(client.clone(), original).await {
                Err(error) if age < MAX_AGE => {
                    tracing::warn!(target: "grantry::drift", %error, "the provider's metadata cannot be read again; the old one stays in use");
                    Ok(client)
                }
                result => result,
            }
        })
    }
}

async fn discovered<P: Provider>(client: Client<P>, original: Descriptor) -> Result<Client<P>> {
    let read = async {
        let config = client.config();
        let metadata = fetch(config, original.__model()).await?;
        let model = complete(original.__model(), &metadata)?;
        Ok((model, Arc::new(metadata), config.clock.now()))
    };
    let in_phase = |error: Error| error.in_phase(Phase::Discovery).of_provider(original.id());
    let (model, metadata, at) = read.await.map_err(in_phase)?;
    Ok(client.changed(|config| {
        config.descriptor = Descriptor::__loaded(model);
        config.discovered = Some(Discovered { at, original, metadata });
    }))
}

/// Reads the metadata: where the descriptor says, else at the issuer's well-known places.
async fn fetch(config: &Config, model: &Model) -> Result<Metadata> {
    let issuer = issuer(config, model)?;
    if let Some(discovery) = &model.discovery {
        let answer = get(config, Values::new(config).url(discovery)?).await?;
        return parse(&issuer, &answer);
    }
    let url = metadata::issuer_url(&issuer).map_err(unusable)?;
    let answer = get(config, metadata::openid_configuration_url(&url)).await?;
    if answer.status == StatusCode::NOT_FOUND {
        let answer = get(config, metadata::oauth_authorization_server_url(&url)).await?;
        return parse_with(Metadata::parse, &issuer, &answer);
    }
    parse(&issuer, &answer)
}

/// The issuer that the metadata must have: placeholders that id tokens fill stand in it as they are written.
fn issuer(config: &Config, model: &Model) -> Result<String> {
    let openid = model.openid.as_ref().ok_or_else(|| Error::misuse("the descriptor states no issuer to discover"))?;
    let values = Values::new(config);
    let mut text = String::new();
    for part in openid.issuer.parts.iter() {
        match part {
            Part::Value(Value::IdToken(claim)) => {
                let name = crate::phase::path::single(claim).unwrap_or_default();
                let placeholder = openid.issuer_claims.iter().find(|known| known.claim == name);
                text.push_str(&format!("{{{}}}", placeholder.map_or(name, |known| known.placeholder.as_ref())));
            }
            part => text.push_str(&values.required(&Template { parts: vec![part.clone()].into() })?),
        }
    }
    Ok(text)
}

async fn get(config: &Config, url: Url) -> Result<HttpResponse> {
    config.transport.send(HttpRequest::new(Method::GET, url)).await
}

fn parse(issuer: &str, answer: &HttpResponse) -> Result<Metadata> {
    parse_with(Metadata::parse_openid, issuer, answer)
}

fn parse_with(
    parse: impl FnOnce(&str, &[u8]) -> std::result::Result<Metadata, metadata::MetadataError>,
    issuer: &str,
    answer: &HttpResponse,
) -> Result<Metadata> {
    if !answer.status.is_success() {
        return Err(Error::new(ErrorKind::Refused, "the provider refused its metadata")
            .with_status(answer.status.as_u16())
            .with_excerpt(excerpt(&answer.body, &[])));
    }
    parse(issuer, &answer.body).map_err(unusable)
}

fn unusable(error: metadata::MetadataError) -> Error {
    Error::invalid(error.to_string()).with_source(error)
}

/// Fills in what the descriptor does not state. What it does state wins.
fn complete(model: &Model, metadata: &Metadata) -> Result<Model> {
    let mut model = model.clone();
    let fill = |slot: &mut Option<Template>, url: &Option<Url>| {
        if slot.is_none() {
            *slot = url.as_ref().map(|url| Template { parts: vec![Part::Literal(url.as_str().to_owned().into())].into() });
        }
    };
    let is_bare = model.endpoints.token_endpoint.is_none() && model.endpoints.authorization_endpoint.is_none();
    let endpoints = &mut model.endpoints;
    fill(&mut endpoints.authorization_endpoint, &metadata.authorization_endpoint);
    fill(&mut endpoints.token_endpoint, &metadata.token_endpoint);
    fill(&mut endpoints.userinfo_endpoint, &metadata.userinfo_endpoint);
    fill(&mut endpoints.revocation_endpoint, &metadata.revocation_endpoint);
    fill(&mut endpoints.introspection_endpoint, &metadata.introspection_endpoint);
    fill(&mut endpoints.device_authorization_endpoint, &metadata.device_authorization_endpoint);
    fill(&mut endpoints.end_session_endpoint, &metadata.end_session_endpoint);
    fill(&mut endpoints.registration_endpoint, &metadata.registration_endpoint);
    fill(&mut endpoints.pushed_authorization_request_endpoint, &metadata.pushed_authorization_request_endpoint);
    fill(&mut endpoints.jwks_uri, &metadata.jwks_uri);
    // The default is never stated: that is refused.
    if is_bare && *model.grants == [Grant::AuthorizationCode, Grant::RefreshToken] {
        model.grants = grants(metadata, &model).into();
    }
    if model.client_authentication.methods.is_empty() {
        model.client_authentication.methods = methods(metadata)?.into();
    }
    if let (Some(openid), Some(told)) = (&mut model.openid, &metadata.id_token_signing_alg_values_supported)
        && is_bare
        && let Some(algorithms) = algorithms(&openid.id_token_signing_alg_values_supported, told)
    {
        openid.id_token_signing_alg_values_supported = algorithms.into();
    }
    model.authorization.iss_parameter |= metadata.authorization_response_iss_parameter_supported;
    let plain_only = metadata.code_challenge_methods_supported.as_ref().is_some_and(|known| known == &["plain"]);
    if plain_only && model.authorization.code_challenge_method == CodeChallengeMethod::S256 {
        model.authorization.code_challenge_method = CodeChallengeMethod::Plain;
    }
    Ok(model)
}

/// The grants that both sides know and that have their endpoints.
fn grants(metadata: &Metadata, model: &Model) -> Vec<Grant> {
    let has = |endpoint: Endpoint| model.endpoints.get(endpoint).is_some();
    let is_told = |grant: &Grant| metadata.grant_types_supported.iter().any(|told| told == grant.as_str());
    let has_endpoints = |grant: &Grant| match grant {
        Grant::AuthorizationCode => has(Endpoint::Authorization) && has(Endpoint::Token),
        Grant::Implicit => has(Endpoint::Authorization),
        Grant::DeviceCode => has(Endpoint::DeviceAuthorization) && has(Endpoint::Token),
        _ => has(Endpoint::Token),
    };
    // Few servers tell of refresh tokens, and all of them take what they issue.
    Grant::ALL.into_iter().filter(|grant| (is_told(grant) || *grant == Grant::RefreshToken) && has_endpoints(grant)).collect()
}

fn methods(metadata: &Metadata) -> Result<Vec<AuthenticationMethod>> {
    let told = &metadata.token_endpoint_auth_methods_supported;
    let is_told = |method: &AuthenticationMethod| told.iter().any(|told| told == method.as_str());
    let methods: Vec<AuthenticationMethod> = AuthenticationMethod::ALL.into_iter().filter(is_told).collect();
    if methods.is_empty() {
        return Err(Error::invalid(format!(
            "the provider has no client authentication method that is known here: {}",
            told.join(", ")
        )));
    }
    Ok(methods)
}

/// The algorithms for id tokens on which both sides agree, where there are any. A document cannot choose one with a shared secret: such
/// a one is stated.
fn algorithms(stated: &[Str], told: &[String]) -> Option<Vec<Str>> {
    const KNOWN: [&str; 10] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];
    // The default is never stated.
    let is_stated = stated != ["RS256"];
    let is_allowed = |alg: &str| if is_stated { stated.iter().any(|stated| stated == alg) } else { KNOWN.contains(&alg) };
    let agreed: Vec<Str> = told.iter().filter(|alg| is_allowed(alg)).map(|alg| alg.clone().into()).collect();
    (!agreed.is_empty()).then_some(agreed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://acme.example";

    /// What becomes of a descriptor of an issuer, with these cells more, by a document with these members more.
    fn completed(cells: &str, members: serde_json::Value) -> Model {
        let yaml = format!("name: Acme\ndocumentation: https://docs.acme.example/\nopenid:\n  issuer: {ISSUER}\n{cells}");
        let descriptor = Descriptor::from_yaml(&yaml, "acme.yaml").unwrap_or_else(|problems| panic!("{problems}"));
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://acme.example/authorize",
            "token_endpoint": "https://acme.example/token",
            "jwks_uri": "https://acme.example/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
        });
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let metadata = Metadata::parse_openid(ISSUER, document.to_string().as_bytes()).unwrap();
        complete(descriptor.__model(), &metadata).unwrap()
    }

    fn algorithms(stated: &str) -> Vec<Str> {
        let openid = completed(stated, json!({})).openid.unwrap();
        openid.id_token_signing_alg_values_supported.into_owned()
    }

    #[test]
    fn algorithms_that_are_stated_are_at_most_narrowed() {
        assert_eq!(algorithms(""), ["RS256", "ES256"]);
        for (stated, expected) in [("PS256", ["PS256"]), ("PS256, ES256", ["ES256"]), ("HS256", ["HS256"])] {
            assert_eq!(algorithms(&format!("  id_token_signing_alg_values_supported: [{stated}]\n")), expected);
        }
    }

    #[test]
    fn an_issuer_has_an_id_of_its_own() {
        let issuers = [
            "https://login.acme.com",
            "https://login-acme.com",
            "https://login.acme.com/",
            "https://Login.acme.com",
            "https://login.acme.com/\u{e4}",
            "https://10.0.0.1",
            "https://[::1]/",
            "https://self",
        ];
        let ids = issuers.map(id_of);
        assert_eq!(ids[0], "login_acme_com_1e7128580bfab02e219dad172edb5955");
        assert!(ids[5].starts_with("issuer_10_0_0_1_"), "{}", ids[5]);
        for (issuer, id) in issuers.into_iter().zip(&ids) {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{issuer}: {id}");
            let built = Descriptor::builder(id).name(issuer).issuer("https://acme.example").build();
            assert_eq!(built.unwrap().id(), id);
        }
    }

    #[test]
    fn grants_that_are_stated_stay() {
        let stated = "grant_types_supported: [client_credentials]\n";
        for members in [json!({}), json!({ "grant_types_supported": ["authorization_code", "password"] })] {
            assert_eq!(*completed(stated, members).grants, [Grant::ClientCredentials]);
        }
        let told = json!({ "grant_types_supported": ["authorization_code", "password"] });
        assert_eq!(*completed("", told).grants, [Grant::AuthorizationCode, Grant::Password, Grant::RefreshToken]);
        assert_eq!(*completed("", json!({})).grants, [Grant::AuthorizationCode, Grant::Implicit, Grant::RefreshToken]);
    }
}
