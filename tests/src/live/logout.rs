//! Logouts: of the application's (OpenID Connect RP-Initiated Logout 1.0), and told to it (Back-Channel Logout 1.0).

use grantry_engine::{Client, ErrorKind};
use url::{Url, form_urlencoded};

use super::browser::{Browser, Decision};
use super::provider::{Provider, USER, scopes, token_of};
use super::{Failure, Outcome, ensure, refusal, refused_with};

/// Where the browser is sent after a logout.
const GOODBYE: &str = "https://app.example/goodbye";

/// Signs in, and out again: the client, the browser, where it was sent and whether that is right.
async fn log_out(provider: &Provider, browser: &mut Browser) -> Result<(Client, String), Failure> {
    let client = provider.client("web").await?;
    let (url, pending) = client.authorize().scopes(scopes("openid")).start()?;
    let callback = provider.visit(browser, &url, Decision::Allow).await?;
    let token = token_of(&client.exchange(pending, &callback).await?)?;
    let start = || client.end_session().token(&token).redirect_uri(GOODBYE).start();
    let (url, pending) = start()?;
    let (_, another) = start()?;
    let goodbye: Url = provider.visit(browser, &url, Decision::Allow).await?;
    ensure(goodbye.as_str().starts_with(GOODBYE), goodbye.as_str())?;
    let (pending, another) = (pending.ok_or("nothing is pending")?, another.ok_or("nothing is pending")?);
    let error = refusal(client.end_session_callback(another, goodbye.as_str()), "the state of another logout")?;
    ensure(error.kind() == ErrorKind::Callback, error.to_string())?;
    client.end_session_callback(pending, goodbye.as_str())?;
    let id_token = token.id_token.ok_or("there is no id token")?;
    Ok((client, id_token.expose().to_owned()))
}

pub(super) async fn rp_initiated(provider: &Provider) -> Outcome {
    let mut browser = Browser::new()?;
    let (client, _) = log_out(provider, &mut browser).await?;
    let (url, pending) = client.authorize().scopes(scopes("openid")).prompt("none").start()?;
    let callback = provider.visit(&mut browser, &url, Decision::Allow).await?;
    refused_with("login_required", client.exchange(pending, &callback).await, "a silent sign-in after the logout")?;
    Ok("back at the application with its state; the user's session is over".to_owned())
}

/// The server posts its logout token to a page of its own, which stands for the application's.
pub(super) async fn back_channel(provider: &Provider) -> Outcome {
    let mut browser = Browser::new()?;
    let (client, id_token) = log_out(provider, &mut browser).await?;
    let posted = browser.read(&format!("{}/live/logout", provider.issuer())).await?;
    let token = form_urlencoded::parse(posted.as_bytes()).find(|(name, _)| name == "logout_token");
    let (_, token) = token.ok_or_else(|| format!("no logout token was posted: {posted:?}"))?;
    let logout = client.logout_token(&token).await?;
    ensure(logout.subject.as_deref() == Some(USER), format!("{logout:?}"))?;
    refusal(client.logout_token(&id_token).await, "an id token in place of a logout token")?;
    Ok(format!("the logout token is of {USER}; an id token does not pass for one"))
}
