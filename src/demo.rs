//! `tongxing demo`: two portals of different provinces, synthetic people to enter them as, the
//! phones that their messages arrive at, and a tour that plays it all.
//!
//! The portals are real relying parties, written with the `openidconnect` crate, and know of the
//! provider only what a portal anywhere would: the issuer, a client id and a secret. They keep
//! their sessions in memory. Only [`registration`] talks to the provider from inside, in the place
//! of the operator who would admit the portals. Knows neither configuration nor the command line.

pub mod inbox;
pub mod people;
pub mod ports;
pub mod province;
pub mod registration;
pub mod story;
pub mod tour;

mod portal;
mod relying_party;
mod visitors;

pub use portal::{Portal, PortalParts};
pub use relying_party::{Credentials, RelyingParty, RelyingPartyError};
