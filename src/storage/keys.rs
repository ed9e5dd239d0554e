//! Table `keys`: the provider's own keys, wrapped; and `installation`, facts that must not change.
//!
//! A key is never deleted: what it signed must stay verifiable. Statuses change only under a
//! condition, so that of two rotations at once one wins.

use serde::{Deserialize, Serialize};

use super::{Error, Reader, Row, Transaction, values};
use crate::domain::instant::Instant;

/// A key as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Its name: for key pairs the thumbprint of the public half.
    pub key_id: String,
    /// What it is for.
    pub purpose: String,
    /// How it is used, or which of several of its purpose it is.
    pub algorithm: String,
    /// Counts the keys of a purpose and algorithm, from 1.
    pub number: i64,
    /// `next`, `current` or `retired`.
    pub status: String,
    /// The public half as JSON, for key pairs.
    pub public: Option<String>,
    /// The secret, sealed under the master key.
    pub wrapped: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it became current.
    pub current_at: Option<Instant>,
    /// When it was retired.
    pub retired_at: Option<Instant>,
}

fn key(row: &Row) -> Result<KeyRow, Error> {
    Ok(KeyRow {
        key_id: row.get("key_id")?,
        purpose: row.get("purpose")?,
        algorithm: row.get("algorithm")?,
        number: row.get("number")?,
        status: row.get("status")?,
        public: row.get("public")?,
        wrapped: row.get("wrapped")?,
        created_at: row.get("created_at")?,
        current_at: row.get("current_at")?,
        retired_at: row.get("retired_at")?,
    })
}

/// All keys, the oldest first.
pub async fn list(reader: &mut Reader) -> Result<Vec<KeyRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT key_id, purpose, algorithm, number, status, public, wrapped, created_at, \
             current_at, retired_at FROM keys ORDER BY purpose, algorithm, number",
            &[],
        )
        .await?;
    rows.iter().map(key).collect()
}

/// Adds a key; false when its purpose, algorithm and number are taken.
pub async fn insert(tx: &mut Transaction, row: &KeyRow) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO keys (key_id, purpose, algorithm, number, status, public, wrapped, \
             created_at, current_at, retired_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (purpose, algorithm, number) DO NOTHING",
            values![
                row.key_id.as_str(),
                row.purpose.as_str(),
                row.algorithm.as_str(),
                row.number,
                row.status.as_str(),
                row.public.clone(),
                row.wrapped.as_str(),
                row.created_at,
                row.current_at,
                row.retired_at,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// Gives the key of this name the status of `row`, whatever it has; false when there is none.
pub async fn set_status(tx: &mut Transaction, row: &KeyRow) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE keys SET status = $2, current_at = $3, retired_at = $4 WHERE key_id = $1",
            values![
                row.key_id.as_str(),
                row.status.as_str(),
                row.current_at,
                row.retired_at,
            ],
        )
        .await?;
    Ok(updated == 1)
}

/// Retires the current key of this name; false when it is not current.
pub async fn retire(tx: &mut Transaction, key_id: &str, now: Instant) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE keys SET status = 'retired', retired_at = $2 \
             WHERE key_id = $1 AND status = 'current'",
            values![key_id, now],
        )
        .await?;
    Ok(updated == 1)
}

/// Withdraws the retired keys of a purpose; how many.
pub async fn withdraw_retired(tx: &mut Transaction, purpose: &str) -> Result<u64, Error> {
    tx.execute(
        "UPDATE keys SET status = 'withdrawn' WHERE purpose = $1 AND status = 'retired'",
        values![purpose],
    )
    .await
}

/// Makes the next key of this name current; false when it is not next.
pub async fn promote(tx: &mut Transaction, key_id: &str, now: Instant) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE keys SET status = 'current', current_at = $2 \
             WHERE key_id = $1 AND status = 'next'",
            values![key_id, now],
        )
        .await?;
    Ok(updated == 1)
}

/// Puts the same key under another wrapping, if it still is as it was read.
pub async fn rewrap(tx: &mut Transaction, row: &KeyRow, new: &str) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE keys SET wrapped = $3 WHERE key_id = $1 AND wrapped = $2",
            values![row.key_id.as_str(), row.wrapped.as_str(), new],
        )
        .await?;
    Ok(updated == 1)
}

/// Lets a key in that a master key wrapped; false when that one is outdated. As in
/// [`super::vault::admit_wrapped`].
pub async fn admit_wrapped(tx: &mut Transaction, fingerprint: &str) -> Result<bool, Error> {
    let admitted = tx
        .execute(
            "INSERT INTO installation (name, value) VALUES ('outdated_master_key', '') \
             ON CONFLICT (name) DO UPDATE SET value = installation.value \
             WHERE installation.value <> $1",
            values![fingerprint],
        )
        .await?;
    Ok(admitted == 1)
}

/// Notes a fact about the installation unless it is noted; what is noted.
pub async fn note_fact(
    tx: &mut Transaction,
    name: &'static str,
    value: &str,
) -> Result<String, Error> {
    tx.execute(
        "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        values![name, value],
    )
    .await?;
    noted(tx, name).await
}

/// Notes a fact that may still change as long as there is neither an account nor a client; what is
/// noted.
pub async fn note_fact_of_the_empty(
    tx: &mut Transaction,
    name: &'static str,
    value: &str,
) -> Result<String, Error> {
    tx.execute(
        "INSERT INTO installation (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value \
         WHERE NOT EXISTS (SELECT 1 FROM accounts) AND NOT EXISTS (SELECT 1 FROM clients)",
        values![name, value],
    )
    .await?;
    noted(tx, name).await
}

/// Notes a fact whatever was noted; what is noted.
pub async fn replace_fact(
    tx: &mut Transaction,
    name: &'static str,
    value: &str,
) -> Result<String, Error> {
    tx.execute(
        "INSERT INTO installation (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        values![name, value],
    )
    .await?;
    noted(tx, name).await
}

async fn noted(tx: &mut Transaction, name: &'static str) -> Result<String, Error> {
    tx.fetch_optional(
        "SELECT value FROM installation WHERE name = $1",
        values![name],
    )
    .await?
    .ok_or(Error::Corrupt {
        table: "installation",
        column: "value",
    })?
    .get("value")
}
