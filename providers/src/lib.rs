//! Typed OAuth 2.0 / OpenID Connect clients, one per provider, compiled from a declarative catalog.
//!
//! Each provider is a module: `Client`, `Session`, `Scope`, `Variables` and what is known about the provider as data,
//! `DESCRIPTOR`. What a provider cannot do does not compile.
//!
//! ```no_run
//! # async fn sign_in(callback_url: &str) -> grantry::Result<()> {
//! use grantry::github;
//!
//! let github = github::Client::new("client id", "client secret").redirect_uri("https://app.example/callback")?;
//!
//! // the login handler: no I/O
//! let (url, pending) = github.authorize().scopes([github::Scope::ReadUser, github::Scope::UserEmail]).start()?;
//! // keep `pending` in the user's session, redirect the browser to `url`
//!
//! // the callback handler
//! let session = github.exchange(pending, callback_url).await?;
//! let profile = session.profile().await?;
//! println!("{} {:?}", profile.sub(), profile.email());
//! let repos: serde_json::Value = session.get("user/repos").query(&[("per_page", "5")]).send().await?.json().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A provider that the catalog does not have is one YAML file: [`provider!`] compiles it into a module of the same shape,
//! [`Descriptor::from_yaml`] loads it at run time. One with nothing but URLs needs no file:
//!
//! ```no_run
//! # async fn authorize() -> grantry::Result<()> {
//! use grantry::{Client, Descriptor, NoVariables};
//!
//! let acme = Descriptor::builder("acme")
//!     .token_endpoint("https://acme.example/oauth/token")
//!     .client_authentication_method("client_secret_basic")
//!     .grant_types(["client_credentials"])
//!     .base_url("https://api.acme.example/v1/")
//!     .build()?;
//! let session = Client::from_descriptor(acme, NoVariables, "client id", "client secret")?.client_credentials().await?;
//! # Ok(())
//! # }
//! ```

pub use grantry_engine::*;

#[doc(hidden)]
pub mod __private {
    pub use grantry_engine::__private::*;
    pub use grantry_macros::provider;

    pub use crate::__require_jose as require_jose;
}

/// Compiles a descriptor into a module named after its file: `provider!("acme.yaml")` is `pub mod acme { .. }`.
///
/// A visibility may stand before the path: `provider!(pub(crate) "acme.yaml")`. The path is relative to the folder of the
/// crate's Cargo.toml, and must stay inside it. Cargo rebuilds when the file changes. Every problem of the file is a compile
/// error of its own, with its line.
#[macro_export]
macro_rules! provider {
    ($($call:tt)*) => {
        $crate::__private::provider! { ($crate) $($call)* }
    };
}

/// A provider of the catalog: as [`provider!`], and the example in its documentation is a test.
#[cfg(feature = "jose")]
macro_rules! builtin {
    ($($call:tt)*) => {
        $crate::__private::provider! { ($crate, catalog) $($call)* }
    };
}

/// Fails where a descriptor needs the feature `jose`, which is off.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "jose"))]
macro_rules! __require_jose {
    ($message:literal) => {
        $crate::__private::core::compile_error! { $message }
    };
}

/// Fails where a descriptor needs the feature `jose`, which is on.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "jose")]
macro_rules! __require_jose {
    ($message:literal) => {};
}

#[cfg(feature = "jose")]
include!("catalog.rs");

/// Every built-in provider that is in service, in alphabetic order.
#[cfg(feature = "jose")]
pub fn catalog() -> impl Iterator<Item = &'static Descriptor> {
    CATALOG.iter().copied().filter(|descriptor| !matches!(descriptor.status(), Status::Retired(_)))
}

/// The built-in providers by their ids.
#[cfg(feature = "jose")]
pub mod catalog {
    use crate::Descriptor;

    /// The built-in provider of an id, in service or not.
    pub fn get(id: &str) -> Option<&'static Descriptor> {
        let at = crate::CATALOG.binary_search_by_key(&id, |descriptor| descriptor.id()).ok()?;
        crate::CATALOG.get(at).copied()
    }
}
