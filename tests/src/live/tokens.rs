//! What is done with tokens: profiles, renewal, introspection, revocation.

use grantry_engine::{ErrorKind, Token, TokenTypeHint};
use serde_json::Value;

use super::provider::{Provider, USER, scopes, token_of};
use super::{Outcome, ensure, refused_with};

pub(super) async fn userinfo(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let profile = provider.sign_in(&client).await?.profile().await?;
    let found = (profile.sub(), profile.name(), profile.email(), profile.email_verified());
    ensure(found == (USER, Some("Alice Example"), Some("alice@example.test"), Some(true)), format!("{found:?}"))?;
    Ok(format!("{} {:?}, verified", profile.sub(), profile.email().unwrap_or_default()))
}

/// The client is registered for userinfo as a JWT, signed with ES256.
pub(super) async fn signed_userinfo(provider: &Provider) -> Outcome {
    let client = provider.client("signed-userinfo").await?;
    let profile = provider.sign_in(&client).await?.profile().await?;
    ensure(profile.email() == Some("alice@example.test"), format!("{:?}", profile.claims()))?;
    let issuer = profile.claims().get("iss").and_then(Value::as_str);
    ensure(issuer == Some(provider.issuer()), "the answer was no JWT")?;
    Ok(format!("a JWT of {}", provider.issuer()))
}

pub(super) async fn client_credentials(provider: &Provider) -> Outcome {
    let client = provider.client("service").await?;
    let session = client.client_credentials().scopes(scopes("read")).await?;
    let first = token_of(&session)?;
    let introspection = client.introspect(&first).await?;
    ensure(introspection.client_id() == Some("service") && introspection.scopes() == ["read"], format!("{introspection:?}"))?;
    session.refresh().await?;
    ensure(token_of(&session)?.access_token.expose() != first.access_token.expose(), "the renewal changed nothing")?;
    // Other servers say `unauthorized_client`.
    let result = provider.client("web").await?.client_credentials().await;
    let error = refused_with("invalid_request", result, "a client that is not registered for the grant")?;
    ensure(error.kind() == ErrorKind::Refused, error.to_string())?;
    Ok("a token for `read`, and another one by itself; refused to a client without the grant".to_owned())
}

/// A refresh token that comes twice was stolen from somebody: the server revokes all that came from it.
pub(super) async fn rotation(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let session = provider.sign_in(&client).await?;
    let first = token_of(&session)?;
    session.refresh().await?;
    let second = token_of(&session)?;
    let secret = |token: &Token| token.refresh_token.as_ref().map(|secret| secret.expose().to_owned());
    ensure(secret(&second).is_some() && secret(&second) != secret(&first), "the refresh token was not rotated")?;
    ensure(second.scopes == first.scopes && second.id_token.is_some(), "the refresh lost something")?;
    let reused = refused_with("invalid_grant", client.refresh(&first).await, "a refresh token that was used")?;
    let family = refused_with("invalid_grant", session.refresh().await, "the refresh token after it")?;
    ensure(reused.needs_login() && family.needs_login(), "a refresh token that is gone does not need a login")?;
    ensure(!client.introspect(&second).await?.is_active(), "the access token is still active")?;
    Ok("rotated; the old one again ends the new one too, and the user has to sign in".to_owned())
}

/// Before a request where the token has expired, after it where the API refuses it.
pub(super) async fn automatic_refresh(provider: &Provider) -> Outcome {
    let client = provider.described_client("web")?;
    let mut token = token_of(&provider.sign_in(&client).await?)?;
    token.expires_at = Some(1);
    let session = client.session(token.clone());
    ensure(session.profile().await?.sub() == USER, "the profile is another user's")?;
    let mut renewed = token_of(&session)?;
    ensure(renewed.access_token.expose() != token.access_token.expose(), "the expired token was not renewed")?;

    renewed.access_token = "made-up".into();
    let session = client.session(renewed);
    let answer: Value = session.get("me").send().await?.json().await?;
    ensure(answer.get("sub").is_some_and(|sub| sub == USER), format!("{answer}"))?;
    ensure(token_of(&session)?.access_token.expose() != "made-up", "the refused token was not renewed")?;
    Ok("an expired token before the request, one that the API refuses after it".to_owned())
}

pub(super) async fn introspection(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let token = token_of(&provider.sign_in(&client).await?)?;
    let access = client.introspect(&token).await?;
    ensure(
        access.is_active() && access.subject() == Some(USER) && access.issuer() == Some(provider.issuer()),
        format!("{access:?}"),
    )?;
    ensure(access.scopes().contains(&"openid") && access.expires_at() == token.expires_at, format!("{access:?}"))?;
    let refresh = client.introspect(&token).token_type_hint(TokenTypeHint::RefreshToken).await?;
    ensure(refresh.is_active(), "the refresh token is not active")?;
    let unknown = client.introspect(&Token::new("unknown")).await?;
    ensure(!unknown.is_active(), "an unknown token is active")?;
    Ok("access and refresh token are active, of alice; an unknown token is not".to_owned())
}

pub(super) async fn revocation(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let session = provider.sign_in(&client).await?;
    let token = token_of(&session)?;
    session.revoke().await?;
    ensure(!client.introspect(&token).await?.is_active(), "the access token is still active")?;
    let error = refused_with("invalid_grant", session.refresh().await, "a revoked refresh token")?;
    ensure(error.needs_login(), "a revoked token does not need a login")?;
    session.revoke().await?;

    let service = provider.client("service").await?;
    let token = token_of(&service.client_credentials().await?)?;
    service.revoke(&token).token_type_hint(TokenTypeHint::AccessToken).await?;
    ensure(!service.introspect(&token).await?.is_active(), "the client's own token is still active")?;
    Ok("a refresh token ends the grant; again, which is no error; an access token without one".to_owned())
}
