//! Storage on both engines: what holds on one holds on the other.

#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;

mod coverage;
mod harness;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod ledger_audit;
#[cfg(test)]
mod ledger_feed;
#[cfg(test)]
mod ledger_keys;
#[cfg(test)]
mod ledger_tables;
#[cfg(test)]
mod ledger_vault;
mod migrations;
mod on_postgres;
mod on_sqlite;
mod statements;
mod values;
mod writing;
