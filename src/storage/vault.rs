//! Tables of the key store, a database of its own: `bucket_keys` and `vault_facts`.
//!
//! These functions run on the key store's [`super::Storage`], never on the main database's.

use super::{Error, Reader, Transaction, values};
use crate::domain::instant::Instant;

/// A wrapped bucket key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketKeyRow {
    /// Which bucket.
    pub bucket: i64,
    /// Which of its keys; the highest seals.
    pub version: i64,
    /// The key, wrapped under the master key.
    pub wrapped: String,
}

/// Up to `limit` keys behind `after` (bucket and version), in order.
pub async fn keys(
    reader: &mut Reader,
    after: (i64, i64),
    limit: i64,
) -> Result<Vec<BucketKeyRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT bucket, version, wrapped FROM bucket_keys \
             WHERE bucket > $1 OR (bucket = $1 AND version > $2) \
             ORDER BY bucket, version LIMIT $3",
            values![after.0, after.1, limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(BucketKeyRow {
                bucket: row.get("bucket")?,
                version: row.get("version")?,
                wrapped: row.get("wrapped")?,
            })
        })
        .collect()
}

/// The keys of one bucket.
pub async fn keys_of(reader: &mut Reader, bucket: i64) -> Result<Vec<BucketKeyRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT version, wrapped FROM bucket_keys WHERE bucket = $1 ORDER BY version",
            values![bucket],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(BucketKeyRow {
                bucket,
                version: row.get("version")?,
                wrapped: row.get("wrapped")?,
            })
        })
        .collect()
}

/// Adds a key that follows the newest of its bucket, the first one being version 1; false when it
/// does not, so that of several who make one at once the first wins, and none that was deleted
/// comes back.
pub async fn insert_key(
    tx: &mut Transaction,
    row: &BucketKeyRow,
    now: Instant,
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO bucket_keys (bucket, version, wrapped, created_at) \
             SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), $3, $4 WHERE $2 = (\
                 SELECT COALESCE(MAX(version), 0) + 1 FROM bucket_keys WHERE bucket = $1) \
             ON CONFLICT (bucket, version) DO NOTHING",
            values![row.bucket, row.version, row.wrapped.as_str(), now],
        )
        .await?;
    Ok(inserted == 1)
}

/// Deletes a bucket's keys below `version`, if that one is there to take their place. The number
/// deleted.
pub async fn delete_below(tx: &mut Transaction, bucket: i64, version: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM bucket_keys WHERE bucket = $1 AND version < $2 AND EXISTS (\
             SELECT 1 FROM bucket_keys AS newer WHERE newer.bucket = $1 AND newer.version = $2)",
        values![bucket, version],
    )
    .await
}

/// Notes a fact about the key store unless it is noted.
pub async fn note_fact(
    tx: &mut Transaction,
    name: &'static str,
    value: &str,
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO vault_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            values![name, value],
        )
        .await?;
    Ok(inserted == 1)
}

/// A fact about the key store.
pub async fn fact(reader: &mut Reader, name: &'static str) -> Result<Option<String>, Error> {
    reader
        .fetch_optional(
            "SELECT value FROM vault_facts WHERE name = $1",
            values![name],
        )
        .await?
        .map(|row| row.get("value"))
        .transpose()
}
