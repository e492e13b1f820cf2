//! JWTs that the client signs itself.

use grantry_descriptor::model::{Assertion, Template};
use serde_json::{Map, Value};

use crate::clock;
use crate::credential::Credential;
use crate::entropy;
use crate::error::{Error, Result};
use crate::phase::template::Values;
use crate::secret::Secret;

/// Signs an assertion: the descriptor's header and claims, and `iat`, `exp` and a fresh `jti`.
pub(crate) fn sign(assertion: &Assertion, values: &Values<'_>) -> Result<Secret> {
    let Credential::Key(key) = &values.config.credential else {
        return Err(Error::misuse(format!(
            "the client's credential is {}, and the provider needs a private key",
            values.config.credential.kind()
        ))
        .with_hint("pass a `SigningKey`"));
    };
    let now = values.config.clock.now();
    let header = members(&assertion.header, values)?;
    let mut claims = members(&assertion.claims, values)?;
    claims.insert("iat".to_owned(), now.into());
    claims.insert("exp".to_owned(), clock::after(now, assertion.lifetime).into());
    claims.insert("jti".to_owned(), entropy::token(values.config.entropy.as_ref())?.into());
    let token = key
        .sign(&assertion.alg, header, claims)
        .map_err(|error| Error::misuse(format!("the client secret cannot be generated: {error}")))?;
    Ok(Secret::new(token))
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
