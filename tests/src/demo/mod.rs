//! `cargo xtask demo`: signs in to every provider of the catalog over HTTPS, with its typed client.

mod phrase;
mod tour;

use std::io::Write;

use crate::fixture::{Application, Fixture};
use tour::Tour;

/// Signs in to each module's provider; `with` takes the provider's settings.
macro_rules! sign_in {
    ($tour:ident: $($module:ident $(with $variables:expr)?),+ $(,)?) => {$(
        $tour.stop(stringify!($module), sign_in!(@connect $module $(, $variables)?)).await;
    )+};
    (@connect $module:ident) => {
        |settings, credential| Ok(grantry::$module::Client::new(settings.client_id.as_str(), credential))
    };
    (@connect $module:ident, $variables:expr) => {
        |settings, credential| grantry::$module::Client::with($variables(settings), settings.client_id.as_str(), credential)
    };
}

/// Starts the emulator and signs in to every provider, step by step on `out`. Whether every sign-in worked.
#[allow(deprecated, reason = "a retired provider is emulated, too")]
pub async fn demo(out: &mut impl Write) -> bool {
    let fixtures = match Fixture::all() {
        Ok(fixtures) => fixtures,
        Err(error) => {
            let _ = writeln!(out, "{error}");
            return false;
        }
    };
    let mut tour = Tour::new(fixtures, out);
    sign_in!(tour:
        github,
        google,
        microsoft,
        apple with |settings: &Application| grantry::apple::Variables::new(setting(settings, "team_id")),
        linkedin,
        linkedin_v1,
        slack with |settings: &Application| {
            grantry::slack::Variables::new().user_scope(setting(settings, "user_scope")).team(setting(settings, "team"))
        },
        notion,
        box_com,
        huggingface,
        salesforce,
        shopify with |settings: &Application| {
            grantry::shopify::Variables::new(setting(settings, "shop")).version(setting(settings, "version"))
        },
        zoho,
        facebook with |settings: &Application| grantry::facebook::Variables::new().version(setting(settings, "version")),
        instagram,
        tiktok,
        wechat,
    );
    tour.summary()
}

fn setting(settings: &Application, name: &str) -> String {
    settings.variables.get(name).cloned().unwrap_or_default()
}
