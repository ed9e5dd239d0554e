//! Statements on one SQLite connection, and rows copied out of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};

use super::super::error::Failure;
use super::super::value::{Cell, Value};
use super::failure;

pub(in super::super) struct Connection {
    raw: rusqlite::Connection,
    /// Column names by the address of the statement's text, which is static.
    columns: HashMap<(usize, usize), Columns>,
}

type Columns = Arc<[Box<str>]>;

impl Connection {
    pub(super) fn new(raw: rusqlite::Connection) -> Self {
        Self {
            raw,
            columns: HashMap::new(),
        }
    }

    /// A statement of the engine's own, without parameters.
    pub(super) fn command(&mut self, sql: &'static str) -> rusqlite::Result<()> {
        self.raw.prepare_cached(sql)?.raw_execute().map(drop)
    }

    /// Whether SQLite has rolled the open transaction back by itself.
    pub(super) fn is_autocommit(&self) -> bool {
        self.raw.is_autocommit()
    }

    pub(in super::super) fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Failure> {
        self.change(sql, values)
            .map_err(|error| failure(&error, sql))
    }

    /// Hands each row to `each`. Always runs to the end: a constraint may fail after the last row.
    pub(in super::super) fn fetch(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: impl FnMut(Cells),
    ) -> Result<(), Failure> {
        self.query(sql, values, each)
            .map_err(|error| failure(&error, sql))
    }

    fn change(&mut self, sql: &'static str, values: &[Value<'_>]) -> rusqlite::Result<u64> {
        let mut statement = self.raw.prepare_cached(&without_lock(sql))?;
        bind(&mut statement, values)?;
        Ok(u64::try_from(statement.raw_execute()?).unwrap_or(u64::MAX))
    }

    fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut each: impl FnMut(Cells),
    ) -> rusqlite::Result<()> {
        let mut statement = self.raw.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        let columns = names(&mut self.columns, &statement, sql);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            each(Cells::copy(row, &columns)?);
        }
        Ok(())
    }
}

/// The statement without its row lock. While a write runs here nobody else writes: what it has seen
/// stays so until its commit.
fn without_lock(sql: &'static str) -> Cow<'static, str> {
    match sql.split_once("FOR SHARE OF ") {
        None => Cow::Borrowed(sql),
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            Cow::Owned(format!("{before}{rest}"))
        }
    }
}

/// SQLite numbers `$n` by first appearance, so each is found by its name.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> rusqlite::Result<()> {
    let mut most = 0;
    for index in 1..=statement.parameter_count() {
        let number = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|number| number.parse::<usize>().ok())
            .filter(|&number| number > 0)
            .ok_or(rusqlite::Error::InvalidQuery)?;
        most = most.max(number);
        let value = values
            .get(number - 1)
            .ok_or(rusqlite::Error::InvalidParameterCount(values.len(), number))?;
        statement.raw_bind_parameter(index, borrow(value))?;
    }
    // A value too many is a mistake, which PostgreSQL overlooks.
    if most == values.len() {
        Ok(())
    } else {
        Err(rusqlite::Error::InvalidParameterCount(values.len(), most))
    }
}

fn borrow<'a>(value: &'a Value<'_>) -> ToSqlOutput<'a> {
    ToSqlOutput::Borrowed(match value {
        Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
        Value::Integer(Some(integer)) => ValueRef::Integer(*integer),
        Value::Boolean(Some(boolean)) => ValueRef::Integer(i64::from(*boolean)),
        Value::Text(None) | Value::Integer(None) | Value::Boolean(None) => ValueRef::Null,
    })
}

fn names(
    known: &mut HashMap<(usize, usize), Columns>,
    statement: &rusqlite::Statement<'_>,
    sql: &'static str,
) -> Columns {
    let key = (sql.as_ptr().addr(), sql.len());
    match known.get(&key) {
        Some(columns) if columns.len() == statement.column_count() => Arc::clone(columns),
        _ => {
            let columns: Columns = statement.column_names().map(Box::from).collect();
            known.insert(key, Arc::clone(&columns));
            columns
        }
    }
}

/// A row's values, its texts side by side in one allocation.
pub(in super::super) struct Cells {
    columns: Columns,
    text: String,
    stored: Vec<Stored>,
}

enum Stored {
    Null,
    Integer(i64),
    Text(Range<usize>),
    Foreign,
}

impl Cells {
    fn copy(row: &rusqlite::Row<'_>, columns: &Columns) -> rusqlite::Result<Self> {
        let mut text = String::with_capacity(128);
        let mut stored = Vec::with_capacity(columns.len());
        for index in 0..columns.len() {
            stored.push(match row.get_ref(index)? {
                ValueRef::Null => Stored::Null,
                ValueRef::Integer(integer) => Stored::Integer(integer),
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(part) => {
                        let start = text.len();
                        text.push_str(part);
                        Stored::Text(start..text.len())
                    }
                    Err(_) => Stored::Foreign,
                },
                ValueRef::Real(_) | ValueRef::Blob(_) => Stored::Foreign,
            });
        }
        Ok(Self {
            columns: Arc::clone(columns),
            text,
            stored,
        })
    }

    pub(in super::super) fn cell(&self, column: &str) -> Option<Cell<'_>> {
        let index = self.columns.iter().position(|name| &**name == column)?;
        Some(match self.stored.get(index)? {
            Stored::Null => Cell::Null,
            Stored::Integer(integer) => Cell::Integer(*integer),
            Stored::Text(range) => Cell::Text(self.text.get(range.clone())?),
            Stored::Foreign => Cell::Foreign,
        })
    }
}
