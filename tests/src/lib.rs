//! The emulator, the wire fixtures, and what the tests over them share.
//!
//! `tests/wire/<id>.yaml` is a provider's side of the conversation; the [`emulator::Emulator`] serves it over HTTPS, and
//! the driver runs the engine against it, the same way for every provider.

pub mod browser;
pub mod demo;
pub mod driver;
pub mod emulator;
pub mod fixture;
mod jwt;
pub mod keys;
pub mod live;
pub mod replicas;
pub mod script;
pub mod simulation;
pub mod store_checks;
pub mod transcript;

/// The tests' clock: 2026-01-01T00:00:00Z.
pub const NOW: u64 = 1_767_225_600;
