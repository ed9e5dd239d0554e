//! The provider's keys under the current master key: the key store's counterpart is
//! [`crate::ledger::vault`], and it goes the same way.

use serde::Serialize;
use serde_json::json;

use super::{Keys, KeysError, OUTDATED, stored};
use crate::crypto::custody::{RewrapError, Rewrapped};
use crate::ledger::audit::Operation;
use crate::ledger::{Change, Event, EventKind};
use crate::storage::keys::{self, KeyRow};
use crate::storage::{self};

/// Keys changed in one transaction.
const PAGE: usize = 64;

/// What a re-wrapping found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rewrapping {
    /// Keys that the other master key had wrapped, and the current one has now.
    pub rewrapped: u64,
    /// Keys that lay under the current one before.
    pub kept: u64,
}

impl From<RewrapError> for KeysError {
    fn from(error: RewrapError) -> Self {
        match error {
            RewrapError::Unopened => Self::WrongMasterKey,
            RewrapError::Primitive(error) => Self::Primitive(error),
        }
    }
}

impl Keys {
    /// Brings every key of the database under the current master key.
    pub async fn rewrap(&self) -> Result<Rewrapping, KeysError> {
        self.outdate_other().await?;
        let inner = &self.0;
        let rows = keys::list(&mut inner.ledger.reader().await?).await?;
        let mut done = Rewrapping::default();
        let mut changes = Vec::new();
        for row in rows {
            match stored::rewrap(&row, &inner.master, inner.ledger.entropy())? {
                Rewrapped::Current => done.kept += 1,
                Rewrapped::Anew(text) => changes.push((row, text)),
            }
        }
        for page in changes.chunks(PAGE) {
            done.rewrapped += self.replace(page.to_vec()).await?;
        }
        if done.rewrapped > 0 {
            inner.ledger.storage().scrub().await?;
        }
        Ok(done)
    }

    /// Puts into the audit log who had all keys wrapped anew, and why.
    pub async fn note_rewrapped(
        &self,
        by: &Operation,
        (own, buckets): (Rewrapping, Rewrapping),
    ) -> Result<(), KeysError> {
        let inner = &self.0;
        let event = Event::new(EventKind::KeysRewrapped, inner.ledger.now())
            .by(by)
            .detail(json!({
                "master_key": inner.master.fingerprint(),
                "keys": own.rewrapped,
                "bucket_keys": buckets.rewrapped,
            }));
        let recorded: Result<(), storage::Error> = inner
            .ledger
            .write(event, |entry, event| Box::pin(entry.record(event)))
            .await;
        Ok(recorded?)
    }

    async fn outdate_other(&self) -> Result<(), KeysError> {
        let Some(other) = self.0.master.other_fingerprint() else {
            return Ok(());
        };
        let written: Result<String, storage::Error> = self
            .0
            .ledger
            .storage()
            .write(other, |tx, other| {
                Box::pin(async move { keys::replace_fact(tx, OUTDATED, other).await })
            })
            .await;
        Ok(written.map(drop)?)
    }

    async fn replace(&self, changes: Vec<(KeyRow, String)>) -> Result<u64, KeysError> {
        let replaced: Result<u64, storage::Error> = self
            .0
            .ledger
            .write(changes, |entry, changes| {
                Box::pin(async move {
                    let mut replaced = 0;
                    for (row, new) in changes {
                        replaced += u64::from(keys::rewrap(entry.tx(), row, new).await?);
                    }
                    // The journal has keys, too, as they lie now.
                    if replaced > 0 {
                        entry.announce(Change::KeysChanged);
                    }
                    Ok(replaced)
                })
            })
            .await;
        Ok(replaced?)
    }
}
