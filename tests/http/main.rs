//! The server as a browser and a portal see it: the whole of it in this process, behind its router
//! and envelope, on a database of its own for each test.
//!
//! A test reads as sentences: actors (`Browser`, `Portal`) have verbs, the clock is moved by hand,
//! and nothing sleeps.

#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;

mod support;

mod attacks;
mod coverage;

mod account;
mod authorization;
mod backchannel_logout;
mod consent;
mod discovery;
mod end_session;
mod introspection;
mod login;
mod my_account;
mod pages;
mod recovery;
mod refresh;
mod registration;
mod revocation;
mod takeaways;
mod throttling;
mod token;
mod userinfo;
