//! Storage on both engines: what holds on one holds on the other.

#[path = "../support/postgres.rs"]
mod postgres;

mod harness;
mod ledger;
mod ledger_audit;
mod ledger_feed;
mod ledger_keys;
mod ledger_vault;
