//! The executor: one narrow interface, dispatched to an engine in this folder only.
//!
//! The SQL subset (a test greps for the rest): column types `TEXT`, `BIGINT`, `BOOLEAN`;
//! placeholders `$1`; `ON CONFLICT` and `RETURNING`; conditions in the statement, never
//! check-then-act; sums cast to `BIGINT`; no `now()`, `random()`, triggers, sequences, deferred
//! constraints, data-modifying CTEs, `ILIKE`. A write that rests on a row which it does not change
//! says `FOR SHARE OF` it, if that must not change before its commit: SQLite, where one write runs
//! at a time, leaves the clause out. What runs for many rows at once has all its parameters in one
//! `VALUES (…)`. Keywords in capitals, names in small letters.

mod error;
mod job;
mod migrator;
mod pool;
mod postgres;
mod reader;
mod row;
mod sqlite;
mod url;
mod value;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use self::error::{Error, OpenError};
pub use self::migrator::{Migration, Migrations};
pub use self::pool::PoolLoad;
pub use self::reader::{Reader, Transaction};
pub use self::row::Row;
use self::url::Place;
pub use self::url::{DatabaseUrl, ParseDatabaseUrlError};
pub(in crate::storage) use self::value::row_values;
pub use self::value::{Cell, FromColumn, Value, values};

/// The number of the last migration that a database has, if this binary may use it; 0 for none. Opens
/// and makes nothing.
pub async fn schema_of(
    url: &DatabaseUrl,
    migrations: &'static Migrations,
) -> Result<i64, OpenError> {
    migrator::found(url, migrations).await
}

/// A boxed future, as closures given to [`Storage::write`] return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Limits of a [`Storage`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections: to read with on SQLite, for everything on PostgreSQL.
    pub connections: usize,
    /// How long a caller waits for one of them.
    pub pool_wait: Duration,
    /// Writes waiting for SQLite's writer; one more is refused.
    pub queue: usize,
    /// Writes in one transaction of SQLite's writer.
    pub batch: usize,
    /// How long SQLite's writer waits for another process to finish its write.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 16,
            pool_wait: Duration::from_millis(500),
            queue: 2048,
            batch: 256,
            busy_timeout: Duration::from_secs(2),
        }
    }
}

/// A database of either engine. Clones share it; when the last is dropped, what is queued is
/// still written.
#[derive(Clone)]
pub struct Storage(Arc<Shared>);

struct Shared {
    engine: Engine,
    url: DatabaseUrl,
    migrations: &'static Migrations,
}

enum Engine {
    Sqlite(sqlite::Engine),
    Postgres(postgres::Engine),
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Storage").field(&self.0.url).finish()
    }
}

impl Storage {
    /// Connects. Looks at no schema: that is for [`Storage::migrate`], [`Storage::check_schema`]
    /// and [`Storage::prepare_schema`].
    pub async fn open(
        url: &DatabaseUrl,
        migrations: &'static Migrations,
        options: Options,
    ) -> Result<Self, OpenError> {
        let engine = match url.place() {
            Place::Sqlite(path) => {
                let engine = sqlite::Engine::open(path, &options);
                Engine::Sqlite(
                    engine.map_err(|error| OpenError::unreachable(url, &error.to_string()))?,
                )
            }
            Place::Postgres { options: to, .. } => {
                postgres::check_durable(url, to).await?;
                Engine::Postgres(postgres::Engine::open(to, &options))
            }
        };
        Ok(Self(Arc::new(Shared {
            engine,
            url: url.clone(),
            migrations,
        })))
    }

    /// Applies the migrations that are missing. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        migrator::migrate(&self.0.url, self.0.migrations).await
    }

    /// Whether this binary and the schema admit each other.
    pub async fn check_schema(&self) -> Result<(), OpenError> {
        migrator::check(&self.0.url, self.0.migrations).await
    }

    /// What a server does when it starts: migrates SQLite, but only checks PostgreSQL, where
    /// several releases may share the database.
    pub async fn prepare_schema(&self) -> Result<(), OpenError> {
        if let Engine::Sqlite(_) = self.0.engine {
            self.migrate().await?;
        }
        self.check_schema().await
    }

    /// How busy its connections are, and how many writes wait for SQLite's writer.
    #[must_use]
    pub fn load(&self) -> (PoolLoad, usize) {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.load(),
            Engine::Postgres(engine) => (engine.load(), 0),
        }
    }

    /// A connection to read with.
    pub async fn reader(&self) -> Result<Reader, Error> {
        match &self.0.engine {
            Engine::Sqlite(engine) => Ok(Reader::sqlite(engine.reader().await?)),
            Engine::Postgres(engine) => engine.reader().await,
        }
    }

    /// A connection to read with that is not the pool's: for what reads all the time, and must
    /// when the pool is exhausted.
    pub async fn dedicated_reader(&self) -> Result<Reader, Error> {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.dedicated_reader(),
            Engine::Postgres(engine) => engine.dedicated_reader().await,
        }
    }

    /// A connection whose statements all see what was committed when this answered, however long
    /// they go on: for a backup. It holds nobody up, but SQLite's log grows as long as it is open.
    pub async fn snapshot(&self) -> Result<Reader, Error> {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.snapshot(),
            Engine::Postgres(engine) => engine.snapshot().await,
        }
    }

    /// The number of the last migration that the database has; 0 for none.
    pub async fn schema(&self) -> Result<i64, OpenError> {
        migrator::found(&self.0.url, self.0.migrations).await
    }

    /// Runs `work` in a transaction; the only way to write.
    ///
    /// `work` awaits nothing but its transaction and may run again, so ids, times and random
    /// values are in `input`. It runs detached from the caller: one that hangs up interrupts
    /// nothing. An `Err` rolls back what `work` did; so does an error of a statement, whatever
    /// `work` makes of it. The answer comes after COMMIT. [`Error::Unavailable`] may, rarely, be
    /// the answer to a write that was committed: its acknowledgment was lost.
    pub async fn write<I, T, E, F>(&self, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let (job, answered) = job::job(input, work);
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.write(job)?,
            Engine::Postgres(engine) => engine.write(job),
        }
        answered
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("the write was ended".to_owned()).into()))
    }

    /// Sees to it that what was deleted is in no file of the database any more. SQLite overwrites
    /// it where it was, but its log goes on holding older pages until it is emptied. PostgreSQL
    /// does so in its own time (VACUUM, the end of its log's archive): nothing is done here.
    pub async fn scrub(&self) -> Result<(), Error> {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.scrub().await,
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Refuses new work and waits for the writes that are queued.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }
}
