//! One connection in use, and how it comes back from a statement nobody waits for any more.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Connection, Executor, SqlSafeStr as _};

use super::super::error::{Error, Failure, Fault};
use super::super::pool::{Lease, Pool};
use super::super::value::Value;
use super::rows::{for_rows, portion};
use super::{GREETING, Home, failure};

/// A connection in use.
pub(in super::super) struct Session {
    lease: Lease<PgConnection>,
    home: Arc<Home>,
    stage: Stage,
}

/// What depends on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Nothing, and it may have died while idle: a lost statement is sent again on another.
    Idle,
    /// Nothing, but it is known to have worked.
    Fresh,
    /// A transaction whose outcome is not known: it must not go back to the pool.
    Transaction,
}

/// After so long without use a connection is asked whether it still is one: what lies between may
/// have forgotten it without a word.
const UNTRIED: Duration = Duration::from_secs(5);

/// Takes the connection off if it does not answer; those that have lain for longer are no better.
async fn greet(lease: &mut Lease<PgConnection>, home: &Home) {
    let Some(mut connection) = lease.connection.take() else {
        return;
    };
    match tokio::time::timeout(GREETING, connection.ping()).await {
        Ok(Ok(())) => lease.connection = Some(connection),
        Ok(Err(_)) | Err(_) => home.pool.clear(),
    }
}

/// Sends one statement and waits for its answer.
macro_rules! ask {
    ($session:expr, $sql:expr, |$connection:ident| $future:expr) => {
        loop {
            let mut flight = $session.depart().await?;
            let Some($connection) = flight.connection.as_mut() else {
                break Err(lost());
            };
            let answer = $session.home.hear($future).await;
            match $session.arrive(flight, answer, $sql) {
                Err(failed) if $session.replaces(&failed) => {}
                answer => break answer,
            }
        }
    };
}

impl Session {
    pub(super) async fn pooled(home: &Arc<Home>) -> Result<Self, Error> {
        let mut stage = Stage::Idle;
        let mut lease = home
            .pool
            .take(async || {
                stage = Stage::Fresh;
                home.connect().await
            })
            .await?;
        if lease.idle > UNTRIED {
            greet(&mut lease, home).await;
        }
        Ok(Self {
            lease,
            home: Arc::clone(home),
            stage,
        })
    }

    pub(super) async fn own(home: &Arc<Home>) -> Result<Self, Error> {
        Ok(Self {
            lease: Lease::own(home.connect().await?),
            home: Arc::clone(home),
            stage: Stage::Fresh,
        })
    }

    /// Opens a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.command("BEGIN READ WRITE").await?;
        self.stage = Stage::Transaction;
        Ok(())
    }

    /// Opens a transaction whose statements all see what is committed now. It may be idle for as
    /// long as a disk is slow.
    pub(super) async fn begin_snapshot(&mut self) -> Result<(), Failure> {
        self.command("SET idle_in_transaction_session_timeout = 0")
            .await?;
        self.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        self.stage = Stage::Transaction;
        // The first query fixes what all see.
        self.command("SELECT 1").await
    }

    /// Ends the transaction; if that fails, so does the connection.
    pub(super) async fn end(&mut self, sql: &'static str) -> Result<(), Failure> {
        self.command(sql).await?;
        self.stage = Stage::Fresh;
        Ok(())
    }

    async fn command(&mut self, sql: &'static str) -> Result<(), Failure> {
        ask!(self, sql, |connection| connection.execute(sql)).map(drop)
    }

    pub(in super::super) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Failure> {
        ask!(self, sql, |connection| connection
            .execute(sqlx::query_with(sql, bind(values)?)))
        .map(|done| done.rows_affected())
    }

    pub(in super::super) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<PgRow>, Failure> {
        ask!(self, sql, |connection| connection
            .fetch_optional(sqlx::query_with(sql, bind(values)?)))
    }

    pub(in super::super) async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<PgRow>, Failure> {
        ask!(self, sql, |connection| connection
            .fetch_all(sqlx::query_with(sql, bind(values)?)))
    }

    /// The same for a statement that is to run for each of `rows`: many of them at a time.
    pub(in super::super) async fn fetch_each(
        &mut self,
        sql: &'static str,
        mut rows: &[Vec<Value<'_>>],
    ) -> Result<Vec<PgRow>, Failure> {
        let columns = rows.first().map_or(0, Vec::len);
        let mut found = Vec::new();
        while let Some((now, later)) = rows.split_at_checked(portion(rows.len()))
            && !now.is_empty()
        {
            let text = for_rows(sql, columns, now.len())
                .filter(|_| now.iter().all(|row| row.len() == columns))
                .ok_or_else(|| mistaken("a statement that cannot run for many rows"))?;
            let text = AssertSqlSafe(text).into_sql_str();
            let answer = ask!(self, sql, |connection| connection
                .fetch_all(sqlx::query_with(text.clone(), bind(now.iter().flatten())?)));
            found.append(&mut answer?);
            rows = later;
        }
        Ok(found)
    }

    /// Takes the connection out for one statement, or makes another for one found dead.
    async fn depart(&mut self) -> Result<InFlight, Failure> {
        let connection = match self.lease.connection.take() {
            Some(connection) => connection,
            None if self.stage == Stage::Idle => {
                self.stage = Stage::Fresh;
                self.home.connect().await.map_err(|error| Failure {
                    fault: Fault::Lost,
                    error,
                })?
            }
            None => return Err(lost()),
        };
        let afterwards = match (self.stage, &self.lease.pool) {
            (Stage::Transaction, _) => Afterwards::Close,
            (Stage::Idle | Stage::Fresh, Some(_)) => Afterwards::GiveBack,
            (Stage::Idle | Stage::Fresh, None) => Afterwards::Ask,
        };
        Ok(InFlight {
            connection: Some(connection),
            pool: Arc::clone(&self.home.pool),
            afterwards,
        })
    }

    fn arrive<T>(
        &mut self,
        mut flight: InFlight,
        answer: Option<Result<T, sqlx::Error>>,
        sql: &'static str,
    ) -> Result<T, Failure> {
        let connection = flight.connection.take();
        let answer = if let Some(answer) = answer {
            answer.map_err(|error| failure(&error, sql))
        } else {
            // There is no time left for another.
            self.stage = self.stage.max(Stage::Fresh);
            Err(lost())
        };
        match &answer {
            Err(failed) if failed.fault == Fault::Lost => self.home.pool.clear(),
            Ok(_) | Err(_) => self.lease.connection = connection,
        }
        answer
    }

    fn replaces(&self, failed: &Failure) -> bool {
        failed.fault == Fault::Lost && self.stage == Stage::Idle
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.stage == Stage::Transaction {
            self.lease.connection = None;
        }
    }
}

fn lost() -> Failure {
    Failure {
        fault: Fault::Lost,
        error: Error::Unavailable("the connection was lost".to_owned()),
    }
}

fn mistaken(why: &str) -> Failure {
    Failure {
        fault: Fault::Refused,
        error: Error::Refused(why.to_owned()),
    }
}

fn bind<'a>(values: impl IntoIterator<Item = &'a Value<'a>>) -> Result<PgArguments, Failure> {
    let values = values.into_iter();
    let mut arguments = PgArguments::default();
    let (count, _) = values.size_hint();
    arguments.reserve(count, count * 40);
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text.as_deref()),
            Value::Integer(integer) => arguments.add(*integer),
            Value::Boolean(boolean) => arguments.add(*boolean),
        };
        added.map_err(|_| mistaken("a value is too long"))?;
    }
    Ok(arguments)
}

/// A connection with a statement under way. If its reader is dropped meanwhile, the connection
/// goes back to the pool once the answer has been read, so that callers who hang up do not make
/// the server fork. If none comes, those that lie idle are suspect, too.
struct InFlight {
    connection: Option<PgConnection>,
    pool: Arc<Pool<PgConnection>>,
    afterwards: Afterwards,
}

/// What becomes of a connection that nobody reads from any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    /// It is the pool's.
    GiveBack,
    /// It is nobody's, but tells how the server does.
    Ask,
    /// In the midst of a transaction.
    Close,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let (pool, afterwards) = (Arc::clone(&self.pool), self.afterwards);
        if afterwards == Afterwards::Close {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let ping = tokio::time::timeout(Duration::from_secs(1), connection.ping()).await;
                match (ping, afterwards) {
                    (Ok(Ok(())), Afterwards::GiveBack) => pool.put(connection),
                    (Ok(Ok(())), Afterwards::Ask | Afterwards::Close) => {}
                    (Ok(Err(_)) | Err(_), _) => pool.clear(),
                }
            });
        }
    }
}
