//! Keys, signatures, sealing, password hashing, blind index.
//!
//! Keys are parsed once and held; nothing is derived or parsed on the way of a request. What is
//! opened or verified comes from outside and is answered with `None` or an error that says
//! nothing of the secret. Knows nothing of storage, HTTP or clocks: callers check times.

pub mod blind_index;
pub mod client_secret;
pub mod custody;
pub mod data_key;
pub mod digest;
pub mod encoding;
pub mod entropy;
pub mod jwk;
pub mod jwt;
pub mod mac;
pub mod password;
pub mod seal;
pub mod signing;
pub mod token_cache;
pub mod verifying;

/// A primitive refused what it was given: a fault of ours or of the machine, never of a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cryptographic primitive refused to work")]
pub struct PrimitiveError;

impl From<aws_lc_rs::error::Unspecified> for PrimitiveError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}
