//! Our things and their rules: accounts, documents, clients, sessions, grants, authorizations.
//!
//! Pure: no I/O, nothing async, no ambient clock or randomness (both are parameters, see
//! [`clock::Clock`] and [`entropy::Entropy`]).

pub mod account;
pub mod authorization;
pub mod client;
pub mod clock;
pub mod entropy;
pub mod grant;
pub mod id;
pub mod instant;
pub mod secret;
pub mod session;
