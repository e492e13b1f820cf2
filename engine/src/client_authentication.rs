//! Client authentication at the provider's endpoints (RFC 6749 section 2.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantry_descriptor::model::{AuthenticationMethod, BasicEncoding};
use http::header::{AUTHORIZATION, HeaderMap};

use crate::error::{Error, Result};
use crate::phase::encode::{self, Pair};
use crate::phase::request::header_value;
use crate::phase::template::Values;
use crate::secret::Secret;

/// Adds the client's proof to a request: to its parameters or its headers.
pub(crate) fn apply(
    method: Option<AuthenticationMethod>,
    pairs: &mut Vec<Pair>,
    headers: &mut HeaderMap,
    values: &Values<'_>,
) -> Result<()> {
    let method = method.or_else(|| values.config.method()).unwrap_or(AuthenticationMethod::None);
    match method {
        AuthenticationMethod::None => identify(pairs, values),
        AuthenticationMethod::ClientSecretPost => {
            identify(pairs, values);
            if let Some(secret) = secret(values)? {
                pairs.push(("client_secret".into(), secret.expose().to_owned()));
            }
        }
        AuthenticationMethod::ClientSecretBasic => match secret(values)? {
            Some(secret) => basic(&secret, headers, values)?,
            None => identify(pairs, values),
        },
        other => return Err(Error::misuse(format!("the client authentication method {} is not supported yet", other.as_str()))),
    }
    Ok(())
}

fn identify(pairs: &mut Vec<Pair>, values: &Values<'_>) {
    pairs.push(("client_id".into(), values.config.client_id.clone()));
}

fn basic(secret: &Secret, headers: &mut HeaderMap, values: &Values<'_>) -> Result<()> {
    let authentication = &values.config.model().client_authentication;
    let engine = [(grantry_descriptor::model::EngineValue::ClientSecret, secret.expose())];
    let values = Values { engine: &engine, ..*values };
    let (username, password) = (values.required(&authentication.username)?, values.required(&authentication.password)?);
    let pair = match authentication.encoding {
        BasicEncoding::Form => format!("{}:{}", encode::component(&username), encode::component(&password)),
        BasicEncoding::Raw => format!("{username}:{password}"),
    };
    headers.insert(AUTHORIZATION, header_value("Authorization", &format!("Basic {}", STANDARD.encode(pair)))?);
    Ok(())
}

/// The client secret: the application's, or one generated with its private key. `None`: a public client.
fn secret(values: &Values<'_>) -> Result<Option<Secret>> {
    match &values.config.model().client_authentication.assertion {
        Some(assertion) => generated(assertion, values).map(Some),
        None => Ok(values.config.credential.secret().cloned()),
    }
}

#[cfg(feature = "jose")]
fn generated(assertion: &grantry_descriptor::model::Assertion, values: &Values<'_>) -> Result<Secret> {
    crate::assertion::sign(assertion, values)
}

#[cfg(not(feature = "jose"))]
fn generated(_: &grantry_descriptor::model::Assertion, _: &Values<'_>) -> Result<Secret> {
    Err(Error::misuse("a generated client secret needs the feature `jose`"))
}
