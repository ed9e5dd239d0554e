//! Tables `change_lanes` and `changes`: what other processes must learn within a second.
//!
//! A number is taken by updating the lane's row, which stays locked until the commit: whoever sees
//! number n of a lane sees all below it. What the changes mean is the ledger's business.

use super::{Error, Reader, SWEEP_LIMIT, Transaction, values};
use crate::domain::instant::Instant;

/// How many lanes there are; the first migration makes the rows.
pub const LANES: i64 = 16;

/// A lane and the number of its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Which lane.
    pub lane: i64,
    /// Its last change's number.
    pub seq: i64,
}

/// One change as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its lane.
    pub lane: i64,
    /// Its number in the lane.
    pub seq: i64,
    /// When it was made.
    pub at: Instant,
    /// What kind of thing changed.
    pub kind: String,
    /// Which one.
    pub subject: String,
}

/// The lanes as they stand.
pub async fn lanes(reader: &mut Reader) -> Result<Vec<Lane>, Error> {
    let rows = reader
        .fetch_all("SELECT lane, seq FROM change_lanes ORDER BY lane", &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Lane {
                lane: row.get("lane")?,
                seq: row.get("seq")?,
            })
        })
        .collect()
}

/// Takes `count` numbers of a lane and returns the last. The last statement but inserts of a
/// transaction, and in ascending order of lanes: the row is locked until the commit.
pub async fn take_numbers(tx: &mut Transaction, lane: i64, count: i64) -> Result<i64, Error> {
    tx.returning(
        "UPDATE change_lanes SET seq = seq + $2 WHERE lane = $1 RETURNING seq",
        values![lane, count],
    )
    .await?
    .ok_or(Error::Corrupt {
        table: "change_lanes",
        column: "lane",
    })?
    .get("seq")
}

/// Writes a change under the number it took.
pub async fn insert(tx: &mut Transaction, row: &ChangeRow) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO changes (lane, seq, at, kind, subject) VALUES ($1, $2, $3, $4, $5)",
        values![
            row.lane,
            row.seq,
            row.at,
            row.kind.as_str(),
            row.subject.as_str()
        ],
    )
    .await?;
    Ok(())
}

/// Up to `limit` changes of a lane behind number `seq`, in order.
pub async fn since(
    reader: &mut Reader,
    lane: i64,
    seq: i64,
    limit: i64,
) -> Result<Vec<ChangeRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT seq, at, kind, subject FROM changes \
             WHERE lane = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            values![lane, seq, limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ChangeRow {
                lane,
                seq: row.get("seq")?,
                at: row.get("at")?,
                kind: row.get("kind")?,
                subject: row.get("subject")?,
            })
        })
        .collect()
}

/// Deletes those of a lane's [`SWEEP_LIMIT`] oldest changes that were made before `before`, up to the
/// number `last`. The number deleted.
pub async fn delete_old(
    tx: &mut Transaction,
    (lane, last): (i64, i64),
    before: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM changes WHERE lane = $1 AND seq IN (\
             SELECT seq FROM (\
                 SELECT seq, at FROM changes WHERE lane = $1 ORDER BY seq LIMIT $3\
             ) AS oldest WHERE at < $2 AND seq <= $4)",
        values![lane, before, SWEEP_LIMIT, last],
    )
    .await
}
