//! The `privacy_acknowledgments` table: which version of the privacy notice a person was shown.

use super::{Error, Reader, Transaction, values};
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;

/// Notes that a person went on after being shown a version.
pub async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    version: &str,
    now: Instant,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO privacy_acknowledgments (account_id, version, acknowledged_at)
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        values![account_id, version, now],
    )
    .await?;
    Ok(())
}

/// The versions a person was shown, and when.
pub async fn list(
    reader: &mut Reader,
    account_id: AccountId,
) -> Result<Vec<(String, Instant)>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT version, acknowledged_at FROM privacy_acknowledgments
              WHERE account_id = $1 ORDER BY acknowledged_at, version",
            values![account_id],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("version")?, row.get("acknowledged_at")?)))
        .collect()
}
