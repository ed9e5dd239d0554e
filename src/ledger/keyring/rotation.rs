//! Rotation: the next key becomes current, the current one is retired, another next one is made.
//!
//! A key is loaded on every node before its first use: a next one that was made only now is given
//! the time that the feed takes to reach all, and, unless there is an emergency, the time that
//! portals may hold a key set that does not have it yet.

use std::time::Duration;

use serde_json::json;

use super::ring::{current, last_number, next};
use super::stored::{self, NewKey, Slot, Status};
use super::{Keys, KeysError, insert};
use crate::domain::instant::Instant;
use crate::ledger::audit::Operation;
use crate::ledger::{Change, Event, EventKind};
use crate::storage::keys::{self, KeyRow};

/// How long portals may keep the key set: what its answer announces.
pub const KEY_SET_CACHED_FOR: Duration = Duration::from_mins(5);

/// A node that has not polled for a second trusts no cache; twice that is safe.
const KNOWN_EVERYWHERE: Duration = Duration::from_secs(2);

/// Whether portals are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Only when every key set that a portal may still hold has the next keys.
    Planned,
    /// At once: a key has leaked. Portals that do not know the next ones yet must ask again, and
    /// those that were used before leave the key set.
    Emergency,
}

/// One place's change of keys.
struct Step {
    retired: String,
    promoted: String,
    made: KeyRow,
}

impl Keys {
    /// Makes and publishes the next key where there is none, and loads it.
    pub async fn prepare_next(&self) -> Result<(), KeysError> {
        let ledger = &self.0.ledger;
        let rows = keys::list(&mut ledger.reader().await?).await?;
        let now = ledger.now();
        let mut made = Vec::new();
        for slot in self.rotating() {
            if next(&rows, slot).is_none() {
                made.push(
                    self.make_next(slot, last_number(&rows, slot) + 1, now)
                        .await?,
                );
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        let made = (made, &*self.0.master);
        match insert(ledger, made, EventKind::KeysCreated, now).await {
            Ok(()) | Err(KeysError::Raced) => self.reload().await,
            Err(error) => Err(error),
        }
    }

    /// Replaces every key that rotates, on nobody's order. Of two rotations at once one is done; the
    /// other fails with [`KeysError::Raced`].
    pub async fn rotate(&self) -> Result<(), KeysError> {
        self.rotate_with(None, Rotation::Planned).await
    }

    /// The same on an operator's order, for a reason: both go to the audit log. A planned rotation
    /// that comes too soon fails with [`KeysError::TooSoon`] and has changed nothing.
    pub async fn rotate_by(&self, by: &Operation, rotation: Rotation) -> Result<(), KeysError> {
        if rotation == Rotation::Planned {
            self.check_published().await?;
        }
        self.rotate_with(Some(by), rotation).await
    }

    /// Whether no portal can hold a key set that lacks one of the next keys.
    async fn check_published(&self) -> Result<(), KeysError> {
        self.prepare_next().await?;
        let ledger = &self.0.ledger;
        let rows = keys::list(&mut ledger.reader().await?).await?;
        let signing = self
            .rotating()
            .filter(|slot| matches!(slot, Slot::Signing(_)));
        let known = signing.filter_map(|slot| {
            let (old, new) = (current(&rows, slot).ok()?, next(&rows, slot)?);
            // Made together, they were never published apart.
            let together = new.created_at <= old.created_at;
            let wait = KEY_SET_CACHED_FOR + KNOWN_EVERYWHERE;
            (!together).then(|| new.created_at.plus(wait))
        });
        match known.max() {
            Some(at) if ledger.now() < at => Err(KeysError::TooSoon(at)),
            Some(_) | None => Ok(()),
        }
    }

    async fn rotate_with(
        &self,
        by: Option<&Operation>,
        rotation: Rotation,
    ) -> Result<(), KeysError> {
        self.prepare_next().await?;
        let ledger = &self.0.ledger;
        let rows = keys::list(&mut ledger.reader().await?).await?;
        let now = ledger.now();
        let mut steps = Vec::new();
        let mut youngest = Duration::MAX;
        for slot in self.rotating() {
            let (Ok(old), Some(new)) = (current(&rows, slot), next(&rows, slot)) else {
                continue;
            };
            youngest = youngest.min(now.since(new.created_at));
            steps.push(Step {
                retired: old.key_id.clone(),
                promoted: new.key_id.clone(),
                made: self
                    .make_next(slot, last_number(&rows, slot) + 1, now)
                    .await?,
            });
        }
        tokio::time::sleep(KNOWN_EVERYWHERE.saturating_sub(youngest)).await;
        self.take((steps, rotation), by, ledger.now()).await?;
        self.reload().await
    }

    /// Takes all steps in one transaction, or none.
    async fn take(
        &self,
        (steps, rotation): (Vec<Step>, Rotation),
        by: Option<&Operation>,
        now: Instant,
    ) -> Result<(), KeysError> {
        let promoted: Vec<&str> = steps.iter().map(|step| step.promoted.as_str()).collect();
        let mut event =
            Event::new(EventKind::KeysRotated, now).detail(json!({ "current": promoted }));
        if let Some(by) = by {
            event = event.by(by);
        }
        if rotation == Rotation::Emergency {
            event = event.detail(json!({ "emergency": true }));
        }
        let master = self.0.master.fingerprint();
        let write = self.0.ledger.write(
            (steps, rotation, master, event, now),
            |entry, (steps, rotation, master, event, now)| {
                Box::pin(async move {
                    if !keys::admit_wrapped(entry.tx(), master).await? {
                        return Err(KeysError::OutdatedMasterKey);
                    }
                    for step in steps {
                        let tx = entry.tx();
                        let done = keys::retire(tx, &step.retired, *now).await?
                            && keys::promote(tx, &step.promoted, *now).await?
                            && keys::insert(tx, &step.made).await?;
                        if !done {
                            return Err(KeysError::Raced);
                        }
                    }
                    if *rotation == Rotation::Emergency {
                        keys::withdraw_retired(entry.tx(), Slot::SIGNING).await?;
                    }
                    entry.record(event).await?;
                    entry.announce(Change::KeysChanged);
                    Ok(())
                })
            },
        );
        write.await
    }

    fn rotating(&self) -> impl Iterator<Item = Slot> + '_ {
        Slot::required(&self.0.settings).filter(|slot| slot.rotates())
    }

    async fn make_next(&self, slot: Slot, number: i64, now: Instant) -> Result<KeyRow, KeysError> {
        let inner = &self.0;
        let key = NewKey {
            slot,
            number,
            status: Status::Next,
        };
        let with = (&*inner.master, inner.ledger.entropy());
        stored::make(key, &inner.settings, with, now).await
    }
}
