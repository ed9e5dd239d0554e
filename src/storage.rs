//! The one place with SQL: a table is a module, a query is a function with the transaction first.
//!
//! One SQL text serves SQLite and PostgreSQL; only [`database`] and its folder know which engine
//! runs. Nothing here knows HTTP or the protocol's errors.

pub mod database;
pub mod migrations;

pub mod audit;
pub mod changes;
pub mod keys;
pub mod leases;
pub mod usage;
pub mod vault;

pub use database::{BoxFuture, Error, Reader, Row, Storage, Transaction, Value, values};
