//! Tables of the key store, a database of its own: `bucket_keys` and `vault_facts`.
//!
//! These functions run on the key store's [`super::Storage`], never on the main database's.

use super::database::row_values;
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

/// The keys of these buckets, each bucket's in order.
pub async fn keys_of(reader: &mut Reader, buckets: &[i64]) -> Result<Vec<BucketKeyRow>, Error> {
    let wanted: Vec<_> = buckets.iter().map(|&bucket| row_values![bucket]).collect();
    let rows = reader
        .fetch_each(
            "WITH wanted (bucket) AS (VALUES (CAST($1 AS BIGINT))) \
             SELECT k.bucket, k.version, k.wrapped \
             FROM wanted JOIN bucket_keys AS k ON k.bucket = wanted.bucket \
             ORDER BY k.bucket, k.version",
            &wanted,
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

/// Adds those keys, of different buckets, that follow the newest of their bucket, the first one being
/// version 1: of several who make one at once the first wins, and none that was deleted comes back.
/// The number added.
pub async fn insert_keys(
    tx: &mut Transaction,
    keys: &[BucketKeyRow],
    now: Instant,
) -> Result<usize, Error> {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| row_values![key.bucket, key.version, key.wrapped.as_str(), now])
        .collect();
    let added = tx
        .fetch_each(
            "WITH made (bucket, version, wrapped, created_at) AS (\
                 VALUES (CAST($1 AS BIGINT), CAST($2 AS BIGINT), $3, CAST($4 AS BIGINT))) \
             INSERT INTO bucket_keys (bucket, version, wrapped, created_at) \
             SELECT bucket, version, wrapped, created_at FROM made WHERE made.version = (\
                 SELECT COALESCE(MAX(k.version), 0) + 1 FROM bucket_keys AS k \
                 WHERE k.bucket = made.bucket) \
             ON CONFLICT (bucket, version) DO NOTHING RETURNING bucket",
            &rows,
        )
        .await?;
    Ok(added.len())
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

/// Puts the same key under another wrapping, if it still is as it was read; false when it is not:
/// a key that was deleted meanwhile stays deleted.
pub async fn rewrap_key(
    tx: &mut Transaction,
    row: &BucketKeyRow,
    new: &str,
) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE bucket_keys SET wrapped = $4 \
             WHERE bucket = $1 AND version = $2 AND wrapped = $3",
            values![row.bucket, row.version, row.wrapped.as_str(), new],
        )
        .await?;
    Ok(updated == 1)
}

/// Lets a key in that a master key wrapped; false when that one is outdated. Whoever adds a key so
/// holds the row until the commit, and who outdates the master key waits for it and then sees it.
pub async fn admit_wrapped(tx: &mut Transaction, fingerprint: &str) -> Result<bool, Error> {
    let admitted = tx
        .execute(
            "INSERT INTO vault_facts (name, value) VALUES ('outdated_master_key', '') \
             ON CONFLICT (name) DO UPDATE SET value = vault_facts.value \
             WHERE vault_facts.value <> $1",
            values![fingerprint],
        )
        .await?;
    Ok(admitted == 1)
}

/// Lets no key in any more that this master key wrapped.
pub async fn outdate_master_key(tx: &mut Transaction, fingerprint: &str) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO vault_facts (name, value) VALUES ('outdated_master_key', $1) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        values![fingerprint],
    )
    .await?;
    Ok(())
}

/// Replaces a fact that still is as it was read; whether it was.
pub async fn replace_fact(
    tx: &mut Transaction,
    name: &'static str,
    (old, new): (&str, &str),
) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE vault_facts SET value = $3 WHERE name = $1 AND value = $2",
            values![name, old, new],
        )
        .await?;
    Ok(updated == 1)
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
