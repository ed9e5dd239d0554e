//! The outbox: what must be delivered after a commit, to somebody who may not answer.
//!
//! An item is written in the transaction of what it belongs to ([`super::Entry::enqueue`]) and
//! delivered at least once, under one identifier at every attempt. Its content is sealed and goes
//! with the delivery. What comes of an attempt is reported back; how to deliver is for the jobs.

use std::time::Duration;

use tokio::sync::Notify;

use super::Ledger;
use super::keyring::KeyRing;
use crate::crypto::seal::{SealError, Sealed};
use crate::domain::entropy::Entropy;
use crate::domain::id::{AccountId, DeliveryId};
use crate::domain::instant::Instant;
use crate::storage::outbox::{self, Claim, ClaimedRow, OutboxCount, OutboxRow, Standing};
use crate::storage::{BoxFuture, Error, SWEEP_LIMIT, Transaction};

/// Who takes an item has it for so long; longer than an attempt may take.
pub const LEASE: Duration = Duration::from_secs(30);
/// What is due later than this is put off: longer than the first turns of what others are before.
const SOON: Duration = Duration::from_millis(500);
/// How long is known what was given up.
const FAILURES_KEPT: Duration = Duration::from_hours(30 * 24);

/// What kinds of things are delivered; each by a job of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxKind {
    /// A message to a person.
    Message,
    /// That sessions ended, to whoever finds out which clients are to hear of it.
    SessionsEnded,
    /// That a session ended, to a client.
    Logout,
}

impl OutboxKind {
    const ALL: [Self; 3] = [Self::Message, Self::SessionsEnded, Self::Logout];

    const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::SessionsEnded => "sessions_ended",
            Self::Logout => "logout",
        }
    }
}

/// What has become of an item that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    /// It is to be delivered now, or being delivered.
    Waiting,
    /// It was not delivered, and is to be tried later.
    PutOff,
    /// It will not be.
    GivenUp,
}

impl OutboxState {
    /// Put off is what is not tried again within a moment.
    fn of(standing: Standing, now: Instant) -> Self {
        match standing {
            Standing::GivenUp => Self::GivenUp,
            Standing::Due(at) if at > now.plus(SOON) => Self::PutOff,
            Standing::Due(_) | Standing::Taken => Self::Waiting,
        }
    }
}

/// What can be put into the outbox.
pub trait Deliverable: Sealed + Send + Sync + 'static {
    /// Which job delivers it.
    const KIND: OutboxKind;

    /// How long it is worth delivering.
    fn lives_for(&self) -> Duration;

    /// Whatever has the same key is delivered in order: what comes later waits while an earlier
    /// one is undelivered. Stored as it is, so nothing personal. Of two that are made within one
    /// millisecond either may be the first.
    fn ordering(&self) -> Option<String> {
        None
    }
}

/// Something to be delivered, ready to be written: a write may run again, so identifier and sealed
/// content are drawn before it.
#[derive(Debug, Clone)]
pub struct OutboxItem {
    kind: OutboxKind,
    row: OutboxRow,
}

impl OutboxItem {
    /// Seals `content`, due at once.
    pub fn new<T: Deliverable>(
        content: &T,
        (ring, entropy): (&KeyRing, &dyn Entropy),
        now: Instant,
    ) -> Result<Self, SealError> {
        let id = DeliveryId::ordered(now, entropy);
        Self::with_id(id, content, (ring, entropy), now)
    }

    /// The same under an identifier that follows from what it is about: put in again, it is the
    /// same item.
    pub fn with_id<T: Deliverable>(
        id: DeliveryId,
        content: &T,
        (ring, entropy): (&KeyRing, &dyn Entropy),
        now: Instant,
    ) -> Result<Self, SealError> {
        Ok(Self {
            kind: T::KIND,
            row: OutboxRow {
                id,
                kind: T::KIND.name(),
                ordering: content.ordering(),
                account_id: None,
                payload: ring.sealer().seal(content, entropy)?,
                created_at: now,
                expires_at: now.plus(content.lives_for()),
            },
        })
    }

    /// The same, about the person of an account: it goes when the account is removed.
    #[must_use]
    pub const fn about(mut self, account_id: AccountId) -> Self {
        self.row.account_id = Some(account_id);
        self
    }

    /// Its identifier: the same at every attempt.
    #[must_use]
    pub const fn id(&self) -> DeliveryId {
        self.row.id
    }

    pub(super) const fn kind(&self) -> OutboxKind {
        self.kind
    }

    pub(super) const fn row(&self) -> &OutboxRow {
        &self.row
    }
}

/// Wakes the jobs of this process, so that what it enqueues goes out at once.
#[derive(Debug, Default)]
pub(super) struct Bells {
    message: Notify,
    sessions_ended: Notify,
    logout: Notify,
}

impl Bells {
    const fn of(&self, kind: OutboxKind) -> &Notify {
        match kind {
            OutboxKind::Message => &self.message,
            OutboxKind::SessionsEnded => &self.sessions_ended,
            OutboxKind::Logout => &self.logout,
        }
    }

    pub(super) fn ring(&self, enqueued: &[OutboxKind]) {
        for kind in enqueued {
            self.of(*kind).notify_one();
        }
    }
}

/// The delivering end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    ledger: Ledger,
}

/// An item to deliver before its lease ends.
#[derive(Debug)]
pub struct Parcel {
    claim: Claim,
    payload: String,
    created_at: Instant,
    expires_at: Instant,
}

impl Parcel {
    /// Its identifier: the same at every attempt, so that receivers can tell a repetition.
    #[must_use]
    pub const fn id(&self) -> DeliveryId {
        self.claim.id
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> i64 {
        self.claim.attempt
    }

    /// When it was enqueued.
    #[must_use]
    pub const fn created_at(&self) -> Instant {
        self.created_at
    }

    /// When delivering it is of no more use.
    #[must_use]
    pub const fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// What to deliver; nothing when this release cannot read it. Another may.
    #[must_use]
    pub fn open<T: Deliverable>(&self, ring: &KeyRing) -> Option<T> {
        ring.sealer().open(&self.payload)
    }
}

impl From<ClaimedRow> for Parcel {
    fn from(row: ClaimedRow) -> Self {
        Self {
            claim: row.claim,
            payload: row.payload,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// What was found due.
#[derive(Debug, Default)]
pub struct Collected {
    /// To be delivered, in the order of their identifiers.
    pub parcels: Vec<Parcel>,
    /// How many had expired and were given up.
    pub expired: usize,
}

impl Outbox {
    pub(super) const fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// Waits until this process has enqueued something of a kind since this was last asked.
    pub async fn enqueued(&self, kind: OutboxKind) {
        self.ledger.0.bells.of(kind).notified().await;
    }

    /// Takes up to `limit` items that are due, and gives up those of them that have expired. Nobody
    /// else gets the others within [`LEASE`].
    pub async fn collect(&self, kind: OutboxKind, limit: u32) -> Result<Collected, Error> {
        let now = self.ledger.now();
        let mut reader = self.ledger.reader().await?;
        if !outbox::is_due(&mut reader, kind.name(), now).await? {
            return Ok(Collected::default());
        }
        drop(reader);
        let holder = self.ledger.writer();
        let rows: Vec<ClaimedRow> = self
            .ledger
            .storage()
            .write((kind.name(), now), move |tx, &(kind, now)| {
                Box::pin(async move {
                    let lease = (now, now.plus(LEASE));
                    let rows = outbox::claim(tx, kind, holder, lease, limit).await?;
                    for row in rows.iter().filter(|row| row.expires_at <= now) {
                        outbox::give_up(tx, &row.claim, now).await?;
                    }
                    Ok::<_, Error>(rows)
                })
            })
            .await?;
        let due = rows.len();
        let parcels: Vec<Parcel> = rows
            .into_iter()
            .filter(|row| row.expires_at > now)
            .map(Parcel::from)
            .collect();
        let expired = due.saturating_sub(parcels.len());
        Ok(Collected { parcels, expired })
    }

    /// It was delivered: nothing of it stays.
    pub async fn complete(&self, parcel: &Parcel) -> Result<(), Error> {
        self.write(parcel, |tx, claim| {
            Box::pin(async move { outbox::complete(tx, claim).await })
        })
        .await
    }

    /// It was not delivered, and is due again at `due_at`.
    pub async fn retry_later(&self, parcel: &Parcel, due_at: Instant) -> Result<(), Error> {
        self.write(parcel, move |tx, claim| {
            Box::pin(async move { outbox::retry_later(tx, claim, due_at).await })
        })
        .await
    }

    /// It was not delivered and will not be: its content goes, that it failed is kept a month.
    pub async fn give_up(&self, parcel: &Parcel) -> Result<(), Error> {
        let now = self.ledger.now();
        self.write(parcel, move |tx, claim| {
            Box::pin(async move { outbox::give_up(tx, claim, now).await })
        })
        .await
    }

    /// What has become of an item; nothing is left of one that was delivered.
    pub async fn state(&self, id: DeliveryId) -> Result<Option<OutboxState>, Error> {
        let now = self.ledger.now();
        let standing = outbox::find(&mut self.ledger.reader().await?, id).await?;
        Ok(standing.map(|standing| OutboxState::of(standing, now)))
    }

    /// How many items of a kind there are.
    pub async fn count(&self, kind: OutboxKind) -> Result<OutboxCount, Error> {
        outbox::count(&mut self.ledger.reader().await?, kind.name()).await
    }

    /// Gives up what expired, so that its content goes even where nobody delivers it; forgets what
    /// was given up a month ago.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.ledger.now();
        for kind in OutboxKind::ALL {
            self.sweep_by((kind.name(), now), |tx, &(kind, now)| {
                Box::pin(async move { outbox::give_up_expired(tx, kind, now).await })
            })
            .await?;
        }
        self.sweep_by(now.minus(FAILURES_KEPT), |tx, before| {
            Box::pin(async move { outbox::delete_expired(tx, *before).await })
        })
        .await
    }

    async fn sweep_by<I, F>(&self, input: I, statement: F) -> Result<(), Error>
    where
        I: Copy + Send + Sync + 'static,
        F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<u64, Error>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        loop {
            let swept: u64 = self.ledger.storage().write(input, statement).await?;
            if swept < u64::from(SWEEP_LIMIT) {
                return Ok(());
            }
        }
    }

    async fn write<F>(&self, parcel: &Parcel, work: F) -> Result<(), Error>
    where
        F: for<'a> Fn(&'a mut Transaction, &'a Claim) -> BoxFuture<'a, Result<bool, Error>>
            + Send
            + Sync
            + 'static,
    {
        self.ledger.storage().write(parcel.claim, work).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn put_off_is_what_is_not_tried_again_within_a_moment() {
        let now = Instant::from_seconds(100);
        for (standing, state) in [
            (Standing::Taken, OutboxState::Waiting),
            (Standing::Due(now.minus(SOON)), OutboxState::Waiting),
            (Standing::Due(now.plus(SOON)), OutboxState::Waiting),
            (Standing::Due(now.plus(SOON * 2)), OutboxState::PutOff),
            (Standing::GivenUp, OutboxState::GivenUp),
        ] {
            assert_eq!(OutboxState::of(standing, now), state, "{standing:?}");
        }
    }
}
