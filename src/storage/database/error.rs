//! Why storage did not answer, and why it did not open.
//!
//! No text here repeats a value of a statement, a stored value or a password.

use super::url::DatabaseUrl;

/// Why storage did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is overloaded, or lost the transaction: try later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A stored row is not what its type allows.
    #[error("table {table}: column {column} holds what it must not")]
    Corrupt {
        /// Table or query.
        table: &'static str,
        /// Column.
        column: &'static str,
    },
    /// A statement the engine refused: a fault of ours.
    #[error("the database refused a statement: {0}")]
    Refused(String),
}

impl Error {
    pub(super) fn panicked() -> Self {
        Self::Refused("a write panicked".to_owned())
    }

    /// PostgreSQL would turn COMMIT into ROLLBACK without a word.
    pub(super) fn ignored() -> Self {
        Self::Refused("a write went on after a statement had failed".to_owned())
    }
}

/// A failed statement: what it does to its transaction, and what its caller hears.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) error: Error,
}

/// What a failed statement does to its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing after it may succeed.
    Refused,
    /// Another transaction was in the way: run again.
    Conflict,
    /// The connection is of no more use.
    Lost,
}

/// Why a database was not opened or migrated. Each prints as one line for an operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No connection.
    #[error("cannot reach the database {url}: {cause}")]
    Unreachable {
        /// The URL without its password.
        url: String,
        /// What the engine said.
        cause: String,
    },
    /// The database answers, but would lose what it acknowledged.
    #[error(
        "the database {url} runs with {setting} = {value}, which loses acknowledged logins: turn it on"
    )]
    NotDurable {
        /// The URL without its password.
        url: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// A newer release migrated the database and no longer admits this one.
    #[error(
        "this binary knows schema {known}, the database has {found}, which admits binaries from {admits}"
    )]
    NewerSchema {
        /// The newest migration of this binary.
        known: i64,
        /// The newest migration applied.
        found: i64,
        /// The oldest schema number a binary must know.
        admits: i64,
    },
    /// Migrations are missing.
    #[error("the database has schema {found}, this binary needs {known}: run `tongxing migrate`")]
    OlderSchema {
        /// The newest migration of this binary.
        known: i64,
        /// The newest migration applied; 0 for none.
        found: i64,
    },
    /// The database of another set of migrations.
    #[error("the database holds the schema `{found}`, not `{wanted}`: is this the right URL?")]
    OtherSchema {
        /// The set it holds.
        found: String,
        /// The set asked for.
        wanted: &'static str,
    },
    /// A migration's text is not what was applied.
    #[error("migration {file} has changed since it was applied")]
    Changed {
        /// Its file.
        file: &'static str,
    },
    /// A migration failed; nothing of it remains, unless it is marked online.
    #[error("migration {file} failed: {cause}")]
    Migration {
        /// Its file.
        file: &'static str,
        /// What the engine said.
        cause: String,
    },
    /// Another process is migrating for too long.
    #[error("another process has been migrating the database for {seconds} s: try later")]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl OpenError {
    pub(super) fn unreachable(url: &DatabaseUrl, cause: &str) -> Self {
        Self::Unreachable {
            url: url.to_string(),
            cause: cause.to_owned(),
        }
    }
}

/// The table a statement is about: good enough to say where to look.
pub(super) fn table_of(sql: &'static str) -> &'static str {
    let mut words = sql.split_ascii_whitespace();
    while let Some(word) = words.next() {
        if matches!(word, "FROM" | "INTO" | "UPDATE") {
            let name = words.next().unwrap_or_default();
            return name.split(['(', ')', ',', ';']).next().unwrap_or_default();
        }
    }
    "(no table)"
}
