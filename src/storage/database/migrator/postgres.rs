//! The migrator on PostgreSQL, under an advisory lock.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::super::error::OpenError;
use super::super::postgres::{connect, message};
use super::super::url::DatabaseUrl;
use super::dialect::{self, Online};
use super::{Applied, CREATE_TABLE, LIST, Migration, Migrations, RECORD};

/// How long another migrator is waited for, and how often it is asked for.
const WAIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// A change of a table gives up rather than make everybody queue behind it.
const SETUP: &str = "SET lock_timeout = 5000";

pub(super) async fn applied(
    url: &DatabaseUrl,
    options: &PgConnectOptions,
) -> Result<Vec<Applied>, OpenError> {
    let mut connection = connect(url, options).await?;
    list(&mut connection)
        .await
        .map_err(|error| OpenError::unreachable(url, &message(&error)))
}

pub(super) async fn migrate(
    url: &DatabaseUrl,
    options: &PgConnectOptions,
    migrations: &'static Migrations,
) -> Result<(), OpenError> {
    let unreachable = |error: sqlx::Error| OpenError::unreachable(url, &message(&error));
    let mut connection = connect(url, options).await?;
    connection.execute(SETUP).await.map_err(unreachable)?;
    lock(&mut connection, url).await?;
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(dialect::collate(CREATE_TABLE))))
        .await
        .map_err(unreachable)?;
    loop {
        let seen = list(&mut connection).await.map_err(unreachable)?;
        let Some(migration) = migrations.next(&seen)? else {
            break;
        };
        apply(&mut connection, migrations, migration).await?;
    }
    // The lock ends with the connection.
    connection.close().await.map_err(unreachable)
}

/// Asks again and again rather than wait in the server: a statement that waits holds a snapshot,
/// and a concurrent index build of the lock's holder would wait for that.
async fn lock(connection: &mut PgConnection, url: &DatabaseUrl) -> Result<(), OpenError> {
    let deadline = tokio::time::Instant::now() + WAIT;
    while tokio::time::Instant::now() < deadline {
        let row = connection
            // The first eight bytes of the name, as a number.
            .fetch_one("SELECT pg_try_advisory_lock(8390046021495385703) AS locked")
            .await
            .map_err(|error| OpenError::unreachable(url, &message(&error)))?;
        if row.try_get::<bool, _>("locked").unwrap_or(false) {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(OpenError::Busy {
        seconds: WAIT.as_secs(),
    })
}

async fn list(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let row = connection
        .fetch_one("SELECT to_regclass('schema_migrations') IS NOT NULL AS present")
        .await?;
    if !row.try_get::<bool, _>("present")? {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(LIST).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok(Applied {
                number: row.try_get("number")?,
                checksum: row.try_get("checksum")?,
                schema_name: row.try_get("schema_name")?,
                oldest_admitted: row.try_get("oldest_admitted")?,
            })
        })
        .collect()
}

async fn apply(
    connection: &mut PgConnection,
    migrations: &Migrations,
    migration: &Migration,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| migration.failed(message(&error));
    if migration.is_online() {
        for statement in dialect::online(migration.sql).map_err(|why| migration.failed(why))? {
            index(connection, statement).await.map_err(failed)?;
        }
    }
    let mut tx = connection.begin().await.map_err(failed)?;
    if !migration.is_online() {
        let sql = dialect::collate(migration.sql);
        tx.execute(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await
            .map_err(failed)?;
    }
    let record = sqlx::query(RECORD)
        .bind(migration.number)
        .bind(migration.file)
        .bind(migration.checksum())
        .bind(migrations.name)
        .bind(migrations.oldest_admitted);
    tx.execute(record).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

async fn index(connection: &mut PgConnection, statement: Online) -> Result<(), sqlx::Error> {
    let sql = match statement {
        Online::CreateIndex { verb, name, rest } => {
            // A build that was interrupted leaves an index that nobody uses.
            let invalid = sqlx::query(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid",
            );
            if connection
                .fetch_optional(invalid.bind(&name))
                .await?
                .is_some()
            {
                let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
                connection
                    .execute(sqlx::raw_sql(AssertSqlSafe(drop)))
                    .await?;
            }
            format!("{verb} CONCURRENTLY IF NOT EXISTS {name} {rest}")
        }
        Online::DropIndex { name } => format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"),
    };
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await
        .map(drop)
}
