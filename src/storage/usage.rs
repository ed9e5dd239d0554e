//! Tables `usage_minutes` and `usage_days`: how often, where no event is recorded.
//!
//! A writer adds to its own rows only, so nobody waits for another.

use super::{Error, Transaction, values};
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
