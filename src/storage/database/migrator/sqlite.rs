//! The migrator on SQLite. Its write transaction is the lock between processes.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::super::error::OpenError;
use super::super::sqlite::{create, message};
use super::super::url::DatabaseUrl;
use super::dialect::{self, Online};
use super::{Applied, CREATE_TABLE, LIST, Migration, Migrations, RECORD};

/// How long another migrator is waited for.
const WAIT: Duration = Duration::from_mins(1);

pub(super) fn applied(url: &DatabaseUrl, path: &Path) -> Result<Vec<Applied>, OpenError> {
    let unreachable = |error: rusqlite::Error| OpenError::unreachable(url, &message(&error));
    let connection = open(path).map_err(unreachable)?;
    list(&connection).map_err(unreachable)
}

pub(super) fn migrate(
    url: &DatabaseUrl,
    path: &Path,
    migrations: &'static Migrations,
) -> Result<(), OpenError> {
    let unreachable = |error: rusqlite::Error| OpenError::unreachable(url, &message(&error));
    create(path)?;
    let mut connection = open(path).map_err(unreachable)?;
    let mut seen = list(&connection).map_err(unreachable)?;
    while let Some(migration) = migrations.next(&seen)? {
        apply(&mut connection, migrations, migration)?;
        seen = list(&connection).map_err(unreachable)?;
    }
    Ok(())
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WAIT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    // A table is rebuilt by renaming another in its place; its references are checked afterwards.
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(connection)
}

fn list(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    if !connection.table_exists(None::<&str>, "schema_migrations")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(LIST)?;
    let rows = statement.query_map([], |row| {
        Ok(Applied {
            number: row.get("number")?,
            checksum: row.get("checksum")?,
            schema_name: row.get("schema_name")?,
            oldest_admitted: row.get("oldest_admitted")?,
        })
    })?;
    rows.collect()
}

/// Applies the migration, unless another process just has.
fn apply(
    connection: &mut Connection,
    migrations: &Migrations,
    migration: &Migration,
) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| migration.failed(message(&error));
    if migration.is_online() {
        for statement in dialect::online(migration.sql).map_err(|why| migration.failed(why))? {
            let sql = match statement {
                Online::CreateIndex { verb, name, rest } => {
                    format!("{verb} IF NOT EXISTS {name} {rest}")
                }
                Online::DropIndex { name } => format!("DROP INDEX IF EXISTS {name}"),
            };
            connection.execute_batch(&sql).map_err(failed)?;
        }
    }
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    tx.execute_batch(CREATE_TABLE).map_err(failed)?;
    let seen = list(&tx).map_err(failed)?;
    if seen.iter().any(|row| row.number == migration.number) {
        return Ok(());
    }
    if !migration.is_online() {
        tx.execute_batch(migration.sql).map_err(failed)?;
        let broken = tx
            .prepare("PRAGMA foreign_key_check")
            .and_then(|mut check| check.exists([]))
            .map_err(failed)?;
        if broken {
            return Err(migration.failed("a reference leads nowhere".to_owned()));
        }
    }
    tx.execute(
        RECORD,
        params![
            migration.number,
            migration.file,
            migration.checksum(),
            migrations.name,
            migrations.oldest_admitted,
        ],
    )
    .map_err(failed)?;
    tx.commit().map_err(failed)
}
