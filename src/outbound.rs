//! Everything that calls out, behind one guarded HTTP client.
//!
//! The addresses are named by clients, so each is a way into the network behind this server: the
//! guard decides on every address after name resolution, follows no redirect, and reads no more
//! and waits no longer than it was told. Knows neither the HTTP server nor storage.

mod addresses;
pub mod client;
pub mod messages;

pub use addresses::Loopback;
pub use client::GuardedClient;
