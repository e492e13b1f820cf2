//! Sign-ins through the browser (OpenID Connect Core section 3).

use grantry_engine::{Client, ErrorKind};
use url::Url;

use super::browser::{Browser, Decision};
use super::provider::{Provider, check_user, copy, scopes, token_of};
use super::{Failure, Outcome, ensure, refusal, refused_with};

/// The server wants PKCE. A code is for one sign-in, and once.
pub(super) async fn code(provider: &Provider) -> Outcome {
    let client = provider.described_client("web")?;
    let (url, pending) = client.authorize().scopes(scopes("openid")).state("same").start()?;
    let (_, another) = client.authorize().scopes(scopes("openid")).state("same").start()?;
    let again = copy(&pending)?;
    let callback = provider.visit(&mut Browser::new()?, &url, Decision::Allow).await?;
    refused_with("invalid_grant", client.exchange(another, &callback).await, "a code with another sign-in's verifier")?;
    let callback = provider.visit(&mut Browser::new()?, &url, Decision::Allow).await?;
    let session = client.exchange(pending, &callback).await?;
    check_user(&session, "web")?;
    refused_with("invalid_grant", client.exchange(again, &callback).await, "a code that comes twice")?;
    Ok("nothing discovered; the verifier of another sign-in and a used code are refused".to_owned())
}

pub(super) async fn denied(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let (url, pending) = client.authorize().scopes(scopes("openid")).start()?;
    let callback = provider.visit(&mut Browser::new()?, &url, Decision::Deny).await?;
    let error = refused_with("access_denied", client.exchange(pending, &callback).await, "a denied sign-in")?;
    ensure(error.needs_login() && error.kind() == ErrorKind::Refused, error.to_string())?;
    Ok(error.to_string())
}

/// Without a session of the user's there is nothing to go by; with one there is, and the provider says how old it is.
pub(super) async fn silent(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let silent = |client: &Client| client.authorize().scopes(scopes("openid")).prompt("none").max_age(600).start();
    let mut browser = Browser::new()?;
    let (url, pending) = silent(&client)?;
    let callback = provider.visit(&mut browser, &url, Decision::Allow).await?;
    let error = refused_with("login_required", client.exchange(pending, &callback).await, "a silent sign-in")?;
    ensure(error.needs_login(), "login_required does not need a login")?;

    let (url, _) = client.authorize().scopes(scopes("openid")).start()?;
    provider.visit(&mut browser, &url, Decision::Allow).await?;
    let (url, pending) = silent(&client)?;
    let callback = provider.visit(&mut browser, &url, Decision::Allow).await?;
    let session = client.exchange(pending, &callback).await?;
    check_user(&session, "web")?;
    ensure(session.id_token().and_then(|id_token| id_token.auth_time()).is_some(), "there is no auth_time")?;
    Ok("login_required without a session, a sign-in with max_age and auth_time after one".to_owned())
}

/// RFC 9207: the callback names its issuer, and the right one.
pub(super) async fn issuer(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let (url, pending) = client.authorize().scopes(scopes("openid")).start()?;
    let callback = provider.visit(&mut Browser::new()?, &url, Decision::Allow).await?;
    let named = callback.query_pairs().find(|(name, _)| name == "iss").map(|(_, issuer)| issuer.into_owned());
    ensure(named.as_deref() == Some(provider.issuer()), format!("the callback names {named:?}"))?;
    for (iss, what) in [(Some("https://evil.example"), "another issuer"), (None, "no issuer")] {
        let error = refusal(client.exchange(copy(&pending)?, with_issuer(&callback, iss)).await, what)?;
        ensure(error.kind() == ErrorKind::Callback && error.to_string().contains("`iss`"), error.to_string())?;
    }
    // None of these was sent to the provider: the code is still good.
    check_user(&client.exchange(pending, &callback).await?, "web")?;
    Ok(format!("is {}; another one, and none, are refused before the code is sent", provider.issuer()))
}

fn with_issuer(callback: &Url, issuer: Option<&str>) -> Url {
    let others: Vec<_> = callback.query_pairs().filter(|(name, _)| name != "iss").collect();
    let mut changed = callback.clone();
    changed.query_pairs_mut().clear().extend_pairs(others).extend_pairs(issuer.map(|issuer| ("iss", issuer)));
    changed
}

pub(super) async fn implicit(provider: &Provider) -> Outcome {
    let client = provider.client("hybrid").await?;
    let (url, pending) = client.authorize().scopes(scopes("openid")).response_type("id_token").start()?;
    let callback = provider.visit(&mut Browser::new()?, &url, Decision::Allow).await?;
    ensure(callback.fragment().is_some_and(|fragment| fragment.contains("id_token=")), "the id token is not in the fragment")?;
    let session = client.exchange(pending, &callback).await?;
    check_user(&session, "hybrid")?;
    ensure(token_of(&session)?.access_token.expose().is_empty(), "there is an access token")?;
    Ok("signed in by the fragment alone; no access token".to_owned())
}

pub(super) async fn hybrid(provider: &Provider) -> Outcome {
    let client = provider.client("hybrid").await?;
    let (url, pending) = client.authorize().scopes(scopes("openid profile")).response_type("code id_token").start()?;
    let callback = provider.visit(&mut Browser::new()?, &url, Decision::Allow).await?;
    ensure(callback.query().is_none(), "the answer is not in the fragment")?;
    // The code of another sign-in: c_hash tells.
    let error = refusal(client.exchange(copy(&pending)?, with_another_code(&callback)?).await, "another code")?;
    ensure(error.to_string().contains("c_hash"), error.to_string())?;
    let session = client.exchange(pending, &callback).await?;
    check_user(&session, "hybrid")?;
    let name = session.profile().await?.name().map(str::to_owned).unwrap_or_default();
    Ok(format!("both id tokens are right, {name}'s profile is read; a code that is not c_hash's is refused"))
}

fn with_another_code(callback: &Url) -> Result<Url, Failure> {
    let fragment = callback.fragment().unwrap_or_default();
    let code = fragment.split('&').find_map(|pair| pair.strip_prefix("code=")).ok_or("there is no code")?;
    let mut changed = callback.clone();
    changed.set_fragment(Some(&fragment.replace(code, "another")));
    Ok(changed)
}

pub(super) async fn hybrid_form_post(provider: &Provider) -> Outcome {
    let client = provider.client("hybrid").await?;
    let authorize = client.authorize().scopes(scopes("openid")).response_type("code id_token");
    let (url, pending) = authorize.param("response_mode", "form_post").start()?;
    let callback = provider.visit_for_form(&mut Browser::new()?, &url).await?;
    check_user(&client.exchange(pending, callback).await?, "hybrid")?;
    Ok("the same by a posted form".to_owned())
}
