//! Table `audit_cuts`: the order in which batches of the audit log go out.
//!
//! A cut is a run of batches of one chain. Positions are numbers without a gap: of two processes that
//! cut at once, one finds its number taken and cuts anew, so nothing comes in behind a position that
//! somebody has seen.

use super::{Error, Reader, Row, Transaction, values};
use crate::domain::id::WriterId;

/// A run of batches of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutRow {
    /// Its place among all.
    pub position: i64,
    /// Whose chain.
    pub writer: WriterId,
    /// The first batch.
    pub first: i64,
    /// The last batch.
    pub last: i64,
}

fn cut(row: &Row) -> Result<CutRow, Error> {
    Ok(CutRow {
        position: row.get("position")?,
        writer: row.get("writer")?,
        first: row.get("first_number")?,
        last: row.get("last_number")?,
    })
}

/// What all chains have grown by since they were last cut, the oldest chain first; `position` is yet
/// to be given. One statement, so that whatever a link in it names is in it or was cut before.
pub async fn uncut(reader: &mut Reader) -> Result<Vec<CutRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT CAST(0 AS BIGINT) AS position, writer, \
             done + 1 AS first_number, newest AS last_number FROM (\
                 SELECT writer, \
                  (SELECT MAX(number) FROM audit_batches \
                    WHERE audit_batches.writer = audit_writers.writer) AS newest, \
                  COALESCE((SELECT MAX(last_number) FROM audit_cuts \
                    WHERE audit_cuts.writer = audit_writers.writer), 0) AS done \
                 FROM audit_writers) AS chains \
             WHERE newest > done ORDER BY writer",
            &[],
        )
        .await?;
    rows.iter().map(cut).collect()
}

/// The last position; 0 when nothing was cut yet.
pub async fn last_position(reader: &mut Reader) -> Result<i64, Error> {
    reader
        .fetch_optional(
            "SELECT COALESCE(MAX(position), 0) AS position FROM audit_cuts",
            &[],
        )
        .await?
        .map_or(Ok(0), |row| row.get("position"))
}

/// Adds a cut; false when its position is taken, or its batches are in another.
pub async fn insert(tx: &mut Transaction, row: &CutRow) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO audit_cuts (position, writer, first_number, last_number) \
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            values![row.position, row.writer, row.first, row.last],
        )
        .await?;
    Ok(inserted == 1)
}

/// Up to `limit` cuts behind a position, in order.
pub async fn behind(reader: &mut Reader, position: i64, limit: i64) -> Result<Vec<CutRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT position, writer, first_number, last_number FROM audit_cuts \
             WHERE position > $1 ORDER BY position LIMIT $2",
            values![position, limit],
        )
        .await?;
    rows.iter().map(cut).collect()
}
