//! Storage on both engines: what holds on one holds on the other.

#![cfg(test)]

#[path = "../support/noise.rs"]
mod noise;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/redis.rs"]
mod redis;

mod account_index;
mod accounts;
mod backup;
mod challenges;
mod coverage;
mod erasures;
mod gone_silent;
mod harness;
mod journal;
mod ledger;
mod ledger_audit;
mod ledger_erasures;
mod ledger_export;
mod ledger_feed;
mod ledger_keys;
mod ledger_rewrap;
mod ledger_tables;
mod ledger_vault;
mod login_failures;
mod many_rows;
mod migrations;
mod on_postgres;
mod on_sqlite;
mod outbox;
mod outbox_delivery;
mod proofing;
mod retention;
mod sessions;
mod shared_failures;
mod statements;
mod values;
mod writing;
