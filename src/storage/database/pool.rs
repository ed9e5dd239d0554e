//! A bounded pool of connections: the last one given back is the next one taken, so that few stay
//! warm. Knows no engine.
//!
//! Unlike sqlx's own pool it sends nothing when a connection is given back; that ping would double
//! the round trips of a point read. A connection comes back only when it is known to be sound.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::error::Error;

/// A connection unused for longer may have been cut by something in between.
const IDLE: Duration = Duration::from_mins(1);

/// How long a statement may take, and so how long a closing pool waits for what is lent.
const LONGEST: Duration = Duration::from_secs(10);

/// How busy a pool of connections is, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolLoad {
    /// How many connections there may be.
    pub size: usize,
    /// How many are in use.
    pub lent: usize,
    /// How many wait for one now.
    pub waiting: usize,
    /// How often somebody had to wait.
    pub waits: u64,
    /// How many of those waited in vain.
    pub refused: u64,
    /// How long all of them waited.
    pub waited: Duration,
}

pub(super) struct Pool<C> {
    idle: Mutex<Idle<C>>,
    permits: Semaphore,
    size: usize,
    wait: Duration,
    waits: Waits,
}

/// What those came to for whom no connection was free at once.
#[derive(Default)]
struct Waits {
    now: AtomicUsize,
    all: AtomicU64,
    refused: AtomicU64,
    micros: AtomicU64,
}

impl Waits {
    async fn count<T, E>(&self, waited: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let since = Instant::now();
        self.all.fetch_add(1, Ordering::Relaxed);
        self.now.fetch_add(1, Ordering::Relaxed);
        // Also when whoever waited hung up.
        let _waits = Leaving(&self.now);
        let waited = waited.await;
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let refused = u64::from(waited.is_err());
        self.refused.fetch_add(refused, Ordering::Relaxed);
        waited
    }
}

struct Leaving<'a>(&'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Idle<C> {
    connections: Vec<(C, Instant)>,
    closed: bool,
}

impl<C> Pool<C> {
    pub(super) fn new(size: usize, wait: Duration) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::new(Idle {
                connections: Vec::with_capacity(size),
                closed: false,
            }),
            permits: Semaphore::new(size),
            size,
            wait,
            waits: Waits::default(),
        })
    }

    /// How busy it is.
    pub(super) fn load(&self) -> PoolLoad {
        PoolLoad {
            size: self.size,
            lent: self.size.saturating_sub(self.permits.available_permits()),
            waiting: self.waits.now.load(Ordering::Relaxed),
            waits: self.waits.all.load(Ordering::Relaxed),
            refused: self.waits.refused.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.waits.micros.load(Ordering::Relaxed)),
        }
    }

    /// A connection, a fresh one by `connect` if none is idle. Waits for either at most as long as
    /// the pool allows.
    pub(super) async fn take(
        self: &Arc<Self>,
        connect: impl AsyncFnOnce() -> Result<C, Error>,
    ) -> Result<Lease<C>, Error> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self
                .waits
                .count(tokio::time::timeout(self.wait, self.permits.acquire()))
                .await
                .map_err(|_| unavailable("every connection is in use"))?
                .map_err(|_| unavailable("closed"))?,
        };
        permit.forget();
        // From here on the lease gives the permit back.
        let mut lease = Lease {
            connection: None,
            idle: Duration::ZERO,
            pool: Some(Arc::clone(self)),
        };
        if let Some((connection, since)) = self.pop()? {
            lease.connection = Some(connection);
            lease.idle = since.elapsed();
        }
        if lease.connection.is_none() {
            let connected = tokio::time::timeout(self.wait, connect()).await;
            lease.connection = Some(connected.map_err(|_| unavailable("no connection in time"))??);
        }
        Ok(lease)
    }

    fn pop(&self) -> Result<Option<(C, Instant)>, Error> {
        let mut idle = self.lock();
        if idle.closed {
            return Err(unavailable("closed"));
        }
        match idle.connections.pop() {
            Some((connection, since)) if since.elapsed() < IDLE => Ok(Some((connection, since))),
            // The rest have been idle for longer still.
            Some(_) => {
                idle.connections.clear();
                Ok(None)
            }
            None => Ok(None),
        }
    }

    pub(super) fn put(&self, connection: C) {
        let mut idle = self.lock();
        if !idle.closed && idle.connections.len() < self.size {
            idle.connections.push((connection, Instant::now()));
        }
    }

    /// Drops idle connections: one has just been found dead, so the others are suspect.
    pub(super) fn clear(&self) {
        self.lock().connections.clear();
    }

    /// Lends nothing any more, and waits until what is lent has come back.
    pub(super) async fn close(&self) {
        self.lock().closed = true;
        self.clear();
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        // Whoever keeps one for longer than a statement may take will see it closed under them.
        let _ = tokio::time::timeout(LONGEST, self.permits.acquire_many(all)).await;
        self.permits.close();
    }

    fn lock(&self) -> MutexGuard<'_, Idle<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(why: &str) -> Error {
    Error::Unavailable(why.to_owned())
}

/// A connection on loan, or one of its own that no pool takes back.
pub(super) struct Lease<C> {
    /// Absent while a statement runs on it, and after it was found dead.
    pub(super) connection: Option<C>,
    /// How long it had not been used.
    pub(super) idle: Duration,
    pub(super) pool: Option<Arc<Pool<C>>>,
}

impl<C> Lease<C> {
    pub(super) fn own(connection: C) -> Self {
        Self {
            connection: Some(connection),
            idle: Duration::ZERO,
            pool: None,
        }
    }
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            if let Some(connection) = self.connection.take() {
                pool.put(connection);
            }
            pool.permits.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn who_has_to_wait_is_counted() {
        let pool = Pool::new(1, PATIENCE);
        let lease = pool.take(async || Ok(7)).await.ok().unwrap();
        let busy = pool.load();
        assert_eq!((busy.size, busy.lent, busy.waits), (1, 1, 0));
        assert!(pool.take(async || Ok(8)).await.is_err());
        let (second, load) = {
            let waiting = pool.take(async || Ok(9));
            let returned = async {
                tokio::task::yield_now().await;
                let load = pool.load();
                drop(lease);
                load
            };
            tokio::join!(waiting, returned)
        };
        assert_eq!(load.waiting, 1);
        assert_eq!(second.ok().and_then(|second| second.connection), Some(7));
        let after = pool.load();
        assert_eq!((after.lent, after.waiting), (0, 0));
        assert_eq!((after.waits, after.refused), (2, 1));
        assert!(after.waited >= PATIENCE);
    }
}
