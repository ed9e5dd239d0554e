//! Delivers what the outbox holds: takes what is due, a few at once, and reports what came of it.
//!
//! One loop for every kind of thing; a [`Carrier`] knows how one is delivered. What this process
//! enqueues goes out at once; a poll finds what others left, and what is due again. An attempt
//! that fails is repeated after 1, 2, 4, … 60 seconds until the item expires; what was not tried for
//! want of a place goes on sooner.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{Shutdown, every};
use crate::domain::instant::Instant;
use crate::ledger::Ledger;
use crate::ledger::keyring::Keys;
use crate::ledger::outbox::{Deliverable, LEASE, Outbox, Parcel};
use crate::storage;

/// What others enqueued is found within this time.
const POLL: Duration = Duration::from_millis(250);
const COUNT: Duration = Duration::from_secs(10);
/// Well within the lease, so that nobody else begins while this one is at it.
const ATTEMPT: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The pauses of what was not tried.
const FIRST_TURN: Duration = Duration::from_millis(100);
const LONGEST_TURN: Duration = Duration::from_secs(2);
/// A delivery that cannot be noted would be repeated: try again while the lease holds.
const REPORTS: u32 = 5;
const REPORT_PAUSE: Duration = Duration::from_secs(1);

const _: () = assert!(
    ATTEMPT.as_secs() + REPORTS as u64 * REPORT_PAUSE.as_secs() < LEASE.as_secs(),
    "an attempt and its report fit in a lease"
);

/// Why something was not delivered. The reason is for the log: nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It will never be.
    Refused(String),
    /// It may be later.
    Later(String),
    /// It was not tried, since others are before it. It may be in a moment.
    Soon,
}

/// Delivers things of one kind.
pub trait Carrier: Send + Sync + 'static {
    /// What it delivers.
    type Content: Deliverable;

    /// Attempts under way at once.
    const AT_ONCE: usize = 16;

    /// One attempt. It may have been made before: the parcel's identifier is the same then.
    fn carry(
        &self,
        parcel: &Parcel,
        content: &Self::Content,
    ) -> impl Future<Output = Result<(), Undelivered>> + Send;
}

/// What deliveries of one kind came to, for the metrics.
#[derive(Debug, Default)]
pub struct Tally {
    delivered: AtomicU64,
    retried: AtomicU64,
    given_up: AtomicU64,
    waiting: AtomicI64,
    failed: AtomicI64,
    /// In Unix milliseconds; zero when nothing waits.
    oldest: AtomicI64,
}

impl Tally {
    /// How many this process delivered.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// How many attempts of this process failed and will be repeated.
    pub fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// How many this process gave up.
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// How many are undelivered, as of the last count; on all nodes.
    pub fn waiting(&self) -> i64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many were given up within a month, as of the last count; on all nodes.
    pub fn failed(&self) -> i64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// How long the oldest undelivered one has waited.
    pub fn oldest_age(&self, now: Instant) -> Duration {
        match self.oldest.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            millis => now.since(Instant::from_millis(millis)),
        }
    }
}

/// The delivering of one kind of thing.
pub struct Delivery<C> {
    ledger: Ledger,
    outbox: Outbox,
    keys: Keys,
    carrier: C,
    tally: Arc<Tally>,
}

impl<C: Carrier> Delivery<C> {
    /// Delivers by `carrier` what `keys` open.
    pub fn new(ledger: &Ledger, keys: &Keys, carrier: C, tally: Arc<Tally>) -> Self {
        Self {
            ledger: ledger.clone(),
            outbox: ledger.outbox(),
            keys: keys.clone(),
            carrier,
            tally,
        }
    }

    /// Runs until told to end, and then until the attempts under way are over.
    pub async fn run(self, shutdown: Shutdown) {
        let delivery = Arc::new(self);
        tokio::join!(
            every("count the outbox", COUNT, shutdown.clone(), || {
                delivery.count()
            }),
            delivery.deliver(shutdown),
        );
    }

    async fn deliver(self: &Arc<Self>, mut shutdown: Shutdown) {
        let mut attempts = JoinSet::new();
        let mut polls = interval(POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = shutdown.wait_for(|ends| *ends) => break,
                () = self.outbox.enqueued(C::Content::KIND), if attempts.len() < C::AT_ONCE => {}
                // A place is free, or the next of an ordering key may go.
                Some(_) = attempts.join_next() => {}
                _ = polls.tick() => {}
            }
            while attempts.try_join_next().is_some() {}
            if let Err(error) = self.begin(&mut attempts).await {
                tracing::warn!(kind = ?C::Content::KIND, %error, "the outbox does not answer");
                sleep(POLL).await;
            }
        }
        while attempts.join_next().await.is_some() {}
    }

    /// Begins as many attempts as there are places for.
    async fn begin(self: &Arc<Self>, attempts: &mut JoinSet<()>) -> Result<(), storage::Error> {
        let kind = C::Content::KIND;
        loop {
            let places = u32::try_from(C::AT_ONCE.saturating_sub(attempts.len())).unwrap_or(0);
            if places == 0 {
                return Ok(());
            }
            let due = self.outbox.collect(kind, places).await?;
            for parcel in due.parcels {
                let delivery = Arc::clone(self);
                attempts.spawn(async move { delivery.attempt(&parcel).await });
            }
            if due.expired == 0 {
                return Ok(());
            }
            // They took places that others are waiting for.
            tracing::warn!(?kind, count = due.expired, "expired undelivered");
            let expired = u64::try_from(due.expired).unwrap_or(u64::MAX);
            self.tally.given_up.fetch_add(expired, Ordering::Relaxed);
        }
    }

    async fn attempt(&self, parcel: &Parcel) {
        let outcome = match parcel.open::<C::Content>(&self.keys.ring()) {
            Some(content) => timeout(ATTEMPT, self.carrier.carry(parcel, &content))
                .await
                .unwrap_or_else(|_| Err(Undelivered::Later("no answer in time".to_owned()))),
            // While releases change, another node may know what this is.
            None => Err(Undelivered::Later("this release cannot read it".to_owned())),
        };
        for report in 1..=REPORTS {
            match self.report(parcel, &outcome).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(delivery = %parcel.id(), %error, report, "outcome not noted");
                    sleep(REPORT_PAUSE).await;
                }
            }
        }
    }

    async fn report(
        &self,
        parcel: &Parcel,
        outcome: &Result<(), Undelivered>,
    ) -> Result<(), storage::Error> {
        let pause = match outcome {
            Err(Undelivered::Soon) => doubled(FIRST_TURN, LONGEST_TURN, parcel.attempt()),
            _ => doubled(FIRST_PAUSE, LONGEST_PAUSE, parcel.attempt()),
        };
        let due_at = self.ledger.now().plus(pause);
        let reason = match outcome {
            Ok(()) => {
                self.outbox.complete(parcel).await?;
                self.tally.delivered.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Err(Undelivered::Later(reason)) if due_at < parcel.expires_at() => {
                self.outbox.retry_later(parcel, due_at).await?;
                self.tally.retried.fetch_add(1, Ordering::Relaxed);
                tracing::info!(
                    delivery = %parcel.id(),
                    attempt = parcel.attempt(),
                    reason,
                    "not delivered; will be tried again"
                );
                return Ok(());
            }
            Err(Undelivered::Soon) if due_at < parcel.expires_at() => {
                self.outbox.retry_later(parcel, due_at).await?;
                return Ok(());
            }
            Err(Undelivered::Later(reason) | Undelivered::Refused(reason)) => reason,
            Err(Undelivered::Soon) => "others were before it",
        };
        self.outbox.give_up(parcel).await?;
        self.tally.given_up.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            delivery = %parcel.id(),
            attempt = parcel.attempt(),
            reason,
            "not delivered; given up"
        );
        Ok(())
    }

    async fn count(&self) -> Result<(), storage::Error> {
        let count = self.outbox.count(C::Content::KIND).await?;
        let oldest = count.oldest.map_or(0, Instant::as_millis);
        self.tally.waiting.store(count.waiting, Ordering::Relaxed);
        self.tally.failed.store(count.failed, Ordering::Relaxed);
        self.tally.oldest.store(oldest, Ordering::Relaxed);
        Ok(())
    }
}

impl<C> fmt::Debug for Delivery<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

/// The pause after an attempt: the first one after the first, then twice as long each time.
fn doubled(first: Duration, longest: Duration, attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    2_u32
        .checked_pow(doublings)
        .map_or(longest, |factor| first.saturating_mul(factor))
        .min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds = |attempt| doubled(FIRST_PAUSE, LONGEST_PAUSE, attempt).as_secs();
        let pauses: Vec<u64> = (1..=8).map(seconds).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(seconds(i64::MAX), 60);
        let turn = |attempt| doubled(FIRST_TURN, LONGEST_TURN, attempt).as_millis();
        assert_eq!((turn(1), turn(2), turn(9)), (100, 200, 2000));
    }
}
