//! The endpoints of the specifications, one file each.

pub mod authorization;
mod client_request;
pub mod documents;
pub mod end_session;
pub mod introspection;
pub mod revocation;
pub mod token;
pub mod userinfo;
