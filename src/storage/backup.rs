//! Whole tables, row by row: what a backup reads and a restore writes.
//!
//! Which tables and columns there are says [`tables`], and a test holds that against the schema of
//! both engines. Statements are put together of those names only, once for each table, and so they
//! live as long as the program. What a row means is not known here.

pub mod tables;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::tables::{Carriage, Column, Kind, MAIN, Table, VAULT};
use super::{Error, Reader, Row, Transaction, Value, values};

/// Rows that one statement inserts.
const AT_ONCE: usize = 50;

/// The fact that a restore has begun and not ended.
const RESTORING: &str = "restoring";

/// One value of a row, of any of the three types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Datum {
    /// `NULL`.
    Null,
    /// `BOOLEAN`.
    Boolean(bool),
    /// `BIGINT`.
    Integer(i64),
    /// `TEXT`.
    Text(String),
}

impl Datum {
    /// As a value of a column; nothing if it is of another type.
    fn value(&self, kind: Kind) -> Option<Value<'_>> {
        Some(match (kind, self) {
            (Kind::Text, Self::Text(text)) => Value::Text(Some(Cow::Borrowed(text))),
            (Kind::Text, Self::Null) => Value::Text(None),
            (Kind::Integer, Self::Integer(integer)) => Value::Integer(Some(*integer)),
            (Kind::Integer, Self::Null) => Value::Integer(None),
            (Kind::Boolean, Self::Boolean(boolean)) => Value::Boolean(Some(*boolean)),
            (Kind::Boolean, Self::Null) => Value::Boolean(None),
            _ => return None,
        })
    }

    fn read(row: &Row, column: &Column) -> Result<Self, Error> {
        let name = column.name;
        Ok(match column.kind {
            Kind::Text => row.get::<Option<String>>(name)?.map(Self::Text),
            Kind::Integer => row.get::<Option<i64>>(name)?.map(Self::Integer),
            Kind::Boolean => row.get::<Option<bool>>(name)?.map(Self::Boolean),
        }
        .unwrap_or(Self::Null))
    }
}

/// Reads a table in the order of its key, page by page.
#[derive(Debug, Clone, Copy)]
pub struct Pages {
    table: &'static Table,
    first: &'static str,
    behind: &'static str,
}

impl Pages {
    /// Of a table.
    #[must_use]
    pub fn of(table: &'static Table) -> Self {
        let key = table.key.join(", ");
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let verb = "SELECT";
        let head = format!("{verb} {} FROM {}", names.join(", "), table.name);
        let bounds = numbered(1, table.key.len());
        let limit = table.key.len() + 1;
        let behind = format!("{head} WHERE ({key}) > ({bounds}) ORDER BY {key} LIMIT ${limit}");
        Self {
            table,
            first: format!("{head} ORDER BY {key} LIMIT $1").leak(),
            behind: behind.leak(),
        }
    }

    /// Up to `limit` rows behind `last`, or from the first on.
    pub async fn page(
        &self,
        reader: &mut Reader,
        last: Option<&[Datum]>,
        limit: u32,
    ) -> Result<Vec<Vec<Datum>>, Error> {
        let rows = match last {
            None => reader.fetch_all(self.first, values![limit]).await?,
            Some(last) => {
                let mut bounds = self.key(last)?;
                bounds.push(Value::from(limit));
                reader.fetch_all(self.behind, &bounds).await?
            }
        };
        let columns = self.table.columns;
        rows.iter()
            .map(|row| {
                columns
                    .iter()
                    .map(|column| Datum::read(row, column))
                    .collect()
            })
            .collect()
    }

    fn key<'a>(&self, row: &'a [Datum]) -> Result<Vec<Value<'a>>, Error> {
        let names = self.table.key.iter();
        names
            .map(|name| {
                let columns = self.table.columns.iter();
                let (column, datum) = columns
                    .zip(row)
                    .find(|(column, _)| column.name == *name)
                    .ok_or_else(|| corrupt(self.table, name))?;
                datum
                    .value(column.kind)
                    .ok_or_else(|| corrupt(self.table, name))
            })
            .collect()
    }
}

/// Writes rows of a table that have these of its columns.
#[derive(Debug, Clone)]
pub struct Insertion {
    table: &'static Table,
    columns: Vec<&'static Column>,
    many: &'static str,
    one: &'static str,
}

impl Insertion {
    /// Into a table, rows with the columns of these names; nothing if it has not got one of them.
    #[must_use]
    pub fn of(table: &'static Table, names: &[String]) -> Option<Self> {
        let columns: Vec<&'static Column> = names
            .iter()
            .map(|name| table.columns.iter().find(|column| column.name == name))
            .collect::<Option<_>>()?;
        let listed: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let statement = |rows: usize| -> &'static str {
            let width = columns.len();
            let rows: Vec<String> = (0..rows)
                .map(|row| format!("({})", numbered(row * width + 1, width)))
                .collect();
            let verb = "INSERT";
            let into = format!("{verb} INTO {} ({})", table.name, listed.join(", "));
            format!("{into} VALUES {}", rows.join(", ")).leak()
        };
        Some(Self {
            table,
            many: statement(AT_ONCE),
            one: statement(1),
            columns,
        })
    }

    /// Whether a row has a value of the right type for every column.
    #[must_use]
    pub fn admits(&self, row: &[Datum]) -> bool {
        let fits = |(datum, column): (&Datum, &&Column)| datum.value(column.kind).is_some();
        row.len() == self.columns.len() && row.iter().zip(&self.columns).all(fits)
    }

    /// Puts rows into the table. Those that are in every database are brought up to the numbers of
    /// these.
    pub async fn put(&self, tx: &mut Transaction, rows: &[Vec<Datum>]) -> Result<(), Error> {
        match self.table.carriage {
            Carriage::Carried => self.insert(tx, rows).await,
            Carriage::Advanced => {
                for row in rows {
                    let [Datum::Integer(lane), Datum::Integer(seq)] = row.as_slice() else {
                        return Err(corrupt(self.table, "seq"));
                    };
                    advance_lane(tx, *lane, *seq).await?;
                }
                Ok(())
            }
            Carriage::Left => Ok(()),
        }
    }

    async fn insert(&self, tx: &mut Transaction, rows: &[Vec<Datum>]) -> Result<(), Error> {
        let mut chunks = rows.chunks_exact(AT_ONCE);
        for chunk in &mut chunks {
            tx.execute(self.many, &self.bind(chunk)?).await?;
        }
        for row in chunks.remainder() {
            tx.execute(self.one, &self.bind(std::slice::from_ref(row))?)
                .await?;
        }
        Ok(())
    }

    fn bind<'a>(&self, rows: &'a [Vec<Datum>]) -> Result<Vec<Value<'a>>, Error> {
        let mut bound = Vec::with_capacity(rows.len() * self.columns.len());
        for row in rows {
            for (datum, column) in row.iter().zip(&self.columns) {
                let value = datum.value(column.kind);
                bound.push(value.ok_or_else(|| corrupt(self.table, column.name))?);
            }
        }
        Ok(bound)
    }
}

/// Whether a table has no row.
pub async fn is_empty(reader: &mut Reader, table: &'static Table) -> Result<bool, Error> {
    let pages = Pages::of(table);
    Ok(pages.page(reader, None, 1).await?.is_empty())
}

/// Puts a lane of the change feed to a number, unless it is beyond it.
pub async fn advance_lane(tx: &mut Transaction, lane: i64, seq: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE change_lanes SET seq = $2 WHERE lane = $1 AND seq < $2",
        values![lane, seq],
    )
    .await?;
    Ok(())
}

/// Notes that a restore has begun; false when one had.
pub async fn begin_restoring(tx: &mut Transaction, mark: &str) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            values![RESTORING, mark],
        )
        .await?;
    Ok(inserted == 1)
}

/// Notes how far a restore that has begun is.
pub async fn note_restoring(tx: &mut Transaction, mark: &str) -> Result<(), Error> {
    tx.execute(
        "UPDATE installation SET value = $2 WHERE name = $1",
        values![RESTORING, mark],
    )
    .await?;
    Ok(())
}

/// How far a restore is that has begun and not ended: then nothing here is to be relied on.
pub async fn restoring(reader: &mut Reader) -> Result<Option<String>, Error> {
    fact(reader, RESTORING).await
}

/// Notes that a restore has ended.
pub async fn end_restoring(tx: &mut Transaction) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM installation WHERE name = $1",
        values![RESTORING],
    )
    .await?;
    Ok(())
}

/// A fact about the installation.
pub async fn fact(reader: &mut Reader, name: &'static str) -> Result<Option<String>, Error> {
    reader
        .fetch_optional(
            "SELECT value FROM installation WHERE name = $1",
            values![name],
        )
        .await?
        .map(|row| row.get("value"))
        .transpose()
}

fn corrupt(table: &'static Table, column: &'static str) -> Error {
    Error::Corrupt {
        table: table.name,
        column,
    }
}

/// `$first, …`, so many.
fn numbered(first: usize, count: usize) -> String {
    let numbers: Vec<String> = (first..first + count)
        .map(|number| format!("${number}"))
        .collect();
    numbers.join(", ")
}
