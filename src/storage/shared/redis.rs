//! Failures counted in Redis, as long as it answers at once.
//!
//! Who gets no answer in time does not ask again, and nobody else does, for a second; then one task
//! asks whether it is back. A key is one hash with an end of its life, changed by one script, so
//! that nodes do not count past each other; it stands in braces, so that a cluster keeps what
//! belongs to it together.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use redis::{Cmd, FromRedisValue, cmd};

use super::connection::{Connection, Silence};
use super::url::RedisUrl;
use crate::domain::backoff::Backoff;
use crate::domain::instant::Instant;

/// How long it is left alone after a failure, and how often it is asked whether it is there.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts one failure: what [`super::memory`] does. All times are the caller's, but for the end of
/// the key's life, which Redis keeps.
const ADD: &str = r"
local now, free, first, longest, forgotten_after = unpack(ARGV)
local before = redis.call('HMGET', KEYS[1], 'count', 'forgotten_at')
local count = 1
if before[1] and tonumber(before[2]) > tonumber(now) then count = tonumber(before[1]) + 1 end
local delay = 0
if count > tonumber(free) then
  delay = math.min(tonumber(longest), tonumber(first) * 2 ^ math.min(count - free - 1, 32))
end
redis.call('HSET', KEYS[1], 'count', string.format('%.0f', count),
  'waits_until', string.format('%.0f', now + delay),
  'forgotten_at', string.format('%.0f', now + forgotten_after))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(forgotten_after, delay, 1)))
";

/// How Redis does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisState {
    /// Whether it is asked.
    pub is_up: bool,
    /// How often it was given up.
    pub outages: u64,
}

#[derive(Debug)]
pub(super) struct Redis {
    url: RedisUrl,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    failed_at: Option<Moment>,
    outages: u64,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("is_up", &self.connection.is_some())
            .field("outages", &self.outages)
            .finish_non_exhaustive()
    }
}

impl Redis {
    pub(super) fn new(url: RedisUrl) -> Self {
        Self {
            url,
            state: Mutex::default(),
        }
    }

    pub(super) async fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        let mut command = cmd("HGET");
        command.arg(name(key)).arg("waits_until");
        let until: Option<i64> = self.ask(&command).await?;
        let until = Instant::from_millis(until?);
        (until > now).then(|| until.since(now))
    }

    pub(super) async fn add(&self, key: &str, backoff: &Backoff, now: Instant) {
        // Whoever gets no answer has counted in memory.
        let _: Option<()> = self.ask(&added(key, backoff, now)).await;
    }

    pub(super) fn state(&self) -> RedisState {
        let state = self.lock();
        RedisState {
            is_up: state.connection.is_some(),
            outages: state.outages,
        }
    }

    pub(super) async fn keep_connected(&self) {
        loop {
            if let Some(rest) = self.left_alone() {
                tokio::time::sleep(rest).await;
                continue;
            }
            match self.current() {
                Some((connection, outage)) => {
                    if let Err(silence) = probe(&connection).await {
                        self.give_up(outage, &silence);
                    }
                }
                None => self.connect().await,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn connect(&self) {
        let connected = async {
            let connection = Connection::open(&self.url).await?;
            probe(&connection).await?;
            Ok::<_, Silence>(connection)
        };
        match connected.await {
            Ok(connection) => {
                let mut state = self.lock();
                state.connection = Some(connection);
                state.failed_at = None;
                tracing::info!(redis = %self.url, "connected: failures are counted together");
            }
            Err(silence) => {
                let is_first = self.lock().failed_at.is_none();
                if is_first {
                    self.give_up(0, &silence);
                }
                self.lock().failed_at = Some(Moment::now());
            }
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let (connection, outage) = self.current()?;
        match connection.ask(command).await {
            Ok(answer) => Some(answer),
            Err(silence) => {
                self.give_up(outage, &silence);
                None
            }
        }
    }

    /// The connection, and how many were lost before it.
    fn current(&self) -> Option<(Connection, u64)> {
        let state = self.lock();
        Some((state.connection.clone()?, state.outages))
    }

    /// Many may find the same connection silent: the first says so.
    fn give_up(&self, outage: u64, silence: &Silence) {
        let mut state = self.lock();
        if state.outages != outage {
            return;
        }
        state.connection = None;
        state.failed_at = Some(Moment::now());
        state.outages += 1;
        tracing::warn!(redis = %self.url, %silence, "not reached: each node counts alone");
    }

    /// How much longer it is not asked.
    fn left_alone(&self) -> Option<Duration> {
        let failed_at = self.lock().failed_at?;
        PAUSE
            .checked_sub(failed_at.elapsed())
            .filter(|rest| !rest.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it does what is asked of it: it may be full, or a replica, and still say hello.
async fn probe(connection: &Connection) -> Result<(), Silence> {
    // A cluster asks all its nodes.
    connection.ask::<()>(&cmd("PING")).await?;
    let backoff = Backoff {
        name: "probe",
        free: 1,
        first: Duration::ZERO,
        longest: Duration::ZERO,
        forgotten_after: PAUSE,
    };
    connection
        .ask(&added("probe", &backoff, Instant::from_millis(0)))
        .await
}

fn added(key: &str, backoff: &Backoff, now: Instant) -> Cmd {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut command = cmd("EVAL");
    command
        .arg(ADD)
        .arg(1)
        .arg(name(key))
        .arg(now.as_millis())
        .arg(backoff.free)
        .arg(millis(backoff.first))
        .arg(millis(backoff.longest))
        .arg(millis(backoff.forgotten_after));
    command
}

fn name(key: &str) -> String {
    format!("tongxing:failures:{{{key}}}")
}
