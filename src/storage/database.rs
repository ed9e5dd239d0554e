//! The executor: one narrow interface, dispatched to an engine here and in this folder only.
//!
//! The SQL subset (a test greps for the rest): column types `TEXT`, `BIGINT`, `BOOLEAN`;
//! placeholders `$1`; `ON CONFLICT` and `RETURNING`; conditions in the statement, never
//! check-then-act; no `now()`, `random()`, triggers, sequences, data-modifying CTEs, `ILIKE`.

use std::future::Future;
use std::pin::Pin;

/// A boxed future, as closures given to [`Storage::write`] return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why storage did not answer.
#[derive(Debug, thiserror::Error)]
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

/// One parameter of a statement.
#[derive(Debug, Clone)]
pub enum Value {
    /// `TEXT`. U+0000 is refused when bound.
    Text(Option<String>),
    /// `BIGINT`.
    Integer(Option<i64>),
    /// `BOOLEAN`.
    Boolean(Option<bool>),
}

/// `values![account_id, now, Some("text")]`: anything that is `Into<Value>`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::storage::Value::from($value)),*] };
}
pub use crate::values;

/// One row of an answer.
pub struct Row;

impl Row {
    /// The column's value: `String`, `i64`, `bool`, `Instant`, `Id<K>`, or an `Option` of these.
    pub fn get<T: FromColumn>(&self, column: &'static str) -> Result<T, Error> {
        unimplemented!("{column}")
    }
}

/// What a column can be read as.
pub trait FromColumn: Sized {}

/// Reads. Every statement sees what is committed when it starts.
pub struct Reader;

impl Reader {
    /// The row, if there is one.
    pub async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Option<Row>, Error> {
        unimplemented!("{sql} {values:?}")
    }
    /// All rows.
    pub async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<Row>, Error> {
        unimplemented!("{sql} {values:?}")
    }
}

/// Writes, and reads what it wrote. Dereferences to [`Reader`], so that a query that only reads
/// takes `&mut Reader` and serves both.
pub struct Transaction;

impl std::ops::Deref for Transaction {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        unimplemented!()
    }
}
impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Reader {
        unimplemented!()
    }
}

impl Transaction {
    /// Runs a statement; the number of rows it changed.
    pub async fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, Error> {
        unimplemented!("{sql} {values:?}")
    }
    /// Runs a statement with `RETURNING` of at most one row.
    pub async fn returning(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Option<Row>, Error> {
        unimplemented!("{sql} {values:?}")
    }
}

/// A database of either engine.
#[derive(Clone)]
pub struct Storage;

impl Storage {
    /// A connection to read with.
    pub async fn reader(&self) -> Result<Reader, Error> {
        unimplemented!()
    }

    /// Runs `work` in a transaction; the only way to write.
    ///
    /// `work` awaits nothing but its transaction and may run again, so ids, times and random
    /// values are in `input`. It runs detached from the caller: one that hangs up interrupts
    /// nothing. An `Err` rolls back what `work` did.
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
        let _ = (input, work);
        unimplemented!()
    }
}
