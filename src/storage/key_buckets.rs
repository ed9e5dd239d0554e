//! Table `key_buckets`: the lowest version of a bucket's key that an account may lie under.
//!
//! The row is a lock between databases: the keys are in the key store, the accounts here. Who adds
//! an account updates the row, if only to itself, and so holds it until the commit; who raises the
//! version waits for all of them, and whoever comes later finds it raised. So when no account below
//! it is to be seen after that, none will come, and the older keys can go.

use std::collections::HashMap;

use super::database::row_values;
use super::{Error, Transaction, values};

/// Lets an account into a bucket under a version of its key; false when that is no longer allowed.
pub async fn admit(tx: &mut Transaction, bucket: u16, version: i64) -> Result<bool, Error> {
    let admitted = tx
        .execute(
            "INSERT INTO key_buckets (key_bucket, lowest_version) VALUES ($1, 1)
             ON CONFLICT (key_bucket) DO UPDATE SET lowest_version = key_buckets.lowest_version
              WHERE key_buckets.lowest_version <= $2",
            values![i64::from(bucket), version],
        )
        .await?;
    Ok(admitted == 1)
}

/// Holds buckets until the commit; of each the lowest version of its key that it lets accounts in
/// under. Others that do so at the same time do not get in each other's way if all come in the order
/// of their numbers.
pub async fn hold(tx: &mut Transaction, buckets: &[u16]) -> Result<HashMap<u16, i64>, Error> {
    let rows: Vec<_> = buckets
        .iter()
        .map(|&bucket| row_values![i64::from(bucket)])
        .collect();
    let held = tx
        .fetch_each(
            "INSERT INTO key_buckets (key_bucket, lowest_version) VALUES ($1, 1)
             ON CONFLICT (key_bucket) DO UPDATE SET lowest_version = key_buckets.lowest_version
             RETURNING key_bucket, lowest_version",
            &rows,
        )
        .await?;
    held.iter()
        .map(|row| {
            let bucket = u16::try_from(row.get::<i64>("key_bucket")?);
            let bucket = bucket.map_err(|_| Error::Corrupt {
                table: "key_buckets",
                column: "key_bucket",
            })?;
            Ok((bucket, row.get("lowest_version")?))
        })
        .collect()
}

/// Lets no account into a bucket any more but under this version of its key or a later one. False
/// when it was so before.
pub async fn raise(tx: &mut Transaction, bucket: u16, version: i64) -> Result<bool, Error> {
    let raised = tx
        .execute(
            "INSERT INTO key_buckets (key_bucket, lowest_version) VALUES ($1, $2)
             ON CONFLICT (key_bucket) DO UPDATE SET lowest_version = excluded.lowest_version
              WHERE key_buckets.lowest_version < excluded.lowest_version",
            values![i64::from(bucket), version],
        )
        .await?;
    Ok(raised == 1)
}
