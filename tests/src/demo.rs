//! `cargo xtask demo`: signs in to every provider of the catalog over HTTPS, with its typed client.

mod phrase;

use std::io::Write;
use std::time::Instant;

use grantry_engine::{Callback, Client, Provider, Session, Status, Transport, supports};
use serde_json::Value;

use crate::browser::{Arrival, Browser};
use crate::driver::{self, FixedClock};
use crate::emulator::Emulator;
use crate::fixture::{Application, Call, Fixture, Scenario};
use crate::keys;

/// Signs in to each module's provider; `with` takes the provider's settings.
macro_rules! sign_in {
    ($tour:ident: $($module:ident $(with $variables:expr)?),+ $(,)?) => {$(
        $tour.stop(stringify!($module), |application| {
            sign_in!(@client $module, application $(, $variables)?).map_err(|error| error.to_string())
        }).await;
    )+};
    (@client $module:ident, $application:ident) => {
        driver::credential($application)
            .map(|credential| grantry::$module::Client::new($application.client_id.as_str(), credential))
    };
    (@client $module:ident, $application:ident, $variables:expr) => {
        driver::credential($application)
            .and_then(|credential| grantry::$module::Client::with($variables($application), $application.client_id.as_str(), credential))
    };
}

/// Starts the emulator and signs in to all providers; whether every sign-in worked.
pub async fn demo(out: &mut impl Write) -> bool {
    let started = Instant::now();
    let fixtures = match Fixture::all() {
        Ok(fixtures) => fixtures,
        Err(error) => {
            let _ = writeln!(out, "{error}");
            return false;
        }
    };
    let mut tour = Tour::new(fixtures, out);
    sign_in!(tour:
        github, linkedin, linkedin_v1, google, microsoft, slack,
        apple with |settings: &Application| grantry::apple::Variables::new(setting(settings, "team_id")),
        shopify with |settings: &Application| {
            grantry::shopify::Variables::new(setting(settings, "shop")).version(setting(settings, "version"))
        },
        salesforce, tiktok, wechat, notion, zoho, facebook, instagram, box_com, huggingface,
    );
    tour.summary(started)
}
