//! Sign-ins on another device (RFC 8628).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use grantry_engine::{Clock, DeviceAuthorization, Dynamic, SystemClock};

use super::browser::Decision;
use super::provider::{Provider, check_user, scopes};
use super::{Failure, Outcome, ensure, refused_with};

/// The system's clock for those who cannot wait: sleeping moves it.
#[derive(Clone, Default)]
struct Impatient(Arc<AtomicU64>);

impl Clock for Impatient {
    fn now(&self) -> u64 {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.fetch_add(duration.as_secs(), Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

/// The codes for a client on that clock, after a first poll that came too early.
async fn undecided(provider: &Provider) -> Result<DeviceAuthorization<Dynamic>, Failure> {
    let client = provider.client("device").await?.clock(Impatient::default());
    let mut device = client.device().scopes(scopes("openid offline_access")).await?;
    ensure(device.poll().await?.is_none(), "there is a session before the user has decided")?;
    Ok(device)
}

pub(super) async fn approved(provider: &Provider) -> Outcome {
    let device = undecided(provider).await?;
    let complete = device.verification_uri_complete().ok_or("there is no complete URI")?;
    ensure(complete.starts_with(device.verification_uri()), complete)?;
    let code = device.user_code().to_owned();
    let page = provider.enter_code(&device.verification_uri().parse()?, &code, Decision::Allow).await?;
    ensure(page.contains("Sign-in Success"), page)?;
    let session = device.wait().await?;
    check_user(&session, "device")?;
    session.refresh().await?;
    Ok(format!("pending, then signed in by the code {code} typed into the page; refreshed"))
}

pub(super) async fn denied(provider: &Provider) -> Outcome {
    let device = undecided(provider).await?;
    let code = device.user_code().to_owned();
    provider.enter_code(&device.verification_uri().parse()?, &code, Decision::Deny).await?;
    let error = refused_with("access_denied", device.wait().await, "a denied code")?;
    ensure(error.needs_login(), error.to_string())?;
    Ok(error.to_string())
}
