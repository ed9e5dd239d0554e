//! The change feed: what every process must learn within a second.
//!
//! A change is a row in the transaction of what it announces, numbered so that number order is
//! commit order within a lane (see [`crate::storage::changes`]). Every process polls; one that
//! could not for a second trusts no cache ([`Feed::is_fresh`]).

mod change;
mod poller;
pub mod revocations;

pub use change::Change;
pub use poller::Poller;
pub use revocations::{CLOCK_SKEW, Revocations, TokenGrounds};

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::domain::clock::Clock;
use crate::domain::instant::Instant;
use crate::storage::changes::{self, ChangeRow, LANES};
use crate::storage::{Error, Reader, Storage, Transaction};

/// How long a successful poll is good for.
const FRESH_FOR: Duration = Duration::from_secs(1);
const PAGE: i64 = 500;

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// One thing changed.
    Changed(Change),
    /// Changes were missed: anything may have changed.
    Everything,
}

type Subscriber = Box<dyn Fn(&Notice) + Send + Sync>;

/// A process's end of the feed. Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    started: std::time::Instant,
    /// When the last successful poll began, in milliseconds since `started`, plus one.
    polled: AtomicU64,
    /// The database was put back beneath this process: what it gives out from then on are numbers that
    /// it gave out before, so nothing that was learned of it is ever good again.
    distrusted: AtomicBool,
    revocations: Revocations,
    subscribers: RwLock<Vec<Subscriber>>,
}

/// Where a process stands in the lanes.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    seqs: Vec<i64>,
}

impl Feed {
    /// A feed that knows nothing yet; changes are remembered for `retention`.
    pub(crate) fn new(retention: Duration) -> Self {
        Self(Arc::new(Inner {
            started: std::time::Instant::now(),
            polled: AtomicU64::new(0),
            distrusted: AtomicBool::new(false),
            revocations: Revocations::new(retention),
            subscribers: RwLock::default(),
        }))
    }

    /// Whether the last successful poll is younger than a second. Who is not fresh trusts no cache
    /// and answers nothing from one.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let polled = self.0.polled.load(Ordering::Acquire);
        let now = self.monotonic();
        let is_distrusted = self.0.distrusted.load(Ordering::Acquire);
        !is_distrusted && polled > 0 && now.saturating_sub(polled) < millis(FRESH_FOR)
    }

    /// The database was seen to have been put back: this process answers from no cache any more. The
    /// next one refuses to start, see [`crate::ledger::journal::Journal::check`].
    pub(crate) fn distrust(&self) {
        self.0.distrusted.store(true, Ordering::Release);
    }

    /// How long ago the last successful poll began; since the start, if there was none.
    #[must_use]
    pub fn age(&self) -> Duration {
        let polled = self.0.polled.load(Ordering::Acquire);
        Duration::from_millis(self.monotonic().saturating_sub(polled))
    }

    /// The same as the answer of whoever has to refuse.
    pub fn require_fresh(&self) -> Result<(), Error> {
        if self.is_fresh() {
            Ok(())
        } else {
            Err(Error::Unavailable("the change feed is stale".to_owned()))
        }
    }

    /// What the changes of the last minutes revoked.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Calls `subscriber` for every change from now on, before the poll that brought it counts as
    /// successful. It must be quick and must not block.
    pub fn subscribe(&self, subscriber: impl Fn(&Notice) + Send + Sync + 'static) {
        self.0
            .subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(subscriber));
    }

    fn monotonic(&self) -> u64 {
        millis(self.0.started.elapsed()).saturating_add(1)
    }

    fn notify(&self, notice: &Notice) {
        let subscribers = self.0.subscribers.read();
        for subscriber in subscribers.unwrap_or_else(PoisonError::into_inner).iter() {
            subscriber(notice);
        }
    }

    fn apply(&self, row: &ChangeRow) {
        // A newer release may announce what this one does not know: then all caches go.
        let notice = match Change::parse(&row.kind, &row.subject) {
            Some(change) => {
                self.0.revocations.apply(&change, row.at);
                Notice::Changed(change)
            }
            None => Notice::Everything,
        };
        self.notify(&notice);
    }

    /// Applies changes that this process just committed, without waiting for a poll. The next one
    /// applies them again, in order with those of others, which does no harm.
    pub(crate) fn apply_own(&self, rows: &[ChangeRow]) {
        for row in rows {
            self.apply(row);
        }
    }

    /// Learns the retained changes, then follows until the poller is dropped.
    pub(crate) async fn follow(
        &self,
        storage: &Storage,
        clock: &Arc<dyn Clock>,
    ) -> Result<Poller, FollowError> {
        let mut cursor = Cursor::default();
        let mut reader = storage.reader().await?;
        self.poll(&mut reader, &mut cursor, clock.now()).await?;
        drop(reader);
        let (feed, storage, clock) = (self.clone(), storage.clone(), Arc::clone(clock));
        Ok(Poller::start(feed, storage, clock, cursor)?)
    }

    /// Brings this process up to date, once.
    pub(crate) async fn poll(
        &self,
        reader: &mut Reader,
        cursor: &mut Cursor,
        now: Instant,
    ) -> Result<(), Error> {
        let began = self.monotonic();
        let is_first = cursor.seqs.is_empty();
        let lanes = changes::lanes(reader).await?;
        if is_first {
            cursor.seqs = lanes.iter().map(|_| 0).collect();
        }
        // A standby that lost the last commits: what it gives these numbers to next would be missed.
        if lanes
            .iter()
            .zip(&cursor.seqs)
            .any(|(lane, seen)| lane.seq < *seen)
        {
            self.distrust();
        }
        if self.0.distrusted.load(Ordering::Acquire) {
            let why = "the database is older than what was read of it: it was put back from a copy; \
                       stop all servers, then `tongxing restore --replay`";
            return Err(Error::Unavailable(why.to_owned()));
        }
        for (lane, seen) in lanes.iter().zip(&mut cursor.seqs) {
            while *seen < lane.seq {
                let rows = changes::since(reader, lane.lane, *seen, PAGE).await?;
                let follows = rows.first().is_some_and(|row| row.seq == *seen + 1);
                if !follows && !is_first {
                    // Swept before this process came to read them.
                    self.notify(&Notice::Everything);
                }
                for row in &rows {
                    *seen = row.seq;
                    self.apply(row);
                }
                if rows.is_empty() {
                    *seen = lane.seq;
                }
            }
        }
        self.0.revocations.forget_old(now);
        self.0.polled.store(began, Ordering::Release);
        Ok(())
    }
}

/// Why the feed cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The retained changes could not be read.
    #[error(transparent)]
    Storage(#[from] Error),
    /// The machine gives no thread.
    #[error("no thread for the change feed: {0}")]
    Thread(#[from] std::io::Error),
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("is_fresh", &self.is_fresh())
            .finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Writes changes, the last thing in their transaction; lanes in ascending order, so that two
/// transactions never wait for each other.
pub(crate) async fn announce(
    tx: &mut Transaction,
    announced: &[Change],
    at: Instant,
) -> Result<Vec<ChangeRow>, Error> {
    let mut rows = Vec::with_capacity(announced.len());
    for lane in 0..LANES {
        let own: Vec<&Change> = announced.iter().filter(|one| one.lane() == lane).collect();
        let count = i64::try_from(own.len()).unwrap_or(i64::MAX);
        if count == 0 {
            continue;
        }
        let last = changes::take_numbers(tx, lane, count).await?;
        for (change, seq) in own.into_iter().zip(last - count + 1..) {
            let row = ChangeRow {
                lane,
                seq,
                at,
                kind: change.kind().to_owned(),
                subject: change.subject(),
            };
            changes::insert(tx, &row).await?;
            rows.push(row);
        }
    }
    Ok(rows)
}
