//! The ends of the chains in table `audit_batches`: how far the audit log of each process reaches.

use super::database::row_values;
use super::{Error, Reader, Row, values};
use crate::domain::id::WriterId;

/// The last batch of a chain, as far as the chain was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// Whose chain.
    pub writer: WriterId,
    /// The batch's number.
    pub number: i64,
    /// Its signature, by which it is told from another of its number.
    pub signature: String,
}

fn chain_end_of(row: &Row) -> Result<ChainEnd, Error> {
    Ok(ChainEnd {
        writer: row.get("writer")?,
        number: row.get("number")?,
        signature: row.get("signature")?,
    })
}

/// The end of a writer's chain, if it has begun.
pub async fn end(reader: &mut Reader, writer: WriterId) -> Result<Option<ChainEnd>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT writer, number, signature FROM audit_batches \
             WHERE writer = $1 ORDER BY number DESC LIMIT 1",
            values![writer],
        )
        .await?;
    row.as_ref().map(chain_end_of).transpose()
}

/// Those of `ends` whose batches are there: what the chains have at these numbers.
pub async fn batches_at(reader: &mut Reader, ends: &[ChainEnd]) -> Result<Vec<ChainEnd>, Error> {
    let wanted: Vec<_> = ends
        .iter()
        .map(|end| row_values![end.writer, end.number])
        .collect();
    let rows = reader
        .fetch_each(
            "WITH wanted (writer, number) AS (VALUES ($1, CAST($2 AS BIGINT))) \
             SELECT b.writer, b.number, b.signature FROM wanted JOIN audit_batches AS b \
             ON b.writer = wanted.writer AND b.number = wanted.number",
            &wanted,
        )
        .await?;
    rows.iter().map(chain_end_of).collect()
}
