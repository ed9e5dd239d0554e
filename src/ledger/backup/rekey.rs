//! Accounts of a restored database whose bucket's key was replaced since the backup.
//!
//! A removal replaces the key of a whole bucket, and the key store has the older one no more: not
//! for the removed account, which is gone again by now, and not for its neighbors. Theirs are opened
//! by the backup's own keys and wrapped under the key that there is. The older keys never enter the
//! key store again.

use std::collections::HashMap;

use crate::crypto::custody::MasterKey;
use crate::domain::id::AccountId;
use crate::ledger::profiles::{ProfileError, Profiles, key_context};
use crate::ledger::vault::Bucket;
use crate::storage::accounts::{self, WrappedKeyRow};
use crate::storage::vault::{self, BucketKeyRow};
use crate::storage::{Error, Storage, key_buckets};

const PAGE: i64 = 4_096;
/// A bucket holds some 1,500 accounts of 100 million.
const MOST: i64 = 1_000_000;
/// Keys wrapped anew in one transaction.
const AT_ONCE: usize = 128;

/// What became of the accounts whose keys had been replaced.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rekeyed {
    /// Accounts whose keys lie under their bucket's newest now.
    pub rewrapped: u64,
    /// Accounts that no key opens: it is neither in the key store nor in the backup.
    pub lost: u64,
}

/// Keys of buckets as a backup has them.
type OldKeys<'a> = HashMap<(i64, i64), &'a BucketKeyRow>;

/// Wraps the keys of such accounts anew.
pub async fn rekey(
    (main, store): (&Storage, &Storage),
    profiles: &Profiles,
    (master, old): (&MasterKey, &[BucketKeyRow]),
) -> Result<Rekeyed, ProfileError> {
    let old: OldKeys<'_> = old
        .iter()
        .map(|row| ((row.bucket, row.version), row))
        .collect();
    let mut rekeyed = Rekeyed::default();
    for (bucket, lowest) in replaced(store).await? {
        let mut reader = main.reader().await?;
        let rows = accounts::list_keys_below(&mut reader, bucket.number(), lowest, MOST).await?;
        drop(reader);
        if rows.is_empty() {
            continue;
        }
        let version = profiles.newest_version(bucket).await?;
        let mut rewrapped = Vec::new();
        for row in rows {
            match rewrap(profiles, (bucket, &row), (master, &old)).await? {
                Some(wrapped) => rewrapped.push((row.account_id, row.wrapped_key, wrapped)),
                None => rekeyed.lost += 1,
            }
        }
        rekeyed.rewrapped += rewrapped.len() as u64;
        write(main, (bucket, version), rewrapped).await?;
    }
    Ok(rekeyed)
}

/// The buckets that have lost a key, each with the lowest version that it has.
async fn replaced(store: &Storage) -> Result<Vec<(Bucket, i64)>, Error> {
    let mut reader = store.reader().await?;
    let mut found: Vec<(Bucket, i64)> = Vec::new();
    let (mut after, mut before) = ((-1, 0), None);
    loop {
        let rows = vault::keys(&mut reader, after, PAGE).await?;
        for row in &rows {
            let number = u16::try_from(row.bucket).map_err(|_| Error::Corrupt {
                table: "bucket_keys",
                column: "bucket",
            })?;
            if before != Some(number) && row.version > 1 {
                found.push((Bucket::new(number), row.version));
            }
            before = Some(number);
        }
        match rows.last() {
            Some(last) => after = (last.bucket, last.version),
            None => return Ok(found),
        }
    }
}

async fn rewrap(
    profiles: &Profiles,
    (bucket, row): (Bucket, &WrappedKeyRow),
    (master, old): (&MasterKey, &OldKeys<'_>),
) -> Result<Option<String>, ProfileError> {
    let Some(kept) = old.get(&(i64::from(bucket.number()), row.key_version)) else {
        return Ok(None);
    };
    let wrapping = master.unwrap_key(&bucket.context(row.key_version), &kept.wrapped);
    let context = key_context(row.account_id);
    let Some(key) = wrapping.and_then(|key| key.unwrap_key(&context, &row.wrapped_key)) else {
        return Ok(None);
    };
    profiles.wrap_for(row.account_id, &key).await.map(Some)
}

async fn write(
    main: &Storage,
    place: (Bucket, i64),
    rewrapped: Vec<(AccountId, String, String)>,
) -> Result<(), Error> {
    for chunk in rewrapped.chunks(AT_ONCE) {
        let written: Result<(), Error> = main
            .write((place, chunk.to_vec()), |tx, ((bucket, version), chunk)| {
                Box::pin(async move {
                    key_buckets::raise(tx, bucket.number(), *version).await?;
                    for (account, old, new) in chunk {
                        accounts::rewrap_key(tx, *account, old, (*version, new)).await?;
                    }
                    Ok(())
                })
            })
            .await;
        written?;
    }
    Ok(())
}
