//! Everything that calls out.
//!
//! Addresses that clients name are each a way into the network behind this server: the guarded
//! client decides on every address after name resolution. Partners are named by the operator, and
//! may be inside. Neither client follows a redirect, reads more or waits longer than it was told.
//! Knows neither the HTTP server nor storage.

mod addresses;
pub mod authority;
pub mod client;
pub mod messages;
pub mod partner;
mod transport;

pub use addresses::{Loopback, ParsePrivateNetworkError, PrivateNetwork, Reach};
pub use authority::Authority;
pub use client::GuardedClient;
pub use partner::{PartnerClient, PartnerToken, PartnerUrl};
pub use transport::FetchError;
