//! Passwords: argon2id (RFC 9106) in the PHC string form, so that hashes made elsewhere can be
//! taken over. Hashing itself runs in a [`PasswordPool`] only, since one costs 20 ms and 19 MiB.

mod hash;
mod pool;

pub use hash::{ParsePasswordHashError, PasswordHash, PasswordParameters};
pub use pool::{PasswordError, PasswordPool, PoolLoad, PoolSettings, Verdict, is_too_long};
