//! What the `${...}` of a fixture stand for in one conversation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use crate::fixture::{Application, IdToken, Json, Ordered, Piece, Text};
use crate::{NOW, jwt, keys, script};

/// What the authorization request carried.
#[derive(Clone, Debug, Default)]
pub(super) struct Captured {
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    pub(super) code_challenge_method: Option<String>,
}

/// What the `${...}` of a fixture stand for.
pub(super) struct Values<'a> {
    pub(super) application: &'a Application,
    pub(super) captured: &'a Captured,
    /// The signed id token of the response.
    pub(super) id_token: Option<String>,
}

impl<'a> Values<'a> {
    pub(super) fn new(application: &'a Application, captured: &'a Captured) -> Self {
        Self { application, captured, id_token: None }
    }

    /// The text with its values; `None` where the authorization request did not carry one of them.
    pub(super) fn render(&self, text: &Text) -> Option<String> {
        text.pieces.iter().map(|piece| self.piece(piece)).collect()
    }

    /// The value with its values; members that cannot be rendered are left out, `${now+1}` is a number.
    pub(super) fn render_json(&self, json: &Json) -> Option<Value> {
        Some(match json {
            Json::Scalar(value) => value.clone(),
            Json::Text(text) => match text.single() {
                Some(Piece::Now(seconds)) => Value::from(now(*seconds)),
                _ => Value::from(self.render(text)?),
            },
            Json::List(values) => values.iter().filter_map(|value| self.render_json(value)).collect(),
            Json::Object(members) => Value::Object(self.render_members(members)),
        })
    }

    pub(super) fn render_members(&self, members: &Ordered<Json>) -> Map<String, Value> {
        members.iter().filter_map(|(name, value)| Some((name.to_owned(), self.render_json(value)?))).collect()
    }

    pub(super) fn sign(&self, id_token: &IdToken) -> Result<String, String> {
        let (header, claims) = (self.render_members(&id_token.header), self.render_members(&id_token.claims));
        jwt::sign(header, &claims, &id_token.alg, self.client_secret())
    }

    pub(super) fn client_secret(&self) -> &str {
        self.application.client_secret.as_deref().unwrap_or_default()
    }

    /// Whether this is the verifier of the challenge (RFC 7636 section 4.6).
    pub(super) fn verifies(&self, code_verifier: &str) -> bool {
        let transformed = match self.captured.code_challenge_method.as_deref() {
            Some("S256") => script::code_challenge(code_verifier),
            _ => code_verifier.to_owned(),
        };
        self.captured.code_challenge.as_deref() == Some(&transformed)
    }

    fn piece(&self, piece: &Piece) -> Option<String> {
        let (id, secret) = (&self.application.client_id, self.client_secret());
        match piece {
            Piece::Literal(text) => Some(text.clone()),
            Piece::ClientId => Some(id.clone()),
            Piece::ClientSecret => self.application.client_secret.clone(),
            Piece::RedirectUri => self.application.redirect_uri.clone(),
            Piece::State => self.captured.state.clone(),
            Piece::Nonce => self.captured.nonce.clone(),
            Piece::CodeChallenge => self.captured.code_challenge.clone(),
            Piece::Basic => Some(basic(&form_encode(id), &form_encode(secret))),
            Piece::BasicRaw => Some(basic(id, secret)),
            Piece::HmacSha256 { key, message } => Some(hmac_hex(self.named(key), self.named(message))),
            Piece::Now(seconds) => Some(now(*seconds).to_string()),
            Piece::IdToken => self.id_token.clone(),
            Piece::Jwks => Some(keys::jwks().to_string()),
            Piece::Variable(name) => self.application.variables.get(name).cloned(),
            Piece::Any | Piece::CodeVerifier | Piece::Jwt => None,
        }
    }

    fn named<'b>(&'b self, name: &'b str) -> &'b str {
        if name == "client_secret" { self.client_secret() } else { name }
    }
}

/// The HMAC of a signed callback: over the parameters, sorted and joined as `k=v&k=v`.
pub(super) fn callback_signature(parameters: &[(String, String)], client_secret: &str) -> String {
    let mut pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort();
    hmac_hex(client_secret, &pairs.join("&"))
}

fn now(seconds: i64) -> u64 {
    NOW.saturating_add_signed(seconds)
}

fn hmac_hex(key: &str, message: &str) -> String {
    jwt::hmac_sha256(key.as_bytes(), message.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

fn form_encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
