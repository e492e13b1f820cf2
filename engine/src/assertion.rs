//! JWTs that the client signs itself: client assertions, generated client secrets, assertions of service accounts.

use grantry_descriptor::Str;
use grantry_descriptor::model::{Assertion, ClaimValue, EngineValue, KeyEncoding, Part, Template, Value as Named};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

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
    Secret(&'a [u8]),
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
            Some(secret) => Ok(Self::Secret(secret.expose().as_bytes())),
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

/// What the caller adds to an assertion.
#[derive(Default)]
pub(crate) struct Additions<'a> {
    /// Scopes that a claim may list.
    pub(crate) scopes: &'a [String],
    pub(crate) claims: Map<String, Value>,
}

/// Signs an assertion: the descriptor's header and claims, then the caller's, and `iat`, `exp` and a fresh `jti`.
pub(crate) fn sign(assertion: &Assertion, signer: Signer<'_>, additions: Additions<'_>, values: &Values<'_>) -> Result<Secret> {
    let mut engine = values.engine.to_vec();
    engine.extend(signer.key_id().map(|id| (EngineValue::KeyId, id)));
    let values = &Values { engine: &engine, ..*values };
    let header = members(&assertion.header, values)?;
    let mut all = claims(&assertion.claims, additions.scopes, values)?;
    all.extend(additions.claims);
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

/// The bytes of the key that an assertion names in place of the credential's.
pub(crate) fn own_key(assertion: &Assertion, values: &Values<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(key) = &assertion.key else { return Ok(None) };
    let text = Zeroizing::new(values.required(key)?);
    let bytes = match assertion.key_encoding {
        KeyEncoding::Text => Some(text.as_bytes().to_vec()),
        KeyEncoding::Hex => from_hex(&text),
    };
    let bytes = bytes.ok_or_else(|| Error::misuse("the secret that signs is not in hexadecimal digits, two for each byte"))?;
    Ok(Some(Zeroizing::new(bytes)))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect::<Option<Vec<u8>>>().map(Zeroizing::new)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    (rest.is_empty() && !pairs.is_empty()).then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Members whose templates name something that is not there are left out.
fn members(templates: &[(Str, Template)], values: &Values<'_>) -> Result<Map<String, Value>> {
    let mut members = Map::new();
    for (name, template) in templates {
        if let Some(text) = values.text(template)? {
            members.insert(name.to_string(), Value::String(text));
        }
    }
    Ok(members)
}

/// Claims whose templates name something that is not there are left out, and so are arrays of nothing.
fn claims(stated: &[(Str, ClaimValue)], scopes: &[String], values: &Values<'_>) -> Result<Map<String, Value>> {
    let mut claims = Map::new();
    for (name, claim) in stated {
        let value = match claim {
            ClaimValue::Text(template) => values.text(template)?.map(Value::String),
            ClaimValue::Number(number) => Some(Value::from(*number)),
            ClaimValue::List(items) => Some(list(items, scopes, values)?).filter(|items| !items.is_empty()).map(Value::from),
        };
        if let Some(value) = value {
            claims.insert(name.to_string(), value);
        }
    }
    Ok(claims)
}

fn list(items: &[Template], scopes: &[String], values: &Values<'_>) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for item in items {
        match item.parts.as_ref() {
            [Part::Value(Named::Engine(EngineValue::Scope))] => texts.extend_from_slice(scopes),
            _ => texts.extend(values.text(item)?),
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use grantry_descriptor::Descriptor;

    use super::*;
    use crate::client::Client;

    /// The claims of an assertion whose descriptor has these, but for the automatic ones.
    fn signed(claims: &str, scopes: &[&str]) -> Value {
        let yaml = format!(
            "name: Acme\ndocumentation: https://acme.example\nvariables: {{ region: {{ optional: true }} }}\n\
             service_accounts:\n  robot:\n    grant_type: null\n    headers: {{ Region: \"{{region}}\" }}\n    assertion: \
             {{ alg: HS256, lifetime: 60, key: \"{{client_secret}}\", claims: {claims} }}"
        );
        let descriptor = Descriptor::from_yaml(&yaml, "acme.yaml").unwrap();
        let assertion = descriptor.__model().service_accounts[0].assertion.clone().unwrap();
        let client = Client::from_descriptor(descriptor, BTreeMap::new(), "me", "secret").unwrap();
        let values = Values { engine: &[(EngineValue::Subject, "jane")], ..Values::new(client.config()) };
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let additions = Additions { scopes: &scopes, ..Additions::default() };
        let jwt = sign(&assertion, Signer::Secret(b"secret"), additions, &values).unwrap();
        let mut claims: Map<String, Value> =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.expose().split('.').nth(1).unwrap()).unwrap()).unwrap();
        claims.retain(|name, _| !["iat", "exp", "jti"].contains(&name.as_str()));
        claims.into()
    }

    #[test]
    fn claims_are_text_numbers_and_arrays() {
        let claims = r#"{ iss: "{client_id}", token_exp: 2592000, aud: ["https://a.example", "https://{subject}.example"] }"#;
        let expected = serde_json::json!({
            "iss": "me", "token_exp": 2_592_000, "aud": ["https://a.example", "https://jane.example"]
        });
        assert_eq!(signed(claims, &[]), expected);
    }

    #[test]
    fn a_key_in_hexadecimal_digits_is_its_bytes() {
        let key = |secret: &str| {
            let yaml = "name: Acme\ndocumentation: https://acme.example\nservice_accounts:\n  robot:\n    grant_type: null\n    \
                        assertion: { alg: HS256, lifetime: 60, key: \"{client_secret}\", key_encoding: hex }";
            let descriptor = Descriptor::from_yaml(yaml, "acme.yaml").unwrap();
            let assertion = descriptor.__model().service_accounts[0].assertion.clone().unwrap();
            let client = Client::from_descriptor(descriptor, BTreeMap::new(), "me", secret).unwrap();
            own_key(&assertion, &Values::new(client.config())).map(|key| key.unwrap().to_vec())
        };
        assert_eq!(key("00ffAb").unwrap(), [0, 255, 171]);
        for wrong in ["0", "abc", "zz", "0x00", "é0"] {
            assert!(key(wrong).unwrap_err().to_string().contains("hexadecimal"), "{wrong}");
        }
    }

    #[test]
    fn a_scope_that_stands_alone_in_an_array_is_each_of_the_scopes() {
        let scopes = ["GET /v1/apps?filter=a b", "read"];
        let claims = signed(r#"{ scope: ["{scope}", fixed] }"#, &scopes);
        assert_eq!(claims, serde_json::json!({ "scope": ["GET /v1/apps?filter=a b", "read", "fixed"] }));
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(signed(r#"{ scope: ["{scope}"], region: "{region}", regions: ["{region}"] }"#, &[]), serde_json::json!({}));
    }
}
