//! Capabilities: one trait each, implemented by `grantry::provider!` for what a descriptor supports.
//!
//! They stand as bounds on methods, so that what a provider cannot do does not compile.

use crate::provider::{Compiled, Dynamic, Provider};

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $name:ident: $message:literal, $label:literal;)+) => {$(
        $(#[doc = $doc])+
        #[diagnostic::on_unimplemented(message = $message, label = $label)]
        pub trait $name: Provider {}

        #[diagnostic::do_not_recommend]
        impl $name for Dynamic {}
    )+};
}

capabilities! {
    /// Signs users in with the authorization code flow (RFC 6749 section 4.1).
    AuthorizationCode: "`{Self}` has no authorization code flow", "not supported by `{Self}`";
    /// Authenticates clients with a client secret (RFC 6749 section 2.3.1).
    ClientSecret: "`{Self}` does not authenticate clients with a client secret", "`{Self}` takes another credential";
    /// Authenticates clients with a private key: a signed assertion (RFC 7523 section 2.2), or a client secret generated with it.
    PrivateKey: "`{Self}` does not authenticate clients with a private key", "`{Self}` takes another credential";
    /// Issues refresh tokens, or renews tokens in another way (RFC 6749 section 6).
    RefreshToken: "`{Self}` has no refresh", "not supported by `{Self}`";
    /// Has a profile of the user to read.
    UserInfo: "`{Self}` has no profile to read", "not supported by `{Self}`";
}

/// Needs no settings: every variable has a default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has variables without a default",
    label = "`{Self}` needs its variables",
    note = "write `Client::with(Variables::new(..), client_id, credential)?`; for a run-time descriptor `Client::from_descriptor(..)?`"
)]
pub trait DefaultVariables: Compiled + Provider<Variables: Default> {}

/// Needs no hook of the application's.
#[diagnostic::on_unimplemented(
    message = "`{Self}` needs hooks that the application supplies",
    label = "`{Self}` has required hooks",
    note = "write `Client::with_hooks(Variables::new(..), client_id, credential, hooks)?`"
)]
pub trait WithoutHooks: Provider {}

#[diagnostic::do_not_recommend]
impl WithoutHooks for Dynamic {}
