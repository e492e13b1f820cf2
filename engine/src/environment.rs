//! Clients whose credentials come from the environment.

use crate::client::Client;
use crate::credential::Credential;
use crate::error::{Error, Result};
use crate::provider::Compiled;
use crate::supports;

impl<P: Compiled> Client<P> {
    /// A client with the credentials of the environment: `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET` for the provider `github`. Without
    /// the secret it is a public client. An empty variable counts as none.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): there is no client id.
    pub fn from_env() -> Result<Self>
    where
        P: supports::ClientSecret + supports::DefaultVariables + supports::WithoutHooks + supports::WithoutDiscovery,
    {
        let id = P::descriptor().id();
        let prefix = id.to_ascii_uppercase();
        let read = |name: &str| std::env::var(format!("{prefix}_{name}")).ok().filter(|value| !value.is_empty());
        let missing = || Error::misuse(format!("the environment has no {prefix}_CLIENT_ID")).of_provider(id);
        let client_id = read("CLIENT_ID").ok_or_else(missing)?;
        let credential = read("CLIENT_SECRET").map_or(Credential::None, Credential::from);
        Ok(Self::new(client_id, credential))
    }
}
