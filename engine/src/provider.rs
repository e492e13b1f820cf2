//! What generated code implements: one uninhabited marker type per provider.

use std::collections::BTreeMap;

use grantry_descriptor::Descriptor;

/// A provider, as a type: the `P` of [`Client`](crate::Client) and [`Session`](crate::Session).
///
/// `grantry::provider!` implements it for a marker of its own; [`Dynamic`] is the one that is known at run time only.
pub trait Provider: Sized + 'static {
    /// The scopes that the catalog knows for the provider.
    type Scope: Scope;
    /// The application's settings for the provider.
    type Variables: Variables;
}

/// A provider that `grantry::provider!` compiled.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a compiled provider",
    note = "a client of a provider that is known at run time only comes from `Client::from_descriptor`"
)]
pub trait Compiled: Provider + crate::__private::Generated<{ crate::__private::RELEASE }> {
    #[doc(hidden)]
    fn descriptor() -> &'static Descriptor;
}

/// A provider that is known at run time only; also the erased form of every other.
///
/// Its methods are those of every provider; what the descriptor does not support is an error when it is called.
#[derive(Clone, Copy, Debug)]
pub enum Dynamic {}

impl Provider for Dynamic {
    type Scope = String;
    type Variables = BTreeMap<String, String>;
}

/// A scope (RFC 6749 section 3.3).
pub trait Scope: Clone + Send + Sync + 'static {
    /// The text on the wire.
    fn as_str(&self) -> &str;
}

impl Scope for String {
    fn as_str(&self) -> &str {
        self
    }
}

/// The application's settings for a provider: tenant, shop, data centre.
pub trait Variables: Send + Sync + 'static {
    /// Name and value of what was set.
    #[doc(hidden)]
    fn into_values(self) -> Vec<(std::borrow::Cow<'static, str>, String)>;
}

impl Variables for BTreeMap<String, String> {
    fn into_values(self) -> Vec<(std::borrow::Cow<'static, str>, String)> {
        self.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }
}

/// The settings of a provider that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn into_values(self) -> Vec<(std::borrow::Cow<'static, str>, String)> {
        Vec::new()
    }
}
