//! A user's crate under the hardest conditions for a macro: grantry has another name, there is no prelude, a module called
//! `core` stands in the way, and every lint of the workspace holds.
#![no_implicit_prelude]

/// Shadows the crate of that name.
pub mod core {}

/// Shadows the crate of that name.
pub mod std {}

::g::provider!("acme.yaml");

/// Several in a crate, each with its visibility.
pub mod inner {
    ::g::provider!(pub(crate) "acme.yaml");

    /// The provider's name, from the descriptor.
    pub fn name() -> &'static str {
        acme::DESCRIPTOR.name()
    }
}

/// The module may stand in a function.
pub fn id() -> &'static str {
    ::g::provider!("acme.yaml");
    <acme::Acme as ::g::Compiled>::descriptor().id()
}
