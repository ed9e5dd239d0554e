//! How much room an installation takes, and which tables most of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rusqlite::OpenFlags;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::server::Server;

/// Bytes: of the database, of the key store, and of each table with its indexes, largest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Size {
    pub(crate) database: u64,
    pub(crate) vault: u64,
    pub(crate) tables: Vec<(String, u64)>,
}

/// The size of a server's databases, while nothing runs on them. PostgreSQL is tidied up first: what
/// it writes beside its tables is not counted.
pub(crate) async fn measure(server: &Server, postgres: Option<&str>) -> anyhow::Result<Size> {
    let vault = files(server.folder(), "vault.db")?;
    let vault = vault.iter().map(|path| Ok(fs::metadata(path)?.len()));
    let vault: u64 = vault.sum::<anyhow::Result<u64>>()?;
    let (database, tables) = match postgres {
        Some(url) => of_postgres(url).await?,
        None => of_sqlite(&server.folder().join("tongxing.db"))?,
    };
    Ok(Size {
        database,
        vault,
        tables,
    })
}

/// The file of this name and those that SQLite keeps beside it, here or one folder below.
fn files(folder: &Path, name: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, name)?);
        } else if path
            .file_name()
            .is_some_and(|own| own.to_string_lossy().starts_with(name))
        {
            found.push(path);
        }
    }
    Ok(found)
}

fn of_sqlite(path: &Path) -> anyhow::Result<(u64, Vec<(String, u64)>)> {
    let connection =
        rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // What is in the log goes to where it belongs.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let mut statement = connection.prepare(
        "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name \
         GROUP BY m.tbl_name ORDER BY SUM(s.pgsize) DESC",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let mut tables = Vec::new();
    for row in rows {
        let (name, bytes) = row?;
        tables.push((name, bytes.unsigned_abs()));
    }
    let files = files(path.parent().context("a folder")?, "tongxing.db")?;
    let bytes = files.iter().map(|path| Ok(fs::metadata(path)?.len()));
    Ok((bytes.sum::<anyhow::Result<u64>>()?, tables))
}

async fn of_postgres(url: &str) -> anyhow::Result<(u64, Vec<(String, u64)>)> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute("VACUUM ANALYZE").await?;
    connection.execute("CHECKPOINT").await?;
    let whole = "SELECT pg_database_size(current_database())";
    let whole: i64 = connection.fetch_one(whole).await?.try_get(0)?;
    let tables = connection
        .fetch_all(
            "SELECT relname::text, pg_total_relation_size(oid) FROM pg_class \
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC",
        )
        .await?;
    let table = |row: &sqlx::postgres::PgRow| {
        Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.unsigned_abs()))
    };
    let tables = tables.iter().map(table).collect::<anyhow::Result<_>>()?;
    Ok((whole.unsigned_abs(), tables))
}
