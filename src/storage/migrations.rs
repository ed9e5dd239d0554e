//! The migrations, in the order in which they are applied. Adding one is a line here and a file in
//! `migrations/`.
//!
//! A released file never changes (its checksum is stored). What a release removes was unused by
//! the one before; then the oldest admitted schema is raised. So it is when a release writes what
//! the one before misreads, such as another subject of a change.

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

/// Accounts, clients, grants and what goes with them. Admitted are binaries that know schema
/// 11: an older one takes withdrawn grants for journaled that it does not know.
pub static MAIN: Migrations = migrations!("main", 11;
    "0001_ledger",
    "0002_accounts",
    "0003_clients",
    "0004_sessions",
    "0005_outbox",
    "0006_registration",
    "0007_erasure",
    "0008_throttling",
    "0009_audit_cuts",
    "0010_authorizations_by_session",
    "0011_withdrawals",
);

/// The vault's. Admitted are binaries that keep its journal.
pub static VAULT: Migrations = migrations!("vault", 3;
    "vault/0001_vault",
    "vault/0002_journal",
    "vault/0003_journal_chains",
);
