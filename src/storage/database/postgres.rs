//! PostgreSQL, and what speaks its protocol, through sqlx.
//!
//! A reader is a pooled connection in autocommit whose statements may not write. Only the built-in
//! `BEGIN READ WRITE` of a write lifts that.

mod hearing;
mod rows;
mod session;
mod write;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgRow};
use sqlx::{ConnectOptions, Connection, Executor, Row as _, TypeInfo, ValueRef};

use self::hearing::{ANSWER, GREETING, Hearing};
pub(super) use self::session::Session;
use super::error::{Error, Failure, Fault, OpenError, table_of};
use super::job::Job;
use super::pool::{Pool, PoolLoad};
use super::url::DatabaseUrl;
use super::value::Cell;
use super::{Options, Reader, Transaction};

/// What every connection is told. The server ends what hangs, whatever becomes of us.
const SETUP: &str = "SET default_transaction_read_only = on; \
                     SET statement_timeout = 10000; \
                     SET lock_timeout = 5000; \
                     SET idle_in_transaction_session_timeout = 20000";
/// How long a new connection of a server's may take.
const CONNECT: Duration = Duration::from_secs(1);
/// Distinct statements of this program are a few hundred.
const STATEMENTS: usize = 1024;

pub(super) struct Engine(Arc<Home>);

/// Where sessions come from and go back to.
pub(super) struct Home {
    options: PgConnectOptions,
    pool: Arc<Pool<PgConnection>>,
    hearing: Hearing,
}

/// The options of every connection, also the migrator's.
pub(super) fn prepare(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .application_name("tongxing")
        .statement_cache_capacity(STATEMENTS)
        // Its slow-statement log would print ours, and it costs on every statement.
        .disable_statement_logging()
}

/// A connection outside any pool, for what happens once: the server may be slow to answer.
pub(super) async fn connect(
    url: &DatabaseUrl,
    options: &PgConnectOptions,
) -> Result<PgConnection, OpenError> {
    let options = prepare(options);
    match tokio::time::timeout(ANSWER, PgConnection::connect_with(&options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(OpenError::unreachable(url, &message(&error))),
        Err(_) => Err(OpenError::unreachable(url, "no answer")),
    }
}

/// An acknowledged write must outlive the server's power.
pub(super) async fn check_durable(
    url: &DatabaseUrl,
    options: &PgConnectOptions,
) -> Result<(), OpenError> {
    let mut connection = connect(url, options).await?;
    for setting in ["fsync", "synchronous_commit"] {
        // Engines that only speak the protocol may not have the setting.
        let ask = sqlx::query("SELECT current_setting($1, true) AS value").bind(setting);
        let value = connection
            .fetch_one(ask)
            .await
            .and_then(|row| row.try_get::<Option<String>, _>("value"))
            .map_err(|error| OpenError::unreachable(url, &message(&error)))?;
        if let Some(value) = value.filter(|value| value == "off") {
            return Err(OpenError::NotDurable {
                url: url.to_string(),
                setting,
                value,
            });
        }
    }
    connection
        .close()
        .await
        .map_err(|error| OpenError::unreachable(url, &message(&error)))
}

impl Engine {
    pub(super) fn open(options: &PgConnectOptions, limits: &Options) -> Self {
        Self(Arc::new(Home {
            options: prepare(options),
            pool: Pool::new(limits.connections, limits.pool_wait),
            hearing: Hearing::new(),
        }))
    }

    pub(super) async fn reader(&self) -> Result<Reader, Error> {
        Ok(Reader::postgres(Session::pooled(&self.0).await?))
    }

    /// How busy its connections are.
    pub(super) fn load(&self) -> PoolLoad {
        self.0.pool.load()
    }

    pub(super) async fn dedicated_reader(&self) -> Result<Reader, Error> {
        Ok(Reader::postgres(Session::own(&self.0).await?))
    }

    pub(super) async fn snapshot(&self) -> Result<Reader, Error> {
        let mut session = Session::own(&self.0).await?;
        let begun = session.begin_snapshot().await;
        begun.map_err(|failed| failed.error)?;
        Ok(Reader::postgres(session))
    }

    /// Runs a write in a task of its own, which nobody interrupts; its answer goes to its caller.
    pub(super) fn write(&self, job: Box<dyn Job>) {
        let home = Arc::clone(&self.0);
        tokio::spawn(async move { write::run(&home, job).await });
    }

    /// Waits for the transactions under way.
    pub(super) async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Home {
    async fn connect(&self) -> Result<PgConnection, Error> {
        let connected = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            connection.execute(SETUP).await?;
            Ok(connection)
        };
        tokio::time::timeout(CONNECT, connected)
            .await
            .map_err(|_| Error::Unavailable("no connection in time".to_owned()))?
            .map_err(|error: sqlx::Error| Error::Unavailable(message(&error)))
    }
}

/// The column's value, if there is such a column.
pub(super) fn cell<'a>(row: &'a PgRow, column: &str) -> Option<Cell<'a>> {
    let value = row.try_get_raw(column).ok()?;
    if value.is_null() {
        return Some(Cell::Null);
    }
    let cell = match value.type_info().name() {
        "TEXT" | "VARCHAR" => value.as_str().ok().map(Cell::Text),
        "BOOL" => row.try_get::<bool, _>(column).ok().map(Cell::Boolean),
        "INT8" => row.try_get::<i64, _>(column).ok().map(Cell::Integer),
        "INT4" => row
            .try_get::<i32, _>(column)
            .ok()
            .map(|integer| Cell::Integer(i64::from(integer))),
        _ => None,
    };
    Some(cell.unwrap_or(Cell::Foreign))
}

/// What the server said, without the value it may have said it about.
pub(super) fn message(error: &sqlx::Error) -> String {
    let Some(said) = database_error(error) else {
        return error.to_string();
    };
    let code = said.code();
    match (said.constraint(), code.get(..2)) {
        (Some(constraint), _) => format!("{code}, constraint {constraint}"),
        // Connections, privileges, names and resources; the other classes quote values.
        (None, Some("08" | "28" | "3D" | "25" | "42" | "53" | "55" | "57" | "58")) => {
            format!("{} ({code})", said.message())
        }
        (None, _) => format!("SQLSTATE {code}"),
    }
}

/// What a failed statement means.
pub(super) fn failure(error: &sqlx::Error, sql: &'static str) -> Failure {
    let text = message(error);
    let Some(said) = database_error(error) else {
        let lost = matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed
        );
        return if lost {
            Failure {
                fault: Fault::Lost,
                error: Error::Unavailable(text),
            }
        } else {
            refused(&text, sql)
        };
    };
    let code = said.code();
    let (fault, error) = match (code, code.get(..2)) {
        // Serialization failure and deadlock; and a row that refers to an account which another
        // transaction removes, seen from either side: each finds, run again, what the other left.
        ("40001" | "40P01" | "23503", _) => (Fault::Conflict, Error::Unavailable(text)),
        // Too few or too many values.
        ("08P01", _) => return refused(&text, sql),
        // Read only, or shutting down: what answered is not, or no longer, the primary.
        ("25006" | "57P01" | "57P02" | "57P03", _) | (_, Some("08")) => {
            (Fault::Lost, Error::Unavailable(text))
        }
        // Resources, lock timeout, statement timeout, the server's own trouble.
        ("55P03" | "57014", _) | (_, Some("40" | "53" | "58" | "XX")) => {
            (Fault::Refused, Error::Unavailable(text))
        }
        _ => return refused(&text, sql),
    };
    Failure { fault, error }
}

fn refused(text: &str, sql: &'static str) -> Failure {
    Failure {
        fault: Fault::Refused,
        error: Error::Refused(format!("{}: {text}", table_of(sql))),
    }
}

fn database_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
}
