//! Every key of the key store under the current master key, so that the other one can go.
//!
//! First the other one is outdated: whoever still wraps with it is refused, and who was about to add
//! a key has either committed or will be. Then each page is a transaction of its own that changes only
//! what still is as it was read. So it may end anywhere and begin again, run twice at once, and undoes
//! no deletion. The keys themselves stay as they are: nobody who has them in memory notices.

use super::{Bucket, CHECK, Vault, VaultError};
use crate::crypto::custody::{RewrapError, Rewrapped};
use crate::ledger::keyring::Rewrapping;
use crate::storage::Error;
use crate::storage::vault::{self, BucketKeyRow};

impl From<RewrapError> for VaultError {
    fn from(error: RewrapError) -> Self {
        match error {
            RewrapError::Unopened => Self::WrongMasterKey,
            RewrapError::Primitive(error) => Self::Primitive(error),
        }
    }
}

/// Keys changed in one transaction.
const PAGE: i64 = 512;
/// Before the first key.
const START: (i64, i64) = (-1, 0);

impl Vault {
    /// Brings every key under the current master key. What was written over is in no file of the key
    /// store any more.
    pub async fn rewrap(&self) -> Result<Rewrapping, VaultError> {
        self.outdate_other().await?;
        let mut done = Rewrapping::default();
        let mut after = Some(START);
        while let Some(place) = after {
            let (page, next) = self.rewrap_page(place).await?;
            done.rewrapped += page.rewrapped;
            done.kept += page.kept;
            after = next;
        }
        self.rewrap_check().await?;
        if done.rewrapped > 0 {
            self.0.storage.scrub().await?;
        }
        Ok(done)
    }

    /// Lets no key in any more that the other master key wrapped.
    pub async fn outdate_other(&self) -> Result<(), VaultError> {
        let Some(other) = self.0.master.other_fingerprint() else {
            return Ok(());
        };
        let written: Result<(), Error> = self
            .0
            .storage
            .write(other, |tx, other| {
                Box::pin(async move { vault::outdate_master_key(tx, other).await })
            })
            .await;
        Ok(written?)
    }

    /// One page behind `after` (bucket and version), and where the next begins.
    pub async fn rewrap_page(
        &self,
        after: (i64, i64),
    ) -> Result<(Rewrapping, Option<(i64, i64)>), VaultError> {
        let mut reader = self.0.storage.reader().await?;
        let rows = vault::keys(&mut reader, after, PAGE).await?;
        drop(reader);
        let last = rows.last().map(|row| (row.bucket, row.version));
        let mut done = Rewrapping::default();
        let mut changes = Vec::new();
        for row in rows {
            match self.rewrap_one(&row)? {
                Rewrapped::Current => done.kept += 1,
                Rewrapped::Anew(text) => changes.push((row, text)),
            }
        }
        if !changes.is_empty() {
            done.rewrapped = self.replace(changes).await?;
        }
        Ok((done, last))
    }

    fn rewrap_one(&self, row: &BucketKeyRow) -> Result<Rewrapped, VaultError> {
        let bucket = u16::try_from(row.bucket).map_err(|_| Error::Corrupt {
            table: "bucket_keys",
            column: "bucket",
        })?;
        let context = Bucket(bucket).context(row.version);
        let (master, entropy) = (&self.0.master, &*self.0.entropy);
        Ok(master.rewrap_key(&context, &row.wrapped, entropy)?)
    }

    /// Those that nobody changed or deleted meanwhile; how many.
    async fn replace(&self, changes: Vec<(BucketKeyRow, String)>) -> Result<u64, VaultError> {
        let replaced: Result<u64, Error> = self
            .0
            .storage
            .write(changes, |tx, changes| {
                Box::pin(async move {
                    let mut replaced = 0;
                    for (row, new) in changes {
                        replaced += u64::from(vault::rewrap_key(tx, row, new).await?);
                    }
                    Ok(replaced)
                })
            })
            .await;
        Ok(replaced?)
    }

    /// The value by which the key store knows its master key.
    async fn rewrap_check(&self) -> Result<(), VaultError> {
        let mut reader = self.0.storage.reader().await?;
        let old = vault::fact(&mut reader, CHECK).await?.unwrap_or_default();
        drop(reader);
        let Rewrapped::Anew(new) = self.0.master.reseal(CHECK, &old, &*self.0.entropy)? else {
            return Ok(());
        };
        // Somebody else who replaced it meanwhile did the same.
        let written: Result<bool, Error> = self
            .0
            .storage
            .write((old, new), |tx, (old, new)| {
                Box::pin(async move { vault::replace_fact(tx, CHECK, (old, new)).await })
            })
            .await;
        Ok(written.map(drop)?)
    }
}
