//! The provider, and clients of it that only run-time descriptors describe.

use std::collections::BTreeMap;
use std::path::Path;

use grantry_engine::{AuthenticationMethod, Callback, Client, Credential, Descriptor, Pending, Session, Token, Transport};
use url::Url;

use super::browser::{Browser, Decision, Landed};
use super::server::Server;
use super::{Failure, ensure};

/// Where the browser is sent after a sign-in. Nothing listens there: the browser stops before.
const REDIRECT_URI: &str = "https://app.example/callback";

/// The user.
pub(super) const USER: &str = "alice";

const TYPED: [(&str, &str); 2] = [("login", USER), ("password", "any")];

/// The running provider.
pub(super) struct Provider {
    server: Server,
    transport: Transport,
}

impl Provider {
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let transport = Transport::builder().danger_allow_loopback_http().build();
        Ok(Self { server: Server::start(folder)?, transport })
    }

    /// Ends it; what it printed as warnings and errors.
    pub(super) fn end(mut self) -> String {
        self.server.end()
    }

    pub(super) fn issuer(&self) -> &str {
        &self.server.issuer
    }

    pub(super) fn transport(&self) -> Transport {
        self.transport.clone()
    }

    pub(super) fn credential(&self, client_id: &str) -> Result<Credential, Failure> {
        self.server.credential(client_id)
    }

    /// A registered client whose endpoints are discovered.
    pub(super) async fn client(&self, client_id: &str) -> Result<Client, Failure> {
        let client = Client::from_issuer(self.issuer(), client_id, self.credential(client_id)?);
        Ok(client.transport(self.transport()).await?.redirect_uri(REDIRECT_URI)?)
    }

    /// A registered client whose descriptor signs assertions with this algorithm.
    pub(super) async fn client_signing(&self, client_id: &str, alg: &str) -> Result<Client, Failure> {
        let descriptor = Descriptor::builder("live")
            .issuer(self.issuer())
            .client_authentication_method(AuthenticationMethod::PrivateKeyJwt.as_str())
            .set("client_authentication.assertion.alg", alg)
            .set("client_authentication.assertion.lifetime", 60)
            .build()?;
        let client = Client::discover_descriptor(descriptor, BTreeMap::new(), client_id, self.credential(client_id)?);
        Ok(client.transport(self.transport()).await?.redirect_uri(REDIRECT_URI)?)
    }

    /// A registered client whose descriptor has the endpoints that it needs: nothing is discovered.
    pub(super) fn described_client(&self, client_id: &str) -> Result<Client, Failure> {
        let at = |path: &str| format!("{}/{path}", self.issuer());
        let descriptor = Descriptor::builder("live")
            .issuer(self.issuer())
            .authorization_endpoint(&at("auth"))
            .token_endpoint(&at("token"))
            .jwks_uri(&at("jwks"))
            .userinfo_endpoint(&at("me"))
            .set("endpoints.revocation_endpoint", at("token/revocation"))
            .set("endpoints.introspection_endpoint", at("token/introspection"))
            .client_authentication_method(AuthenticationMethod::ClientSecretBasic.as_str())
            .base_url(&at(""))
            .build()?;
        let client = Client::from_descriptor(descriptor, BTreeMap::new(), client_id, self.credential(client_id)?)?;
        Ok(client.transport(self.transport()).redirect_uri(REDIRECT_URI)?)
    }

    /// Signs the user in, with a refresh token.
    pub(super) async fn sign_in(&self, client: &Client) -> Result<Session, Failure> {
        let authorize = client.authorize().scopes(scopes("openid profile email offline_access")).prompt("consent");
        let (url, pending) = authorize.start()?;
        let callback = self.visit(&mut Browser::new()?, &url, Decision::Allow).await?;
        Ok(client.exchange(pending, callback).await?)
    }

    /// The user at the authorization endpoint: where the browser is sent afterwards.
    pub(super) async fn visit(&self, browser: &mut Browser, url: &Url, decision: Decision) -> Result<Url, Failure> {
        match browser.open(url, &TYPED, decision).await? {
            Landed::Away(url) => Ok(url),
            landed => Err(format!("the browser was not sent back: {landed:?}").into()),
        }
    }

    /// The same, where the answer is a posted form.
    pub(super) async fn visit_for_form(&self, browser: &mut Browser, url: &Url) -> Result<Callback, Failure> {
        match browser.open(url, &TYPED, Decision::Allow).await? {
            Landed::Posted(body) => Ok(Callback::form_post(body)),
            landed => Err(format!("no form was posted: {landed:?}").into()),
        }
    }

    /// The user at the page for device codes: the page that the browser stops at.
    pub(super) async fn enter_code(&self, url: &Url, code: &str, decision: Decision) -> Result<String, Failure> {
        let typed = [TYPED[0], TYPED[1], ("user_code", code)];
        match Browser::new()?.open(url, &typed, decision).await? {
            Landed::Page(page) => Ok(page),
            landed => Err(format!("the browser was sent away: {landed:?}").into()),
        }
    }
}

/// Scopes, from the text that goes over the wire.
pub(super) fn scopes(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A copy of what is pending, as a store would make it: for callbacks that come twice.
pub(super) fn copy(pending: &Pending) -> Result<Pending, Failure> {
    Ok(serde_json::from_str(&serde_json::to_string(pending)?)?)
}

/// The token of a session as it is now.
pub(super) fn token_of(session: &Session) -> Result<Token, Failure> {
    session.current_token().map(|token| Token::clone(&token)).ok_or_else(|| "the session has no token".into())
}

/// Checks that the verified id token is the user's, for this client.
pub(super) fn check_user(session: &Session, client_id: &str) -> Result<(), Failure> {
    let id_token = session.id_token().ok_or("the session has no id token")?;
    ensure(id_token.subject() == USER, format!("the id token is of {:?}", id_token.subject()))?;
    ensure(id_token.audience() == [client_id], format!("the id token is for {:?}", id_token.audience()))
}
