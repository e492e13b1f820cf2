//! Signed JSON Web Tokens (RFC 7515, 7517, 7519): parsing and rules of our own. `jsonwebtoken` signs and verifies bytes.

mod algorithm;
mod claims;
mod error;
mod jws;
mod key_set;
mod signing_key;
mod symmetric;

pub(crate) use algorithm::{Algorithm, left_half};
pub(crate) use claims::{Claims, Moment};
pub use error::IdTokenError;
pub(crate) use jws::Jws;
pub(crate) use key_set::{Key, KeySet};
pub use signing_key::{SigningKey, SigningKeyError};
pub(crate) use symmetric::sign_with_secret;
