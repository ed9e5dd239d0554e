//! What all use cases write through: audit, change feed, keys, outbox, sealed profiles, usage.
//!
//! [`Ledger::write`] is how a use case changes anything: what it records and announces is in the
//! same transaction as what it does, so none of them can exist without the others.

pub mod audit;
pub mod backup;
pub mod erasures;
pub mod feed;
pub mod issuer;
pub mod journal;
pub mod keyring;
pub mod outbox;
pub mod profiles;
pub mod usage;
pub mod vault;

mod entry;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub use audit::{Event, EventKind, Head, Heads};
pub use entry::Entry;
pub use feed::{Change, Feed, FollowError, Notice, Poller, TokenGrounds};
pub use outbox::{Outbox, OutboxItem};

use crate::crypto::signing::SigningKey;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::changes::{self, LANES};
use crate::storage::{BoxFuture, Error, Reader, SWEEP_LIMIT, Storage};
use audit::{Chain, Ticket, Tools};
use outbox::Bells;
use usage::Usage;

/// How long changes are kept: longer than any access token lives, and than any process sleeps.
pub const CHANGE_RETENTION: Duration = Duration::from_mins(15);

/// Events of a process that wait for a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsealed {
    /// How many.
    pub events: usize,
    /// How long ago sealing last succeeded.
    pub sealed_ago: Duration,
}

/// The ledger of a process. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    storage: Storage,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    feed: Feed,
    bells: Bells,
    chain: Chain,
    /// When sealing last succeeded, in Unix milliseconds.
    sealed_at: AtomicI64,
    usage: Usage,
}

/// One write: the use case's input and work, and the numbers it draws.
struct Job<I, F> {
    input: I,
    work: F,
    ticket: Arc<Ticket>,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    /// The ledger over a migrated database. Reads and writes nothing yet.
    #[must_use]
    pub fn new(storage: Storage, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let now = clock.now();
        let chain = Chain::new(now, &*entropy);
        Self(Arc::new(Inner {
            storage,
            clock,
            entropy,
            feed: Feed::new(CHANGE_RETENTION),
            bells: Bells::default(),
            chain,
            sealed_at: AtomicI64::new(now.as_millis()),
            usage: Usage::default(),
        }))
    }

    /// Runs `work` in a transaction, with what it records and announces.
    ///
    /// As with [`Storage::write`], `work` awaits nothing but the entry and its transaction and may
    /// run again, so ids, times and random values are in `input`. When this returns `Ok`, all is
    /// committed and this process knows of its own changes.
    pub async fn write<I, T, E, F>(&self, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a, 'b> Fn(&'a mut Entry<'b>, &'a I) -> BoxFuture<'a, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let ticket = Arc::new(Ticket::new(self.0.chain.writer()));
        let job = Job {
            input,
            work,
            ticket: Arc::clone(&ticket),
            clock: Arc::clone(&self.0.clock),
        };
        let written = self.0.storage.write(job, |tx, job| {
            Box::pin(async move {
                let mut entry = Entry::begin(tx, &job.ticket, &*job.clock);
                let value = (job.work)(&mut entry, &job.input).await?;
                let finished = entry.finish().await?;
                Ok::<_, E>((value, finished))
            })
        });
        let (value, finished) = written.await?;
        ticket.committed();
        self.0.feed.apply_own(&finished.changes);
        self.0.bells.ring(&finished.enqueued);
        Ok(value)
    }

    /// A connection to read with.
    pub async fn reader(&self) -> Result<Reader, Error> {
        self.0.storage.reader().await
    }

    /// The database.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.0.storage
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// The source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// This process's end of the change feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// What is to be delivered later.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.clone())
    }

    /// What is counted rather than recorded.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.0.usage
    }

    /// This process as a writer to the log.
    #[must_use]
    pub fn writer(&self) -> WriterId {
        self.0.chain.writer().id()
    }

    /// Learns the retained changes, then follows the feed until the poller is dropped.
    pub async fn follow(&self) -> Result<Poller, FollowError> {
        self.0.feed.follow(&self.0.storage, &self.0.clock).await
    }

    /// Enters this process among the writers, so that others look after what it leaves behind.
    pub async fn register(&self) -> Result<(), Error> {
        self.0.chain.register(self.tools()).await
    }

    /// Signs audit batches with this key from now on.
    pub fn sign_audit_with(&self, key: Arc<SigningKey>) {
        self.0.chain.set_signer(key);
    }

    /// Seals the events committed since the last call; call it every second.
    pub async fn seal(&self) -> Result<(), Error> {
        self.0.chain.seal_pending(self.tools()).await?;
        let now = self.now().as_millis();
        self.0.sealed_at.store(now, Ordering::Relaxed);
        Ok(())
    }

    /// What of this process is not sealed yet.
    #[must_use]
    pub fn unsealed(&self) -> Unsealed {
        let sealed_at = Instant::from_millis(self.0.sealed_at.load(Ordering::Relaxed));
        Unsealed {
            events: self.0.chain.writer().unsealed(),
            sealed_ago: self.now().since(sealed_at),
        }
    }

    /// Enters this process among the writers and seals what dead ones left, if this process is the
    /// one to do it; call it every two seconds.
    pub async fn recover(&self) -> Result<(), Error> {
        self.0.chain.recover(self.tools()).await
    }

    /// Ties all chains together, if this process is the one to do it; call it every minute. The
    /// head is for witnesses.
    pub async fn link(&self) -> Result<Option<Head>, Error> {
        self.0.chain.link(self.tools()).await
    }

    /// Writes out what was counted; call it every few seconds.
    pub async fn flush_usage(&self) -> Result<(), Error> {
        self.0.usage.flush(&self.0.storage, self.writer()).await
    }

    /// Deletes changes that everyone has had the time to read; how many. Of each lane only those up
    /// to a number, behind which the journal has not come yet.
    pub async fn sweep_changes(&self, copied: &[i64]) -> Result<u64, Error> {
        let before = self.now().minus(CHANGE_RETENTION);
        let mut swept = 0;
        for (lane, &last) in (0..LANES).zip(copied) {
            loop {
                let deleted = self
                    .0
                    .storage
                    .write(((lane, last), before), |tx, &(upto, before)| {
                        Box::pin(async move { changes::delete_old(tx, upto, before).await })
                    })
                    .await?;
                swept += deleted;
                if deleted < u64::from(SWEEP_LIMIT) {
                    break;
                }
            }
        }
        Ok(swept)
    }

    /// Writes out and seals what is pending and ends this process's part in the log.
    pub async fn close(&self) -> Result<(), Error> {
        self.flush_usage().await?;
        self.0.chain.close(self.tools()).await
    }

    fn tools(&self) -> Tools<'_> {
        Tools {
            storage: &self.0.storage,
            clock: &*self.0.clock,
            entropy: &*self.0.entropy,
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("writer", &self.writer())
            .finish_non_exhaustive()
    }
}
