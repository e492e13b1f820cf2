//! Who the user is, under the names of OpenID Connect, wherever the provider says it.

mod others;
mod scopes;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use grantry_descriptor::model::{
    Additional, Authentication, Claim, ClaimDocument, ClaimSource, Endpoint, EngineValue, Hook, Model, Part, Request, Response,
    Template, Userinfo, Value as Named,
};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use self::others::Others;
use crate::config::capture;
use crate::error::{Error, Phase, Result};
use crate::grant::learn::{Source, learn};
use crate::grant::{Call, with_credential};
use crate::http::HttpResponse;
use crate::metadata;
use crate::openid;
use crate::phase::path::{present, single, text};
use crate::phase::response;
use crate::phase::template::Values;
use crate::protected::renewed;
use crate::session::SessionInner;
use crate::token::Token;

/// The user's profile (OpenID Connect Core section 5.1).
#[derive(Clone, PartialEq)]
pub struct Profile {
    claims: Map<String, Value>,
    others: Others,
    raw: Map<String, Value>,
}

impl Profile {
    /// The user's id at the provider: never reassigned, case-sensitive. The key of an account, with the provider's id.
    pub fn sub(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// The full name.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The given name.
    pub fn given_name(&self) -> Option<&str> {
        self.text("given_name")
    }

    /// The family name.
    pub fn family_name(&self) -> Option<&str> {
        self.text("family_name")
    }

    /// The name that the user goes by at the provider. It may change.
    pub fn preferred_username(&self) -> Option<&str> {
        self.text("preferred_username")
    }

    /// The e-mail address. It may change hands: no key of an account.
    pub fn email(&self) -> Option<&str> {
        self.text("email")
    }

    /// Whether the provider has verified the address; `None` where it does not say.
    pub fn email_verified(&self) -> Option<bool> {
        self.claims.get("email_verified").and_then(Value::as_bool)
    }

    /// The URL of a picture.
    pub fn picture(&self) -> Option<&str> {
        self.text("picture")
    }

    /// The language that the user speaks, as a tag of BCP 47; `None` where the provider's text is none. Some providers write `_` for `-`,
    /// which is corrected.
    pub fn locale(&self) -> Option<String> {
        self.text("locale").map(|text| text.replace('_', "-")).filter(|tag| metadata::is_language_tag(tag))
    }

    /// Every claim, under its name of OpenID Connect.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The claims that these scopes ask for, which a space separates: `openid email` (OpenID Connect Core section 5.4).
    pub fn claims_of(&self, scopes: &str) -> Map<String, Value> {
        let asked = self.claims.iter().filter(|(name, _)| scopes::ask_for(scopes, name));
        asked.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Claims that others make about the user, each with its source: a JWT (`JWT`), or a URL to fetch one from (`endpoint` and
    /// `access_token`; OpenID Connect Core section 5.6.2). Nothing of it is verified and nothing was fetched: they prove nothing before
    /// the application has verified their signature with a key of somebody whom it trusts.
    pub fn unverified_claim_sources(&self) -> BTreeMap<&str, &Value> {
        self.others.sources()
    }

    /// The answers as they came: `userinfo`, and each further call under its name.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("sub", &self.sub())
            .field("claims", &self.claims.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Reads the profile of a session.
pub(crate) async fn read(session: &Arc<SessionInner>) -> Result<Profile> {
    let model = session.config.model();
    let Some(userinfo) = &model.userinfo else { return Err(Error::misuse("the provider has no profile to read")) };
    Reader::new(session, userinfo)
        .await
        .map_err(|error| error.in_phase(Phase::Userinfo))?
        .read(model)
        .await
        .map_err(|error| error.in_phase(Phase::Userinfo))
}

/// Collects the documents that claims are read from.
struct Reader<'a> {
    session: &'a Arc<SessionInner>,
    userinfo: &'a Userinfo,
    token: Arc<Token>,
    id_token: Option<Cow<'a, Value>>,
    access_token: Option<Value>,
    raw: Map<String, Value>,
}

impl<'a> Reader<'a> {
    async fn new(session: &'a Arc<SessionInner>, userinfo: &'a Userinfo) -> Result<Self> {
        let token = session.active().await?;
        let id_token = session.id_token_beside(&token);
        let access_token = access_token_claims(session, userinfo, &token).await?;
        Ok(Self { session, userinfo, token, id_token, access_token, raw: Map::new() })
    }

    async fn read(mut self, model: &Model) -> Result<Profile> {
        if model.endpoints.userinfo_endpoint.is_some() {
            let answer = self.call(&self.userinfo.request).await?;
            let document = self.document(&self.userinfo.response, &answer).await?;
            self.raw.insert("userinfo".to_owned(), document);
        }
        for additional in self.userinfo.additional.iter() {
            if self.is_wanted(additional)? {
                self.call_additional(additional).await?;
            }
        }
        let claims = if self.userinfo.claims.is_empty() { self.own_claims()? } else { self.mapped_claims()? };
        let mut claims = self.checked(claims)?;
        // Of another user nothing is learned.
        self.session.learn(&learn(&self.session.config, Source::Userinfo, &self.values())?);
        Ok(Profile { others: Others::take(&mut claims), claims, raw: self.raw })
    }

    fn is_wanted(&self, additional: &Additional) -> Result<bool> {
        let Some(claim) = &additional.when_missing else { return Ok(true) };
        let known = self.userinfo.claims.iter().find(|known| known.name == *claim);
        Ok(known.map(|known| self.claim(known)).transpose()?.flatten().is_none())
    }

    /// A call for a claim that is missing is worth a try: the token may not be allowed to make it, and then the claim stays absent.
    async fn call_additional(&mut self, additional: &'a Additional) -> Result<()> {
        let answer = self.call(&additional.request).await?;
        let is_refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if is_refused && additional.when_missing.is_some() {
            return Ok(());
        }
        let document = self.document(&additional.response, &answer).await?;
        self.raw.insert(additional.name.to_string(), document);
        Ok(())
    }

    /// The answer of a call; where the access token is refused, that to the same call with a new one.
    async fn call(&mut self, shape: &Request) -> Result<HttpResponse> {
        let answer = self.send(shape).await?;
        if !carries_token(shape) {
            return Ok(answer);
        }
        match renewed(self.session, answer.status, &self.token).await? {
            Some(token) => {
                self.id_token = self.session.id_token_beside(&token);
                self.access_token = access_token_claims(self.session, self.userinfo, &token).await?;
                self.token = token;
                self.send(shape).await
            }
            None => Ok(answer),
        }
    }

    async fn send(&self, shape: &Request) -> Result<HttpResponse> {
        let values = self.values();
        let url = match &shape.url {
            Some(url) => values.url(url)?,
            None => values.endpoint(Endpoint::Userinfo)?,
        };
        let before = carries_token(shape).then_some(Hook::ProtectedRequest);
        Call { before, ..Call::new(shape, url) }.answer(&self.session.config, &values).await
    }

    async fn document(&self, shape: &Response, answer: &HttpResponse) -> Result<Value> {
        let config = &self.session.config;
        if answer.status.is_success() && is_jwt(answer) {
            let jwt = std::str::from_utf8(&answer.body).map_err(|_| Error::invalid("the answer is not UTF-8"))?;
            return openid::verify_userinfo(config, &self.token, jwt.trim()).await;
        }
        let secrets = with_credential(vec![self.token.access_token.expose()], config);
        Ok(response::read(shape, answer, &secrets)?.into_value())
    }

    fn values(&self) -> Values<'_> {
        Values {
            token: Some(&self.token),
            learned: &self.token.learned,
            callback: self.session.callback.as_ref(),
            id_token: self.id_token.as_deref(),
            access_token: self.access_token.as_ref(),
            userinfo: self.raw.get("userinfo"),
            ..Values::new(&self.session.config)
        }
    }

    /// OpenID: claims map to themselves. The id token's stand in where there is no endpoint.
    fn own_claims(&self) -> Result<Map<String, Value>> {
        let claims = self.raw.get("userinfo").or(self.id_token.as_deref());
        claims
            .and_then(Value::as_object)
            .cloned()
            .ok_or_else(|| Error::invalid("there is neither a userinfo answer nor an id token to read the profile from"))
    }

    fn mapped_claims(&self) -> Result<Map<String, Value>> {
        let mut claims = Map::new();
        for claim in self.userinfo.claims.iter() {
            if let Some(value) = self.claim(claim)? {
                claims.insert(claim.name.to_string(), value);
            }
        }
        Ok(claims)
    }

    /// The first source that is present and not empty.
    fn claim(&self, claim: &Claim) -> Result<Option<Value>> {
        for source in claim.sources.iter() {
            let found = self.source(source)?.filter(|value| !value.is_null() && value.as_str() != Some(""));
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn source(&self, source: &ClaimSource) -> Result<Option<Value>> {
        let document = match &source.document {
            ClaimDocument::Token => {
                let value = self.token.value(&source.path);
                return matched(source, value);
            }
            ClaimDocument::Userinfo => self.raw.get("userinfo"),
            ClaimDocument::Additional(name) => self.raw.get(name.as_ref()),
            ClaimDocument::Callback => self.session.callback.as_ref(),
            ClaimDocument::IdToken => self.id_token.as_deref(),
            ClaimDocument::AccessToken => self.access_token.as_ref(),
        };
        matched(source, document.and_then(|document| present(document, &source.path)).map(Cow::into_owned))
    }

    /// A profile has a `sub`, which is text, and is about one user.
    fn checked(&self, mut claims: Map<String, Value>) -> Result<Map<String, Value>> {
        let sub = claims.get("sub").and_then(text).map(Cow::into_owned).filter(|sub| !sub.is_empty());
        let sub = sub.ok_or_else(|| {
            Error::invalid("the profile has no `sub`").with_hint("see the cell `userinfo.claims.sub` of the descriptor")
        })?;
        if self.is_of_two_users() {
            return Err(Error::invalid(
                "the userinfo answer is about another user than the id token (OpenID Connect Core section 5.3.2)",
            ));
        }
        claims.insert("sub".to_owned(), Value::String(sub));
        for name in ["email_verified", "phone_number_verified"] {
            if let Some(value) = claims.get_mut(name) {
                match value.as_str() {
                    Some("true") => *value = Value::Bool(true),
                    Some("false") => *value = Value::Bool(false),
                    _ => {}
                }
            }
        }
        Ok(claims)
    }

    /// Whether the userinfo answer is about another user than the id token, wherever the claims are read. Of an answer that has the
    /// user's id under another name than `sub`, nobody knows what its `sub` is.
    fn is_of_two_users(&self) -> bool {
        let subject = self.userinfo.claims.iter().find(|claim| claim.name == "sub");
        let mut sources = subject.into_iter().flat_map(|claim| claim.sources.iter());
        let has_another_name =
            sources.any(|source| source.document == ClaimDocument::Userinfo && single(&source.path) != Some("sub"));
        match (subject_of(self.raw.get("userinfo")), subject_of(self.id_token.as_deref())) {
            (Some(answered), Some(signed_in)) => !has_another_name && answered != signed_in,
            _ => false,
        }
    }
}

/// Whether a request has the access token, where the provider takes it or in a template.
fn carries_token(shape: &Request) -> bool {
    let names_it = |template: &Template| {
        template.parts.iter().any(|part| match part {
            Part::Value(Named::Engine(EngineValue::AccessToken)) => true,
            Part::Value(Named::Token(path)) => single(path) == Some("access_token"),
            _ => false,
        })
    };
    let parameters = shape.parameters.iter().filter_map(|parameter| parameter.value.as_ref());
    let mut templates = parameters.chain(shape.headers.iter().map(|(_, value)| value)).chain(&shape.url);
    shape.authentication == Authentication::AccessToken || templates.any(names_it)
}

fn subject_of(document: Option<&Value>) -> Option<Cow<'_, str>> {
    document?.get("sub").and_then(text)
}

/// The claims of an access token that is a JWT, where the profile has any of them.
async fn access_token_claims(session: &SessionInner, userinfo: &Userinfo, token: &Token) -> Result<Option<Value>> {
    let is_read = |claim: &Claim| claim.sources.iter().any(|source| source.document == ClaimDocument::AccessToken);
    match userinfo.claims.iter().any(is_read) {
        true => openid::verify_access_token(&session.config, token).await.map(Some),
        false => Ok(None),
    }
}

/// Whether the answer is signed: the client registered for it, and nothing but the media type tells (OpenID Connect Core section 5.3.2).
fn is_jwt(response: &HttpResponse) -> bool {
    let media_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/jwt")
}

/// The value, or the part of its text that the source's pattern takes.
fn matched(source: &ClaimSource, value: Option<Value>) -> Result<Option<Value>> {
    match (&source.pattern, value) {
        (None, value) => Ok(value),
        (Some(_), None) => Ok(None),
        (Some(pattern), Some(value)) => match text(&value) {
            Some(text) => Ok(capture(pattern, &text)?.map(Value::String)),
            None => Ok(None),
        },
    }
}
