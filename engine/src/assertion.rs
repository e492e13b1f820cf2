//! JWTs that the client signs itself: client assertions, generated client secrets, assertions of service accounts.

use grantry_descriptor::model::{Assertion, EngineValue, Template};
use serde_json::{Map, Value};

use crate::clock;
use crate::credential::Credential;
use crate::entropy;
use crate::error::{Error, Result};
use crate::jose::{SigningKey, sign_with_secret};
use crate::phase::template::Values;
use crate::secret::Secret;

/// What an assertion is signed with.
#[derive(Clone, Copy)]
pub(crate) enum Signer<'a> {
    Key(&'a SigningKey),
    /// For `HS256` and its kin.
    Secret(&'a str),
}

impl<'a> Signer<'a> {
    /// The private key of the client's credential.
    pub(crate) fn key_of(credential: &'a Credential) -> Result<Self> {
        match credential {
            Credential::Key(key) => Ok(Self::Key(key)),
            other => Err(Error::misuse(format!("the client's credential is {}, and a private key is needed", other.kind()))
                .with_hint("pass a `SigningKey`")),
        }
    }

    /// The client secret of the client's credential.
    pub(crate) fn secret_of(credential: &'a Credential) -> Result<Self> {
        match credential.secret() {
            Some(secret) => Ok(Self::Secret(secret.expose())),
            None => {
                Err(Error::misuse(format!("the client's credential is {}, and a client secret is needed", credential.kind())))
            }
        }
    }

    fn key_id(self) -> Option<&'a str> {
        match self {
            Self::Key(key) => key.id(),
            Self::Secret(_) => None,
        }
    }
}

/// Signs an assertion: the descriptor's header and claims, then `claims` of the caller's, and `iat`, `exp` and a fresh `jti`.
pub(crate) fn sign(assertion: &Assertion, signer: Signer<'_>, claims: Map<String, Value>, values: &Values<'_>) -> Result<Secret> {
    let mut engine = values.engine.to_vec();
    engine.extend(signer.key_id().map(|id| (EngineValue::KeyId, id)));
    let values = &Values { engine: &engine, ..*values };
    let header = members(&assertion.header, values)?;
    let mut all = members(&assertion.claims, values)?;
    all.extend(claims);
    let issued_at = clock::since(assertion.backdate, values.config.clock.now());
    all.insert("iat".to_owned(), issued_at.into());
    all.insert("exp".to_owned(), clock::after(issued_at, assertion.lifetime).into());
    if !all.contains_key("jti") {
        all.insert("jti".to_owned(), entropy::uuid(values.config.entropy.as_ref())?.into());
    }
    let signed = match signer {
        Signer::Key(key) => key.sign(&assertion.alg, header, all)?,
        Signer::Secret(secret) => sign_with_secret(&assertion.alg, secret, header, all)?,
    };
    Ok(Secret::new(signed))
}

/// Members whose templates name something that is not there are left out.
fn members(templates: &[(grantry_descriptor::Str, Template)], values: &Values<'_>) -> Result<Map<String, Value>> {
    let mut members = Map::new();
    for (name, template) in templates {
        if let Some(text) = values.text(template)? {
            members.insert(name.to_string(), Value::String(text));
        }
    }
    Ok(members)
}
