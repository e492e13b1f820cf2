//! Steps that have no call of their own in the public API, for the benchmarks.

use serde_json::Value;

use crate::authorization::Pending;
use crate::client::Client;
use crate::client_authentication;
use crate::error::Result;
use crate::openid;
use crate::phase::template::Values;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::token::Token;

/// Verifies the id token of a sign-in, as `exchange` does.
///
/// # Errors
/// The token is not trusted, or the provider's keys cannot be fetched.
pub async fn verify_id_token<P: Provider>(client: &Client<P>, pending: &Pending, token: &Token) -> Result<Option<Value>> {
    openid::verify_sign_in(client.config(), pending, token).await
}

/// Signs a client assertion with the client's key, as a token request does.
///
/// # Errors
/// The client's credential is no private key.
pub fn client_assertion<P: Provider>(client: &Client<P>) -> Result<Secret> {
    client_authentication::client_assertion(&Values::new(client.config()))
}
