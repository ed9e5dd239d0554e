//! Brings a schema up to date, and says whether this binary and a schema admit each other.
//!
//! One file serves both engines. Each is applied in a transaction with the row that records it; a
//! file whose first line is `-- online` holds only `CREATE INDEX` and `DROP INDEX`, which run one
//! by one, concurrently with writers on PostgreSQL, and may be repeated after a crash.

mod dialect;
mod postgres;
mod sqlite;

use super::error::OpenError;
use super::url::{DatabaseUrl, Place};

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
     number BIGINT PRIMARY KEY, file TEXT NOT NULL, checksum TEXT NOT NULL, \
     schema_name TEXT NOT NULL, oldest_admitted BIGINT NOT NULL)";
const LIST: &str = "SELECT number, checksum, schema_name, oldest_admitted \
     FROM schema_migrations ORDER BY number";
const RECORD: &str = "INSERT INTO schema_migrations \
     (number, file, checksum, schema_name, oldest_admitted) VALUES ($1, $2, $3, $4, $5)";

/// One step of a schema.
#[derive(Debug)]
pub struct Migration {
    number: i64,
    file: &'static str,
    sql: &'static str,
}

impl Migration {
    /// The migration `file`, whose name begins with four digits, perhaps after a folder.
    #[must_use]
    pub const fn new(file: &'static str, sql: &'static str) -> Self {
        let bytes = file.as_bytes();
        let mut rest = bytes;
        let mut name = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            if first == b'/' {
                name = tail;
            }
            rest = tail;
        }
        let mut number: i64 = 0;
        let mut digits = 0;
        while let Some((&digit, tail)) = name.split_first() {
            if digits == 4 {
                break;
            }
            assert!(
                digit.is_ascii_digit(),
                "a migration begins with four digits"
            );
            number = number * 10 + (digit - b'0') as i64;
            digits += 1;
            name = tail;
        }
        Self { number, file, sql }
    }

    fn is_online(&self) -> bool {
        self.sql.starts_with("-- online")
    }

    /// Against edits by accident, not by intent: 128 bits of FNV-1a.
    fn checksum(&self) -> String {
        let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        for byte in self.sql.bytes() {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
        format!("{hash:032x}")
    }

    fn failed(&self, cause: String) -> OpenError {
        OpenError::Migration {
            file: self.file,
            cause,
        }
    }
}

/// The steps of one database's schema.
#[derive(Debug)]
pub struct Migrations {
    name: &'static str,
    oldest_admitted: i64,
    list: &'static [Migration],
}

impl Migrations {
    /// A schema by the name of `name`, which is stored so that one database is not taken for
    /// another. After these migrations binaries are admitted that know at least the schema
    /// `oldest_admitted`.
    #[must_use]
    pub const fn new(name: &'static str, oldest_admitted: i64, list: &'static [Migration]) -> Self {
        let mut rest = list;
        let mut number = 1;
        while let Some((first, tail)) = rest.split_first() {
            assert!(first.number == number, "migrations are numbered 1, 2, 3, …");
            number += 1;
            rest = tail;
        }
        Self {
            name,
            oldest_admitted,
            list,
        }
    }

    /// The number of the last one.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.list.last().map_or(0, |migration| migration.number)
    }

    /// Whether binaries that know no later schema than `known` may go on when all are applied.
    #[must_use]
    pub const fn admits(&self, known: i64) -> bool {
        self.oldest_admitted <= known
    }

    /// The first one that is not applied; or why none may be.
    fn next(&self, applied: &[Applied]) -> Result<Option<&'static Migration>, OpenError> {
        let found = self.admit(applied)?;
        Ok(self.list.iter().find(|migration| migration.number > found))
    }

    /// The number of the last one applied, if this binary may use or migrate the schema.
    fn admit(&self, applied: &[Applied]) -> Result<i64, OpenError> {
        for row in applied {
            if row.schema_name != self.name {
                return Err(OpenError::OtherSchema {
                    found: row.schema_name.clone(),
                    wanted: self.name,
                });
            }
            let known = self.list.iter().find(|known| known.number == row.number);
            if let Some(known) = known.filter(|known| known.checksum() != row.checksum) {
                return Err(OpenError::Changed { file: known.file });
            }
        }
        let Some(last) = applied.last() else {
            return Ok(0);
        };
        let known = self.newest();
        if last.number > known && last.oldest_admitted > known {
            return Err(OpenError::NewerSchema {
                known,
                found: last.number,
                admits: last.oldest_admitted,
            });
        }
        Ok(last.number)
    }
}

/// A row of `schema_migrations`.
struct Applied {
    number: i64,
    checksum: String,
    schema_name: String,
    oldest_admitted: i64,
}

pub(super) async fn migrate(
    url: &DatabaseUrl,
    migrations: &'static Migrations,
) -> Result<(), OpenError> {
    match url.place() {
        Place::Sqlite(path) => sqlite::migrate(url, path, migrations),
        Place::Postgres { options, .. } => postgres::migrate(url, options, migrations).await,
    }
}

/// The number of the last one applied, if this binary may use the schema.
pub(super) async fn found(
    url: &DatabaseUrl,
    migrations: &'static Migrations,
) -> Result<i64, OpenError> {
    let applied = match url.place() {
        Place::Sqlite(path) => sqlite::applied(url, path)?,
        Place::Postgres { options, .. } => postgres::applied(url, options).await?,
    };
    migrations.admit(&applied)
}

pub(super) async fn check(
    url: &DatabaseUrl,
    migrations: &'static Migrations,
) -> Result<(), OpenError> {
    let found = found(url, migrations).await?;
    let known = migrations.newest();
    if found < known {
        return Err(OpenError::OlderSchema { known, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
