//! Capabilities: one trait each, implemented by `grantry::provider!` for what a descriptor supports.
//!
//! They stand as bounds on methods, so that what a provider cannot do does not compile.

use crate::provider::{Compiled, Dynamic, Provider};

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $name:ident $(($and:ident))?: $message:literal, $label:literal;)+) => {$(
        $(#[doc = $doc])+
        #[diagnostic::on_unimplemented(message = $message, label = $label)]
        pub trait $name: Provider $(+ $and)? {}

        #[diagnostic::do_not_recommend]
        impl $name for Dynamic {}
    )+};
}

capabilities! {
    /// Signs users in with the authorization code flow (RFC 6749 section 4.1).
    AuthorizationCode (SignIn): "`{Self}` has no authorization code flow", "not supported by `{Self}`";
    /// Authorizes clients themselves (RFC 6749 section 4.4).
    ClientCredentials: "`{Self}` has no client credentials grant", "not supported by `{Self}`";
    /// Authenticates clients with a client secret (RFC 6749 section 2.3.1).
    ClientSecret: "`{Self}` does not authenticate clients with a client secret", "`{Self}` takes another credential";
    /// Signs users in on another device (RFC 8628).
    DeviceAuthorization: "`{Self}` has no device authorization endpoint", "not supported by `{Self}`";
    /// Ends the user's session at the provider (OpenID Connect RP-Initiated Logout).
    EndSession: "`{Self}` has no end session endpoint", "not supported by `{Self}`";
    /// Issues tokens with the authorization response (RFC 6749 section 4.2).
    Implicit (SignIn): "`{Self}` has no implicit flow", "not supported by `{Self}`";
    /// Tells about tokens (RFC 7662).
    Introspection: "`{Self}` has no introspection endpoint", "not supported by `{Self}`";
    /// Takes assertions as grants (RFC 7523 section 2.1).
    JwtBearer: "`{Self}` has no JWT bearer grant", "not supported by `{Self}`";
    /// Signs id tokens (OpenID Connect Core section 2).
    OpenId: "`{Self}` is no OpenID provider", "not supported by `{Self}`";
    /// Signs users in with name and password (RFC 6749 section 4.3).
    Password: "`{Self}` has no password grant", "not supported by `{Self}`";
    /// Authenticates clients with a private key: a signed assertion (RFC 7523 section 2.2), or a client secret generated with it.
    PrivateKey: "`{Self}` does not authenticate clients with a private key", "`{Self}` takes another credential";
    /// Issues refresh tokens, or renews tokens in another way (RFC 6749 section 6).
    RefreshToken: "`{Self}` has no refresh", "not supported by `{Self}`";
    /// Takes tokens back (RFC 7009).
    Revocation: "`{Self}` has no revocation endpoint", "not supported by `{Self}`";
    /// Sends the user back to the application: with a code, with tokens, or both.
    SignIn: "`{Self}` does not sign users in by a browser", "not supported by `{Self}`";
    /// Exchanges tokens (RFC 8693).
    TokenExchange: "`{Self}` has no token exchange", "not supported by `{Self}`";
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

/// Has its endpoints in the descriptor.
#[diagnostic::on_unimplemented(
    message = "the endpoints of `{Self}` are discovered",
    label = "`{Self}` needs discovery",
    note = "write `Client::discover(client_id, credential).await?`"
)]
pub trait WithoutDiscovery: Provider {}

#[diagnostic::do_not_recommend]
impl WithoutDiscovery for Dynamic {}

/// Needs no hook of the application's.
#[diagnostic::on_unimplemented(
    message = "`{Self}` needs hooks that the application supplies",
    label = "`{Self}` has required hooks",
    note = "write `Client::with_hooks(Variables::new(..), client_id, credential, hooks)?`"
)]
pub trait WithoutHooks: Provider {}

#[diagnostic::do_not_recommend]
impl WithoutHooks for Dynamic {}
