//! Storage on both engines: what holds on one holds on the other.

#[path = "../support/postgres.rs"]
mod postgres;

mod coverage;
mod harness;
mod migrations;
mod on_postgres;
mod on_sqlite;
mod statements;
mod values;
mod writing;
