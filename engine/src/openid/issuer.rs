//! Which issuers are the provider's.

use grantry_descriptor::model::{OpenId, Part, Path, Template, Value};
#[cfg(feature = "jose")]
use serde_json::Value as Json;

use crate::config::{Config, matches};
use crate::error::Result;
use crate::phase::path::single;
use crate::phase::template::Values;

/// The issuer that an id token must have, its placeholders filled from the token's own claims. `None`: a claim that the issuer
/// needs is missing or is not what the descriptor allows.
#[cfg(feature = "jose")]
pub(crate) fn expected(config: &Config, openid: &OpenId, learned: &[(String, String)], claims: &Json) -> Result<Option<String>> {
    for placeholder in openid.issuer_claims.iter() {
        let Some(claim) = claims.get(placeholder.claim.as_ref()).and_then(Json::as_str) else { return Ok(None) };
        if !matches(&placeholder.pattern, claim)? {
            return Ok(None);
        }
        let set = placeholder
            .equals
            .as_ref()
            .map(|name| Values { learned, ..Values::new(config) }.value(&Value::Variable(name.clone())))
            .transpose()?;
        if let Some(set) = set.flatten()
            && set != claim
            && matches(&placeholder.pattern, &set)?
        {
            return Ok(None);
        }
    }
    Values { learned, id_token: Some(claims), ..Values::new(config) }.text(&openid.issuer)
}

/// Whether an `iss` of a callback can be the provider's (RFC 9207): its text is compared, placeholders by their pattern.
pub(crate) fn names(config: &Config, openid: &OpenId, issuer: &str) -> Result<bool> {
    if openid.issuer_aliases.iter().any(|alias| alias == issuer) {
        return Ok(true);
    }
    let values = Values::new(config);
    let mut pattern = String::new();
    for part in openid.issuer.parts.iter() {
        match part {
            Part::Literal(literal) => pattern.push_str(&regex_lite::escape(literal)),
            Part::Value(Value::IdToken(claim)) => pattern.push_str(&format!("(?:{})", placeholder(openid, claim))),
            Part::Value(_) => match values.text(&Template { parts: vec![part.clone()].into() })? {
                Some(text) => pattern.push_str(&regex_lite::escape(&text)),
                None => return Ok(false),
            },
        }
    }
    matches(&pattern, issuer)
}

fn placeholder<'a>(openid: &'a OpenId, claim: &Path) -> &'a str {
    let name = single(claim).unwrap_or_default();
    openid.issuer_claims.iter().find(|known| known.claim == name).map_or("[^/]+", |known| known.pattern.as_ref())
}
