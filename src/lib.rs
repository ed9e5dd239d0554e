//! Tongxing 通行: an OpenID Provider that holds real-name accounts.
//!
//! The modules below are ordered from the bottom up. A module imports only from those above it in
//! this list (`tests/architecture.rs` keeps it so):
//!
//! ```text
//! cli ─► demo ─► authority ─► http, jobs ─► provider ─► accounts ─► ledger ─► storage, crypto, outbound ─► domain ─► protocol
//!                                       └──► views ─────────────────────────────────────────────────────────────┘
//! ```

pub mod protocol;

pub mod domain;

pub mod crypto;
pub mod outbound;
pub mod storage;

pub mod ledger;

pub mod accounts;
pub mod provider;

pub mod views;

pub mod http;
pub mod jobs;

pub mod authority;

pub mod demo;

pub mod cli;
