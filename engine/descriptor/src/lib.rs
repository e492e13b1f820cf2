//! The provider descriptor of Grantry.
//!
//! A descriptor says in data how one OAuth 2.0 / OpenID Connect provider departs from the standards. [`Descriptor`] is valid by
//! construction: it comes from `grantry::provider!` (compiled), from [`Descriptor::from_yaml`] (loaded) or from
//! [`Descriptor::builder`] (written in Rust), and all three go through the same resolution.
//!
//! This crate knows neither HTTP nor token streams; without features it has no dependencies.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

use std::borrow::Cow;

mod deviation;
mod facade;
#[doc(hidden)]
pub mod model;
#[cfg(feature = "yaml")]
mod yaml;

pub use deviation::Deviation;
pub use facade::{Descriptor, Status};
#[cfg(feature = "yaml")]
#[doc(hidden)]
pub use yaml::tree;
#[cfg(feature = "yaml")]
pub use yaml::{Builder, Code, Diagnostic, Diagnostics, Node, Position};

/// Text of a descriptor: borrowed when compiled, owned when loaded.
pub type Str = Cow<'static, str>;

/// A list of a descriptor: borrowed when compiled, owned when loaded.
pub type List<T> = Cow<'static, [T]>;
