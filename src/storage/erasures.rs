//! Table `erasures`, and the removal of an account from every other table.

use super::{Error, Reader, Row, Transaction, accounts, values};
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;

/// Removes an account's rows, those that refer to others first. Every table with an `account_id` is
/// here (a test looks), but for what must outlive the account and says nothing of its person:
/// `audit_events`, `usage_days` and `erasures`.
const REMOVALS: &[&str] = &[
    "DELETE FROM account_documents WHERE account_id = $1",
    "DELETE FROM account_phones WHERE account_id = $1",
    "DELETE FROM credentials WHERE account_id = $1",
    "DELETE FROM checks WHERE account_id = $1",
    "DELETE FROM account_notices WHERE account_id = $1",
    "DELETE FROM privacy_acknowledgments WHERE account_id = $1",
    "DELETE FROM authorizations WHERE account_id = $1",
    "DELETE FROM grants WHERE account_id = $1",
    "DELETE FROM subjects WHERE account_id = $1",
    "DELETE FROM sessions WHERE account_id = $1",
    "DELETE FROM outbox WHERE account_id = $1",
];

/// What is left of a removed account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// The account that was.
    pub account_id: AccountId,
    /// The bucket that it lay in.
    pub key_bucket: u16,
    /// The version of the bucket's key that wrapped its own.
    pub key_version: i64,
    /// When it was removed.
    pub removed_at: Instant,
    /// When the last key that could open it left the key store.
    pub key_replaced_at: Option<Instant>,
}

/// Removes an account with all that belongs to it, and notes that it was there. Nothing when there
/// is no such account.
pub async fn remove_account(
    tx: &mut Transaction,
    account_id: AccountId,
    now: Instant,
) -> Result<Option<Erasure>, Error> {
    // Whoever adds something to the account has it locked: it is waited for, and goes too.
    if accounts::lock(tx, account_id, now).await?.is_none() {
        return Ok(None);
    }
    for removal in REMOVALS {
        tx.execute(removal, values![account_id]).await?;
    }
    let removed = tx
        .returning(
            "DELETE FROM accounts WHERE account_id = $1 RETURNING key_bucket, key_version",
            values![account_id],
        )
        .await?;
    let Some(row) = removed else {
        return Ok(None);
    };
    let (key_bucket, key_version) = (bucket(&row)?, row.get("key_version")?);
    tx.execute(
        "INSERT INTO erasures (account_id, key_bucket, key_version, removed_at)
         VALUES ($1, $2, $3, $4)",
        values![account_id, i64::from(key_bucket), key_version, now],
    )
    .await?;
    Ok(Some(Erasure {
        account_id,
        key_bucket,
        key_version,
        removed_at: now,
        key_replaced_at: None,
    }))
}

/// What is left of a removed account, if there was one.
pub async fn find(reader: &mut Reader, account_id: AccountId) -> Result<Option<Erasure>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT key_bucket, key_version, removed_at, key_replaced_at FROM erasures
              WHERE account_id = $1",
            values![account_id],
        )
        .await?;
    row.map(|row| {
        Ok(Erasure {
            account_id,
            key_bucket: bucket(&row)?,
            key_version: row.get("key_version")?,
            removed_at: row.get("removed_at")?,
            key_replaced_at: row.get("key_replaced_at")?,
        })
    })
    .transpose()
}

/// Up to `limit` buckets behind `after` in which a removed account's key is still to be replaced,
/// in order, each with the last version that must go.
pub async fn list_pending(
    reader: &mut Reader,
    after: Option<u16>,
    limit: i64,
) -> Result<Vec<(u16, i64)>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT key_bucket, MAX(key_version) AS key_version FROM erasures
              WHERE key_replaced_at IS NULL AND key_bucket > $1
              GROUP BY key_bucket ORDER BY key_bucket LIMIT $2",
            values![after.map_or(-1, i64::from), limit],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((bucket(row)?, row.get("key_version")?)))
        .collect()
}

/// Notes that no key of a bucket below `version` is left; the number of erasures that this ends.
pub async fn complete(
    tx: &mut Transaction,
    bucket: u16,
    version: i64,
    now: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE erasures SET key_replaced_at = $3
          WHERE key_bucket = $1 AND key_version < $2 AND key_replaced_at IS NULL",
        values![i64::from(bucket), version, now],
    )
    .await
}

fn bucket(row: &Row) -> Result<u16, Error> {
    u16::try_from(row.get::<i64>("key_bucket")?).map_err(|_| Error::Corrupt {
        table: "erasures",
        column: "key_bucket",
    })
}
