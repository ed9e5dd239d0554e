//! The `login_failures` table: how often a password was wrong, by key, and since when.
//!
//! What decides whether one more is tried is in the statement that counts it: a guess counts as
//! wrong from before it is hashed until it is found to be right, so those that come at once cannot
//! pass each other.

use super::{Error, Reader, SWEEP_LIMIT, Transaction, values};
use crate::domain::backoff::Backoff;
use crate::domain::instant::Instant;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last was counted.
    pub last: Instant,
}

/// What is known of two keys, in one read. What is forgotten is not known.
pub async fn find_both(
    reader: &mut Reader,
    keys: [&str; 2],
    now: Instant,
) -> Result<[Option<Failures>; 2], Error> {
    let rows = reader
        .fetch_all(
            "SELECT failure_key, failures, failed_at FROM login_failures
              WHERE failure_key IN ($1, $2) AND forgotten_at > $3",
            values![keys[0], keys[1], now],
        )
        .await?;
    let mut found = [None; 2];
    for row in rows {
        let key: String = row.get("failure_key")?;
        for (known, asked) in found.iter_mut().zip(keys) {
            if asked == key {
                *known = Some(Failures {
                    count: row.get("failures")?,
                    last: row.get("failed_at")?,
                });
            }
        }
    }
    Ok(found)
}

/// Counts one more, if no delay stands against it; false when one does.
pub async fn reserve(
    tx: &mut Transaction,
    key: &str,
    backoff: &Backoff,
    now: Instant,
) -> Result<bool, Error> {
    let first = i64::try_from(backoff.first.as_millis()).unwrap_or(i64::MAX);
    let longest = i64::try_from(backoff.longest.as_millis()).unwrap_or(i64::MAX);
    let reserved = tx
        .execute(
            // The delay is [`Backoff::delay`] of the failures there are.
            "INSERT INTO login_failures (failure_key, failures, failed_at, forgotten_at)
             VALUES ($1, 1, $2, $3)
             ON CONFLICT (failure_key) DO UPDATE SET
                 failures = CASE WHEN login_failures.forgotten_at <= $2 THEN 1
                                 ELSE login_failures.failures + 1 END,
                 failed_at = excluded.failed_at, forgotten_at = excluded.forgotten_at
              WHERE login_failures.forgotten_at <= $2
                 OR login_failures.failures <= $4
                 OR login_failures.failed_at <= $2 - CASE
                        WHEN login_failures.failures > $5 THEN CAST($7 AS BIGINT)
                        ELSE CAST($6 AS BIGINT)
                             << CAST(login_failures.failures - $4 - 1 AS INTEGER) END",
            values![
                key,
                now,
                now.plus(backoff.forgotten_after),
                backoff.free,
                backoff.free.saturating_add(backoff.doublings()),
                first,
                longest,
            ],
        )
        .await?;
    Ok(reserved == 1)
}

/// Takes back what was counted at `reserved_at` and never tried: the next may be tried at once, unless
/// another was counted since.
pub async fn give_back(
    tx: &mut Transaction,
    key: &str,
    backoff: &Backoff,
    reserved_at: Instant,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE login_failures SET failures = failures - 1,
                failed_at = CASE WHEN failed_at = $2 THEN $3 ELSE failed_at END
          WHERE failure_key = $1 AND failures > 0",
        values![key, reserved_at, reserved_at.minus(backoff.longest)],
    )
    .await?;
    Ok(())
}

/// Counts one more whatever there is, in a window of time that begins with the first.
pub async fn add(
    tx: &mut Transaction,
    key: &str,
    (now, ends_at): (Instant, Instant),
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO login_failures (failure_key, failures, failed_at, forgotten_at)
         VALUES ($1, 1, $2, $3)
         ON CONFLICT (failure_key) DO UPDATE SET
             failures = CASE WHEN login_failures.forgotten_at <= $2 THEN 1
                             ELSE login_failures.failures + 1 END,
             failed_at = excluded.failed_at,
             forgotten_at = CASE WHEN login_failures.forgotten_at <= $2 THEN excluded.forgotten_at
                                 ELSE login_failures.forgotten_at END",
        values![key, now, ends_at],
    )
    .await?;
    Ok(())
}

/// Forgets a key: its password was right.
pub async fn delete(tx: &mut Transaction, key: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM login_failures WHERE failure_key = $1",
        values![key],
    )
    .await?;
    Ok(())
}

/// Deletes what is forgotten; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, now: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM login_failures WHERE failure_key IN (
             SELECT failure_key FROM login_failures WHERE forgotten_at <= $1
              ORDER BY forgotten_at LIMIT $2)
            AND forgotten_at <= $1",
        values![now, SWEEP_LIMIT],
    )
    .await
}
