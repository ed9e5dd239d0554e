//! The pages, one file each.

pub mod account;
pub mod assets;
pub mod consent;
mod done;
pub mod errors;
pub mod home;
mod interaction;
pub mod login;
pub mod logout;
pub mod privacy;
pub mod proofing;
