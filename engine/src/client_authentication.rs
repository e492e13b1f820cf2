//! Client authentication at the provider's endpoints (RFC 6749 section 2.3, OpenID Connect Core section 9).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantry_descriptor::model::{AuthenticationMethod, BasicEncoding, EngineValue};
use http::header::{AUTHORIZATION, HeaderMap};

use crate::credential::Credential;
use crate::error::{Error, Result};
use crate::phase::encode::{self, Pair};
use crate::phase::request::header_value;
use crate::phase::template::Values;
#[cfg(feature = "jose")]
use crate::secret::Secret;

/// `client_assertion_type` (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Adds the client's proof to a request: to its parameters or its headers.
pub(crate) fn apply<'a>(
    method: Option<AuthenticationMethod>,
    pairs: &mut Vec<Pair<'a>>,
    headers: &mut HeaderMap,
    values: &Values<'a>,
) -> Result<()> {
    let method = method.or_else(|| values.config.method()).unwrap_or(AuthenticationMethod::None);
    match method {
        AuthenticationMethod::None => identify(pairs, values),
        AuthenticationMethod::ClientSecretPost => {
            identify(pairs, values);
            if let Some(secret) = secret(values)? {
                pairs.push(("client_secret".into(), secret));
            }
        }
        AuthenticationMethod::ClientSecretBasic => match secret(values)? {
            Some(secret) => basic(&secret, headers, values)?,
            None => identify(pairs, values),
        },
        AuthenticationMethod::ClientSecretJwt | AuthenticationMethod::PrivateKeyJwt => {
            identify(pairs, values);
            pairs.push(("client_assertion_type".into(), JWT_BEARER.into()));
            pairs.push(("client_assertion".into(), jwt::client_assertion(method, values)?.expose().to_owned().into()));
        }
        other => return Err(Error::misuse(format!("the client authentication method {} is not supported yet", other.as_str()))),
    }
    Ok(())
}

/// An assertion of the client's key (RFC 7523 section 3).
#[cfg(feature = "jose")]
pub(crate) fn client_assertion(values: &Values<'_>) -> Result<Secret> {
    jwt::client_assertion(AuthenticationMethod::PrivateKeyJwt, values)
}

/// Whether a credential can authenticate by a method.
#[cfg_attr(not(feature = "jose"), expect(unused_variables, reason = "without `jose` no secret is generated"))]
pub(crate) const fn fits(credential: &Credential, method: AuthenticationMethod, generated: bool) -> bool {
    let needs_secret = matches!(
        method,
        AuthenticationMethod::ClientSecretBasic | AuthenticationMethod::ClientSecretPost | AuthenticationMethod::ClientSecretJwt
    );
    match credential {
        Credential::Secret(_) => needs_secret,
        #[cfg(feature = "jose")]
        Credential::Key(_) => matches!(method, AuthenticationMethod::PrivateKeyJwt) || (generated && needs_secret),
        Credential::None => matches!(method, AuthenticationMethod::None),
    }
}

fn identify<'a>(pairs: &mut Vec<Pair<'a>>, values: &Values<'a>) {
    if !pairs.iter().any(|(name, _)| name == "client_id") {
        pairs.push(("client_id".into(), values.config.client_id.as_str().into()));
    }
}

fn basic(secret: &str, headers: &mut HeaderMap, values: &Values<'_>) -> Result<()> {
    let authentication = &values.config.model().client_authentication;
    let engine = [(EngineValue::ClientSecret, secret)];
    let values = Values { engine: &engine, ..*values };
    let (username, password) = (values.required(&authentication.username)?, values.required(&authentication.password)?);
    let pair = match authentication.encoding {
        BasicEncoding::Form => format!("{}:{}", encode::component(&username), encode::component(&password)),
        BasicEncoding::Raw => format!("{username}:{password}"),
    };
    headers.insert(AUTHORIZATION, header_value("Authorization", format!("Basic {}", STANDARD.encode(pair)))?);
    Ok(())
}

/// The client secret: the application's, or one generated with its private key. `None`: a public client.
fn secret<'a>(values: &Values<'a>) -> Result<Option<Cow<'a, str>>> {
    match &values.config.model().client_authentication.assertion {
        Some(assertion) => jwt::generated(assertion, values).map(|secret| Some(secret.expose().to_owned().into())),
        None => Ok(values.config.credential.secret().map(|secret| secret.expose().into())),
    }
}

#[cfg(feature = "jose")]
mod jwt {
    use grantry_descriptor::model::{Assertion, AuthenticationMethod, Endpoint};
    use serde_json::Map;

    use crate::assertion::{Additions, Signer, own_key, sign};
    use crate::error::Result;
    use crate::phase::template::Values;
    use crate::secret::Secret;

    /// Seconds for which a client assertion is valid, where the descriptor does not say.
    const LIFETIME: u64 = 300;

    /// The client secret that an assertion generates.
    pub(super) fn generated(assertion: &Assertion, values: &Values<'_>) -> Result<Secret> {
        let key = own_key(assertion, values)?;
        let signer = match &key {
            Some(secret) => Signer::Secret(secret),
            None => Signer::key_of(&values.config.credential)?,
        };
        sign(assertion, signer, Additions::default(), values)
    }

    /// `client_assertion` (RFC 7523 section 3): issuer and subject are the client, the audience is the token endpoint, whatever
    /// endpoint is called, unless the descriptor says otherwise.
    pub(super) fn client_assertion(method: AuthenticationMethod, values: &Values<'_>) -> Result<Secret> {
        let credential = &values.config.credential;
        let signer = match method {
            AuthenticationMethod::ClientSecretJwt => Signer::secret_of(credential)?,
            _ => Signer::key_of(credential)?,
        };
        let standard = standard(signer);
        let stated = values.config.model().client_authentication.assertion.as_ref();
        let assertion = stated.unwrap_or(&standard);
        let says = |name: &str| assertion.claims.iter().any(|(claim, _)| claim == name);
        let mut claims = Map::new();
        for name in ["iss", "sub"].into_iter().filter(|name| !says(name)) {
            claims.insert(name.to_owned(), values.config.client_id.as_str().into());
        }
        if !says("aud") {
            claims.insert("aud".to_owned(), values.endpoint(Endpoint::Token)?.as_str().into());
        }
        sign(assertion, signer, Additions { claims, ..Additions::default() }, values)
    }

    fn standard(signer: Signer<'_>) -> Assertion {
        use grantry_descriptor::model::{EngineValue, KeyEncoding, Part, Template, Value};
        let key_id = Template { parts: vec![Part::Value(Value::Engine(EngineValue::KeyId))].into() };
        let typ = Template { parts: vec![Part::Literal("JWT".into())].into() };
        let alg = match signer {
            Signer::Key(key) => key.default_algorithm(),
            Signer::Secret(_) => "HS256",
        };
        Assertion {
            alg: alg.into(),
            lifetime: LIFETIME,
            backdate: 0,
            header: vec![("typ".into(), typ), ("kid".into(), key_id)].into(),
            claims: Vec::new().into(),
            key: None,
            key_encoding: KeyEncoding::Text,
        }
    }
}

#[cfg(not(feature = "jose"))]
mod jwt {
    use grantry_descriptor::model::{Assertion, AuthenticationMethod};

    use crate::error::{Error, Result};
    use crate::phase::template::Values;
    use crate::secret::Secret;

    pub(super) fn generated(_: &Assertion, _: &Values<'_>) -> Result<Secret> {
        Err(needs_jose())
    }

    pub(super) fn client_assertion(_: AuthenticationMethod, _: &Values<'_>) -> Result<Secret> {
        Err(needs_jose())
    }

    fn needs_jose() -> Error {
        Error::misuse("a signed assertion needs the feature `jose`")
    }
}
