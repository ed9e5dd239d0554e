//! What makes the removal of an account final: its bucket's key is replaced, so that nobody opens
//! what backups and dead pages still hold of it, whoever has the database and the master key.
//!
//! The accounts lie in one database, the keys in another, and every process has keys in memory. So
//! it goes in steps, each of which may be the last one before a crash and may be done again:
//!
//! 1. the key store gets a newer key for the bucket;
//! 2. the main database lets no account into the bucket any more under an older one
//!    ([`crate::storage::key_buckets`]), and every process hears of the newer;
//! 3. every account of the bucket under an older key gets its own wrapped anew, until there is none;
//! 4. the journal learns that the account is gone, in the place of what it had noted of it, and the
//!    key store loses the older keys: on SQLite neither is in a file any more, PostgreSQL overwrites
//!    what is dead in its own time;
//! 5. the erasures are noted as complete, and every process forgets the older keys.
//!
//! No account's key is lost. A process that has not heard of step 2 and adds an account under the
//! older key either commits before step 2 does, which waits for it, and then step 3 sees the
//! account; or it comes after, is refused, and seals anew. Step 3 changes a key only where it finds
//! the very text that it wrapped anew, so neither another replacement nor a profile that changes
//! meanwhile is undone; and since versions only grow, once no account is below the new version none
//! ever will be. Step 4 deletes only what is below it; and what another process notes in the journal
//! of an earlier change gives way to what is noted of the removal. Who read an account before step 3
//! may fail to open it after step 4, and reads it again.

use std::time::Duration;

use serde_json::json;

use super::journal::{Journal, JournalError};
use super::profiles::{Profiles, key_context};
use super::vault::{Bucket, VaultError};
use super::{Change, Event, EventKind};
use crate::crypto::PrimitiveError;
use crate::domain::id::AccountId;
use crate::storage::accounts::{self, WrappedKeyRow};
use crate::storage::erasures::{self, Erasure};
use crate::storage::{self, key_buckets, leases};

/// How long the key store's backups may be kept: a removal is complete when those that still hold
/// the old key are gone.
pub const BACKUPS_KEPT: Duration = Duration::from_hours(30 * 24);

const LEASE: &str = "erasures";
/// A bucket holds some 1,500 accounts of 100 million: seconds.
const LEASE_FOR: Duration = Duration::from_mins(5);
/// Buckets looked up at a time.
const BUCKETS: i64 = 64;
/// Keys wrapped anew in one transaction.
const KEYS: i64 = 128;
/// Another replacement of the same bucket may take an old key away under our hands: all is done
/// then, or begins again with the next.
const ATTEMPTS: u32 = 3;

/// Why the removal of an account is not final yet.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The key store gives no key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The journal has not learned of it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A database does not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// An account's key is not what its bucket's key wrapped.
    #[error("the key of {0} does not open, so the older keys of its bucket have to stay")]
    DamagedKey(AccountId),
    /// A key could not be wrapped.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// Makes removals final. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Erasures {
    profiles: Profiles,
    journal: Journal,
}

impl Erasures {
    /// For the accounts whose profiles these are; the journal lies in their key store.
    #[must_use]
    pub const fn new(profiles: Profiles, journal: Journal) -> Self {
        Self { profiles, journal }
    }

    /// Replaces the key that a removed account lay under, unless that is done; what is left of the
    /// account then. Nothing when no such account was removed.
    pub async fn finish(&self, account: AccountId) -> Result<Option<Erasure>, ErasureError> {
        let Some(erasure) = self.find(account).await? else {
            return Ok(None);
        };
        if erasure.key_replaced_at.is_some() {
            return Ok(Some(erasure));
        }
        let bucket = Bucket::new(erasure.key_bucket);
        self.replace_key(bucket, erasure.key_version).await?;
        Ok(self.find(account).await?)
    }

    /// What is left of a removed account, if there was one.
    pub async fn find(&self, account: AccountId) -> Result<Option<Erasure>, storage::Error> {
        let mut reader = self.profiles.ledger.reader().await?;
        erasures::find(&mut reader, account).await
    }

    /// Replaces the keys of all buckets that removed accounts lay in, if there are any and this
    /// process is the one to do it; call it every minute. One that fails does not keep the others.
    pub async fn finish_all(&self) -> Result<(), ErasureError> {
        let mut after = None;
        let mut outcome = Ok(());
        loop {
            let mut reader = self.profiles.ledger.reader().await?;
            let pending = erasures::list_pending(&mut reader, after, BUCKETS).await?;
            drop(reader);
            if pending.is_empty() || !self.take_lease().await? {
                return outcome;
            }
            for (bucket, version) in pending {
                after = Some(bucket);
                let replaced = self.replace_key(Bucket::new(bucket), version).await;
                outcome = outcome.and(replaced);
            }
        }
    }

    /// Replaces a bucket's keys up to the version `outdated`.
    async fn replace_key(&self, bucket: Bucket, outdated: i64) -> Result<(), ErasureError> {
        let mut attempt = 1;
        loop {
            match self.try_replace_key(bucket, outdated).await {
                Err(ErasureError::Vault(VaultError::NoSuchKey { .. })) if attempt < ATTEMPTS => {
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_replace_key(&self, bucket: Bucket, outdated: i64) -> Result<(), ErasureError> {
        let version = self.profiles.vault.supersede(bucket, outdated).await?;
        self.close_to_older(bucket, version).await?;
        while self.rewrap_some(bucket, version).await? > 0 {}
        self.journal.copy().await?;
        self.profiles.vault.destroy_below(bucket, version).await?;
        // Complete means on SQLite that the removed rows are in no file either.
        self.profiles.ledger.storage().scrub().await?;
        self.note_replaced(bucket, version).await
    }

    /// Step 2.
    async fn close_to_older(&self, bucket: Bucket, version: i64) -> Result<(), ErasureError> {
        self.profiles
            .ledger
            .write((bucket.number(), version), |entry, &(bucket, version)| {
                Box::pin(async move {
                    if key_buckets::raise(entry.tx(), bucket, version).await? {
                        entry.announce(Change::BucketKeyReplaced(bucket));
                    }
                    Ok(())
                })
            })
            .await
    }

    /// A part of step 3: how many keys it found to be wrapped anew. Those that somebody else has
    /// changed meanwhile are looked at again.
    async fn rewrap_some(&self, bucket: Bucket, version: i64) -> Result<usize, ErasureError> {
        let mut reader = self.profiles.ledger.reader().await?;
        let rows = accounts::list_keys_below(&mut reader, bucket.number(), version, KEYS).await?;
        drop(reader);
        let mut rewrapped = Vec::with_capacity(rows.len());
        for row in rows {
            let wrapped = self.rewrap(bucket, version, &row).await?;
            rewrapped.push((row.account_id, row.wrapped_key, wrapped));
        }
        let count = rewrapped.len();
        let written: Result<(), storage::Error> = self
            .profiles
            .ledger
            .storage()
            .write((version, rewrapped), |tx, (version, rewrapped)| {
                Box::pin(async move {
                    for (account, old, new) in rewrapped {
                        accounts::rewrap_key(tx, *account, old, (*version, new)).await?;
                    }
                    Ok(())
                })
            })
            .await;
        written?;
        Ok(count)
    }

    async fn rewrap(
        &self,
        bucket: Bucket,
        version: i64,
        row: &WrappedKeyRow,
    ) -> Result<String, ErasureError> {
        let context = key_context(row.account_id);
        let old = self.profiles.vault.key(bucket, row.key_version).await?;
        let new = self.profiles.vault.key(bucket, version).await?;
        // The old keys stay as long as one account cannot be opened: rather no deletion than a
        // wrong one.
        let key = old
            .unwrap_key(&context, &row.wrapped_key)
            .ok_or(ErasureError::DamagedKey(row.account_id))?;
        Ok(new.wrap(&context, &key, self.profiles.ledger.entropy())?)
    }

    /// Step 5.
    async fn note_replaced(&self, bucket: Bucket, version: i64) -> Result<(), ErasureError> {
        let now = self.profiles.ledger.now();
        let input = (bucket.number(), version, now);
        self.profiles
            .ledger
            .write(input, |entry, &(bucket, version, now)| {
                Box::pin(async move {
                    let ended = erasures::complete(entry.tx(), bucket, version, now).await?;
                    if ended > 0 {
                        let event = Event::new(EventKind::BucketKeyReplaced, now).detail(
                            json!({ "bucket": bucket, "version": version, "erasures": ended }),
                        );
                        entry.record(&event).await?;
                        entry.announce(Change::BucketKeyReplaced(bucket));
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn take_lease(&self) -> Result<bool, storage::Error> {
        let now = self.profiles.ledger.now();
        let input = (self.profiles.ledger.writer(), (now, now.plus(LEASE_FOR)));
        self.profiles
            .ledger
            .storage()
            .write(input, |tx, &(holder, span)| {
                Box::pin(async move { leases::take(tx, LEASE, holder, span).await })
            })
            .await
    }
}
