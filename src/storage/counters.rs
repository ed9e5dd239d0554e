//! The `counters` table: how often something was asked for in its window of time. What decides is
//! in the statement that counts.

use super::{Error, Reader, SWEEP_LIMIT, Transaction, values};
use crate::domain::instant::Instant;
use crate::domain::limit::Limit;

/// Counts one more if the limit allows it; otherwise when it will again.
pub async fn take(
    tx: &mut Transaction,
    counter_key: &str,
    limit: Limit,
    now: Instant,
) -> Result<Result<(), Instant>, Error> {
    let taken = tx
        .execute(
            "INSERT INTO counters (counter_key, count, ends_at) VALUES ($1, 1, $3)
             ON CONFLICT (counter_key) DO UPDATE SET
                 count = CASE WHEN counters.ends_at <= $2 THEN 1 ELSE counters.count + 1 END,
                 ends_at = CASE WHEN counters.ends_at <= $2 THEN excluded.ends_at
                                ELSE counters.ends_at END
              WHERE counters.ends_at <= $2 OR counters.count < $4",
            values![counter_key, now, now.plus(limit.window), limit.most],
        )
        .await?;
    if taken == 1 {
        return Ok(Ok(()));
    }
    let ends_at = ends_at(tx, counter_key).await?;
    Ok(Err(ends_at.unwrap_or(now)))
}

/// When a counter's window ends.
async fn ends_at(reader: &mut Reader, counter_key: &str) -> Result<Option<Instant>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT ends_at FROM counters WHERE counter_key = $1",
            values![counter_key],
        )
        .await?;
    row.map(|row| row.get("ends_at")).transpose()
}

/// Deletes counters whose window has ended; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, now: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM counters WHERE counter_key IN (
             SELECT counter_key FROM counters WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)
            AND ends_at <= $1",
        values![now, SWEEP_LIMIT],
    )
    .await
}
