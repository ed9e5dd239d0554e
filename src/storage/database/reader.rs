//! A connection to read with, and a transaction to write with, of either engine.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::{Error, Failure, Fault};
use super::pool::Lease;
use super::row::{Cells, Row};
use super::value::Value;
use super::{postgres, sqlite};
use crate::domain::instant::Instant;

/// Reads. Every statement sees what is committed when it starts.
///
/// After [`Error::Unavailable`] take another one.
pub struct Reader {
    connected: Connected,
    role: Role,
    /// Set by a failed statement; in a transaction nothing runs after it.
    fault: Option<Fault>,
}

enum Connected {
    Sqlite(Lease<sqlite::Connection>),
    Postgres(postgres::Session),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Alone,
    InTransaction,
}

impl Reader {
    pub(super) fn sqlite(lease: Lease<sqlite::Connection>) -> Self {
        Self::new(Connected::Sqlite(lease), Role::Alone)
    }

    pub(super) fn postgres(session: postgres::Session) -> Self {
        Self::new(Connected::Postgres(session), Role::Alone)
    }

    fn new(connected: Connected, role: Role) -> Self {
        Self {
            connected,
            role,
            fault: None,
        }
    }

    /// What time the database's machine has.
    pub(in crate::storage) async fn server_time(&mut self) -> Result<Instant, Error> {
        let sql = match &self.connected {
            Connected::Sqlite(_) => {
                "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS at"
            }
            Connected::Postgres(_) => {
                "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS at"
            }
        };
        let row = self.fetch_optional(sql, &[]).await?;
        row.ok_or(Error::Corrupt {
            table: "clock",
            column: "at",
        })?
        .get("at")
    }

    /// The row, if there is one.
    pub async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Error> {
        self.admit(values)?;
        let answer = match &mut self.connected {
            Connected::Sqlite(lease) => present(lease).and_then(|connection| {
                let mut first = None;
                connection
                    .fetch(sql, values, |cells| {
                        first.get_or_insert(cells);
                    })
                    .map(|()| first.map(Cells::Sqlite))
            }),
            Connected::Postgres(session) => session
                .fetch_optional(sql, values)
                .await
                .map(|cells| cells.map(Cells::Postgres)),
        };
        self.note(answer)
            .map(|cells| cells.map(|cells| Row::new(sql, cells)))
    }

    /// All rows.
    pub async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        self.admit(values)?;
        let answer = match &mut self.connected {
            Connected::Sqlite(lease) => present(lease).and_then(|connection| {
                let mut rows = Vec::new();
                connection
                    .fetch(sql, values, |cells| {
                        rows.push(Row::new(sql, Cells::Sqlite(cells)));
                    })
                    .map(|()| rows)
            }),
            Connected::Postgres(session) => session.fetch_all(sql, values).await.map(|rows| {
                rows.into_iter()
                    .map(|cells| Row::new(sql, Cells::Postgres(cells)))
                    .collect()
            }),
        };
        self.note(answer)
    }

    /// Runs a statement once for each of `rows`, in their order, and returns all that comes of it: on
    /// PostgreSQL many at a time. Its parameters all stand in its one `VALUES (…)`, and it is one
    /// whose meaning does not depend on how many rows it has there.
    pub async fn fetch_each(
        &mut self,
        sql: &'static str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<Vec<Row>, Error> {
        for values in rows {
            self.admit(values)?;
        }
        let answer = match &mut self.connected {
            Connected::Sqlite(lease) => present(lease).and_then(|connection| {
                let mut found = Vec::new();
                for values in rows {
                    connection.fetch(sql, values, |cells| {
                        found.push(Row::new(sql, Cells::Sqlite(cells)));
                    })?;
                }
                Ok(found)
            }),
            Connected::Postgres(session) => session.fetch_each(sql, rows).await.map(|found| {
                found
                    .into_iter()
                    .map(|cells| Row::new(sql, Cells::Postgres(cells)))
                    .collect()
            }),
        };
        self.note(answer)
    }

    async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        self.admit(values)?;
        let answer = match &mut self.connected {
            Connected::Sqlite(lease) => {
                present(lease).and_then(|connection| connection.execute(sql, values))
            }
            Connected::Postgres(session) => session.execute(sql, values).await,
        };
        self.note(answer)
    }

    fn admit(&self, values: &[Value<'_>]) -> Result<(), Error> {
        if self.role == Role::InTransaction && self.fault.is_some() {
            return Err(Error::ignored());
        }
        if values.iter().any(Value::holds_nul) {
            return Err(Error::Refused("text holds U+0000".to_owned()));
        }
        Ok(())
    }

    fn note<T>(&mut self, answer: Result<T, Failure>) -> Result<T, Error> {
        answer.map_err(|Failure { fault, error }| {
            self.fault = Some(fault);
            // A pool must not get a connection back that may be broken.
            if let (Connected::Sqlite(lease), Role::Alone, Fault::Lost) =
                (&mut self.connected, self.role, fault)
            {
                lease.connection = None;
            }
            error
        })
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("role", &self.role)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

fn present(lease: &mut Lease<sqlite::Connection>) -> Result<&mut sqlite::Connection, Failure> {
    lease.connection.as_mut().ok_or_else(|| Failure {
        fault: Fault::Lost,
        error: Error::Unavailable("the connection was lost".to_owned()),
    })
}

/// Writes, and reads what it wrote. Dereferences to [`Reader`], so that a query that only reads
/// takes `&mut Reader` and serves both. A statement with `RETURNING` of several rows goes through
/// [`Reader::fetch_all`].
#[derive(Debug)]
pub struct Transaction(Reader);

impl Deref for Transaction {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.0
    }
}

impl Transaction {
    pub(super) fn sqlite(connection: sqlite::Connection) -> Self {
        let lease = Lease::own(connection);
        Self(Reader::new(Connected::Sqlite(lease), Role::InTransaction))
    }

    pub(super) fn postgres(session: postgres::Session) -> Self {
        Self(Reader::new(
            Connected::Postgres(session),
            Role::InTransaction,
        ))
    }

    /// Runs a statement; the number of rows it changed.
    pub async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        self.0.execute(sql, values).await
    }

    /// Runs a statement with `RETURNING` of at most one row.
    pub async fn returning(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Error> {
        self.0.fetch_optional(sql, values).await
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.0.fault
    }

    /// The SQLite connection under it, for the writer's own commands.
    pub(super) fn as_sqlite(&mut self) -> Option<&mut sqlite::Connection> {
        match &mut self.0.connected {
            Connected::Sqlite(lease) => lease.connection.as_mut(),
            Connected::Postgres(_) => None,
        }
    }

    /// Forgets a failed statement, since its savepoint is undone.
    pub(super) fn renew(&mut self) {
        self.0.fault = None;
    }

    /// The PostgreSQL session under it, when the work is over.
    pub(super) fn into_postgres(self) -> Option<postgres::Session> {
        match self.0.connected {
            Connected::Postgres(session) => Some(session),
            Connected::Sqlite(_) => None,
        }
    }
}

/// Nothing, if `step` panicked: a write is undone then, and its engine goes on.
pub(super) fn guard<T>(step: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(step)).ok()
}
