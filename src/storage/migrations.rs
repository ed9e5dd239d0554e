//! The migrations, in the order in which they are applied. Adding one is a line here and a file in
//! `migrations/`.
//!
//! A released file never changes (its checksum is stored). What a release removes was unused by
//! the one before; then the oldest admitted schema is raised.

use super::database::Migrations;

/// `name, oldest admitted schema; file, file, …`, the files without their ending.
macro_rules! migrations {
    ($name:literal, $oldest:literal; $($file:literal),* $(,)?) => {
        Migrations::new($name, $oldest, &[$(
            super::database::Migration::new(
                $file,
                include_str!(concat!("../../migrations/", $file, ".sql")),
            ),
        )*])
    };
}

/// Accounts, clients, grants and what goes with them. Admitted are binaries that know schema 7: an
/// older one would add accounts without asking which keys still stand.
pub static MAIN: Migrations = migrations!("main", 7;
    "0001_ledger",
    "0002_accounts",
    "0003_clients",
    "0004_sessions",
    "0005_outbox",
    "0006_registration",
    "0007_erasure",
    "0008_throttling",
    "0009_audit_cuts",
);

/// The vault's.
pub static VAULT: Migrations = migrations!("vault", 1;
    "vault/0001_vault",
    "vault/0002_journal",
);
