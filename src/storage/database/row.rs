//! One row of an answer, read by column name into types that check.

use super::error::{Error, table_of};
use super::value::{Cell, FromColumn};
use super::{postgres, sqlite};

/// One row of an answer.
pub struct Row {
    sql: &'static str,
    cells: Cells,
}

pub(super) enum Cells {
    Sqlite(sqlite::Cells),
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    pub(super) fn new(sql: &'static str, cells: Cells) -> Self {
        Self { sql, cells }
    }

    /// The column's value: `String`, `i64`, `bool`, `Instant`, `Id<K>`, or an `Option` of these.
    pub fn get<T: FromColumn>(&self, column: &'static str) -> Result<T, Error> {
        let cell = match &self.cells {
            Cells::Sqlite(cells) => cells.cell(column),
            Cells::Postgres(row) => postgres::cell(row, column),
        };
        cell.and_then(|cell: Cell<'_>| T::from_cell(cell))
            .ok_or_else(|| self.corrupt(column))
    }

    /// The error of a column whose value its domain type refuses.
    pub fn corrupt(&self, column: &'static str) -> Error {
        Error::Corrupt {
            table: table_of(self.sql),
            column,
        }
    }
}
