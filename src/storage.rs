//! The one place with SQL: a table is a module, a query is a function with the transaction first.
//!
//! One SQL text serves SQLite and PostgreSQL; only [`database`] and its folder know which engine
//! runs. Nothing here knows HTTP or the protocol's errors.

pub mod database;
pub mod migrations;

pub mod account_index;
pub mod accounts;
pub mod audit;
pub mod audit_chains;
pub mod audit_cuts;
pub mod authorizations;
pub mod backup;
pub mod challenges;
pub mod changes;
pub mod checks;
pub mod clients;
pub mod clock;
pub mod counters;
pub mod credentials;
pub mod erasures;
pub mod grants;
pub mod holdings;
pub mod key_buckets;
pub mod keys;
pub mod leases;
pub mod login_failures;
pub mod notices;
pub mod outbox;
pub mod privacy;
pub mod sessions;
pub mod shared;
pub mod subjects;
pub mod usage;
pub mod vault;
pub mod vault_journal;

pub use database::{BoxFuture, Error, Reader, Row, Storage, Transaction, Value, values};

/// How many rows a sweep deletes in one statement, so that it holds nobody up. Fewer deleted means
/// that none are left.
pub const SWEEP_LIMIT: u32 = 500;
