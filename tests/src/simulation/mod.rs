//! Replicas that share a store, a provider that rotates refresh tokens, and one fault: a seeded simulation on a paused clock.
//!
//! A cell is a fault, a policy of the provider's and a number of replicas; a seed decides when things happen. After the fault is
//! over, every replica must get along, or say in a typed error that the user has to sign in again, and that only where no replica
//! can know the newest refresh token.

mod faults;
mod provider;
mod random;
mod run;
mod store;

use std::fmt;

pub use faults::Fault;
pub use provider::Policy;
pub use run::run;

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What goes wrong.
    pub fault: Fault,
    /// What the provider does with a refresh token that was used.
    pub policy: Policy,
    /// How many processes share the store.
    pub replicas: usize,
}

impl Cell {
    /// Every cell.
    pub fn all() -> Vec<Self> {
        let cells = |fault| {
            Policy::ALL.into_iter().flat_map(move |policy| [1, 2, 4, 8].map(move |replicas| Self { fault, policy, replicas }))
        };
        Fault::ALL.into_iter().flat_map(cells).collect()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?}, {} replicas", self.fault, self.policy, self.replicas)
    }
}

/// How a simulation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every replica has a valid token, and the refresh token is known.
    Alive,
    /// Nobody can know the newest refresh token, and every replica says so in a typed error.
    Typed,
    /// The user signed out, and every replica says so.
    SignedOut,
}
