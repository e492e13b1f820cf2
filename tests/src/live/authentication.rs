//! Client authentication: each method with a client that is registered for no other.

use grantry_engine::{AuthenticationMethod, Client, Credential, Token};

use super::provider::{Provider, check_user, token_of};
use super::{Failure, Outcome, ensure, refused_with};
use crate::script::jwt_parts;

/// A client, and how it authenticates.
pub(super) struct Case {
    pub(super) name: &'static str,
    client_id: &'static str,
    method: AuthenticationMethod,
    /// The algorithm of the client's assertions and of its id tokens.
    alg: Option<&'static str>,
    /// A method that the server has, and refuses for this client.
    refused: AuthenticationMethod,
}

impl Case {
    const fn secret(client_id: &'static str, method: AuthenticationMethod, refused: AuthenticationMethod) -> Self {
        Self { name: method.as_str(), client_id, method, alg: None, refused }
    }

    const fn key(name: &'static str, client_id: &'static str, alg: &'static str) -> Self {
        let (method, refused) = (AuthenticationMethod::PrivateKeyJwt, AuthenticationMethod::None);
        Self { name, client_id, method, alg: Some(alg), refused }
    }
}

pub(super) const CASES: [Case; 8] = [
    Case::secret("basic client:%41+&", AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost),
    Case::secret("post", AuthenticationMethod::ClientSecretPost, AuthenticationMethod::ClientSecretBasic),
    Case::secret("secret-jwt", AuthenticationMethod::ClientSecretJwt, AuthenticationMethod::ClientSecretBasic),
    Case::secret("public", AuthenticationMethod::None, AuthenticationMethod::ClientSecretPost),
    Case::key("private_key_jwt, RS256", "key-RS256", "RS256"),
    Case::key("private_key_jwt, PS256", "key-PS256", "PS256"),
    Case::key("private_key_jwt, ES256", "key-ES256", "ES256"),
    Case::key("private_key_jwt, EdDSA", "key-EdDSA", "EdDSA"),
];

/// Every endpoint at which the client authenticates, and the refusal of another method.
pub(super) async fn run(provider: &Provider, case: &Case) -> Outcome {
    let client = client(provider, case).await?;
    let session = provider.sign_in(&client).await?;
    check_user(&session, case.client_id)?;
    let first = token_of(&session)?;
    let id_token = first.id_token.as_ref().ok_or("there is no id token")?;
    let (header, _) = jwt_parts(id_token.expose());
    let alg = case.alg.unwrap_or("RS256");
    ensure(header.get("alg").is_some_and(|found| found == alg), format!("the id token is signed otherwise: {header:?}"))?;

    session.refresh().await?;
    let second = token_of(&session)?;
    ensure(second.access_token.expose() != first.access_token.expose(), "the refresh changed nothing")?;
    let introspection = client.introspect(&second).await?;
    ensure(introspection.client_id() == Some(case.client_id), format!("the token is not the client's: {introspection:?}"))?;
    session.revoke().await?;
    refused_with("invalid_grant", session.refresh().await, "a revoked refresh token")?;

    let other = other(provider, case).await?;
    refused_with("invalid_client", other.introspect(&Token::new("any")).await, case.refused.as_str())?;
    Ok(format!("code, refresh, introspection, revocation; id token {alg}; {} is refused", case.refused.as_str()))
}

async fn client(provider: &Provider, case: &Case) -> Result<Client, Failure> {
    match case.alg {
        // An RSA key by itself signs with RS256.
        Some("PS256") => provider.client_signing(case.client_id, "PS256").await,
        _ => Ok(provider.client(case.client_id).await?.authentication_method(case.method)?),
    }
}

/// The same client, with the other method.
async fn other(provider: &Provider, case: &Case) -> Result<Client, Failure> {
    let credential = match case.method {
        AuthenticationMethod::None => Credential::from("made up"),
        _ => provider.credential(case.client_id)?,
    };
    let client = Client::from_issuer(provider.issuer(), case.client_id, credential).transport(provider.transport()).await?;
    Ok(client.authentication_method(case.refused)?)
}
