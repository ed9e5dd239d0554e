//! The one place with SQL: a table is a module, a query is a function with the transaction first.
//!
//! One SQL text serves SQLite and PostgreSQL; only [`database`] and its folder know which engine
//! runs. Nothing here knows HTTP or the protocol's errors.

pub mod database;
pub mod migrations;

pub use database::{BoxFuture, Error, Reader, Row, Storage, Transaction, Value};
