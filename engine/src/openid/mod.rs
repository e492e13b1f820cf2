//! OpenID Connect: whose id token it is, and what it must say.

mod end_session;
mod from_provider;
mod id_token;
pub(crate) mod issuer;

#[cfg(feature = "jose")]
mod keys;
#[cfg(feature = "jose")]
mod verify;

pub use end_session::{EndSession, PendingLogout};
#[cfg(feature = "jose")]
pub use from_provider::LogoutToken;
#[cfg(feature = "jose")]
pub(crate) use from_provider::logout_token;
pub use from_provider::{FrontChannelLogout, InitiatedLogin};
pub(crate) use from_provider::{front_channel_logout, initiated_login};
pub use id_token::IdToken;
pub(crate) use id_token::stored_claims;
#[cfg(feature = "jose")]
pub(crate) use keys::Keys;
#[cfg(feature = "jose")]
pub(crate) use verify::{
    verify_access_token, verify_direct, verify_front_channel, verify_refresh, verify_sign_in, verify_userinfo,
};

#[cfg(not(feature = "jose"))]
pub(crate) use without_jose::{
    verify_access_token, verify_direct, verify_front_channel, verify_refresh, verify_sign_in, verify_userinfo,
};

/// Without the feature `jose` no token is verified, so none is accepted.
#[cfg(not(feature = "jose"))]
mod without_jose {
    use serde_json::Value;

    use crate::authorization::Pending;
    use crate::config::Config;
    use crate::error::{Error, Result};
    use crate::token::Token;

    pub(crate) async fn verify_sign_in(config: &Config, _: &Pending, _: &Token) -> Result<Option<Value>> {
        refuse_openid(config).map(|()| None)
    }

    pub(crate) async fn verify_refresh(config: &Config, _: &Token, _: &Token) -> Result<()> {
        refuse_openid(config)
    }

    pub(crate) async fn verify_direct(config: &Config, token: &Token) -> Result<Option<Value>> {
        match &token.id_token {
            Some(_) => refuse_openid(config).map(|()| None),
            None => Ok(None),
        }
    }

    pub(crate) async fn verify_front_channel(
        _: &Config,
        _: &Pending,
        _: &str,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Value> {
        Err(needs_jose())
    }

    pub(crate) async fn verify_userinfo(_: &Config, _: &Token, _: &str) -> Result<Value> {
        Err(needs_jose())
    }

    pub(crate) async fn verify_access_token(_: &Config, _: &Token) -> Result<Value> {
        Err(needs_jose())
    }

    fn refuse_openid(config: &Config) -> Result<()> {
        if config.model().openid.is_some() { Err(needs_jose()) } else { Ok(()) }
    }

    fn needs_jose() -> Error {
        Error::misuse("a provider with signed tokens needs the feature `jose`")
    }
}
