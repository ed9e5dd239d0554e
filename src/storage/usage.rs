//! Tables `usage_minutes` and `usage_days`: how often, where no event is recorded.
//!
//! A writer adds to its own rows only, so nobody waits for another.

use super::{Error, SWEEP_LIMIT, Transaction, values};
use crate::domain::id::WriterId;

/// Adds to a client's count in a minute (Unix minutes).
pub async fn add_minute(
    tx: &mut Transaction,
    writer: WriterId,
    (minute, client_id, kind): (i64, &str, &str),
    count: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO usage_minutes (writer, minute, client_id, kind, count) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (writer, minute, client_id, kind) \
         DO UPDATE SET count = usage_minutes.count + excluded.count",
        values![writer, minute, client_id, kind, count],
    )
    .await?;
    Ok(())
}

/// What a client read of an account in a day (Unix days, UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The day.
    pub day: i64,
    /// The account's id; empty when too many were counted at once to tell them apart.
    pub account_id: String,
    /// The client.
    pub client_id: String,
    /// The names of the claims.
    pub claims: String,
    /// How often.
    pub count: i64,
}

/// Adds to a day's count.
pub async fn add_day(
    tx: &mut Transaction,
    writer: WriterId,
    row: &Disclosure,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO usage_days (writer, day, account_id, client_id, claims, count) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (writer, day, account_id, client_id, claims) \
         DO UPDATE SET count = usage_days.count + excluded.count",
        values![
            writer,
            row.day,
            row.account_id.as_str(),
            row.client_id.as_str(),
            row.claims.as_str(),
            row.count,
        ],
    )
    .await?;
    Ok(())
}

/// Deletes counts of minutes before `minute`; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_old_minutes(tx: &mut Transaction, minute: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM usage_minutes WHERE (writer, minute, client_id, kind) IN (\
             SELECT writer, minute, client_id, kind FROM usage_minutes WHERE minute < $1 \
             ORDER BY minute LIMIT $2)",
        values![minute, SWEEP_LIMIT],
    )
    .await
}

/// Deletes counts of days before `day`; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_old_days(tx: &mut Transaction, day: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM usage_days WHERE (writer, day, account_id, client_id, claims) IN (\
             SELECT writer, day, account_id, client_id, claims FROM usage_days WHERE day < $1 \
             ORDER BY day LIMIT $2)",
        values![day, SWEEP_LIMIT],
    )
    .await
}
