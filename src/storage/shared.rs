//! What all nodes should know and may forget: how often somewhere failed, and how long it waits.
//!
//! Nothing here decides whether a secret is accepted: that is counted in SQL, in the transaction of
//! what it buys. Every node counts what it saw itself; Redis, where there is one, adds what the
//! others saw. Without an answer from it a node goes by its own count, and nobody waits.

mod connection;
mod memory;
mod redis;
mod url;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::backoff::Backoff;
use crate::domain::instant::Instant;
use memory::Memory;
use redis::Redis;

pub use redis::RedisState;
pub use url::{ParseRedisUrlError, RedisUrl};

/// Failures counted by key. Cheap to clone. Keys are blind indexes: nothing personal.
#[derive(Debug, Clone)]
pub struct SharedFailures(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Memory,
    redis: Option<Redis>,
}

impl SharedFailures {
    /// Counted by this process alone.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(None)
    }

    /// Counted in Redis, too, as soon as it is reached: see [`SharedFailures::keep_connected`].
    #[must_use]
    pub fn in_redis(url: RedisUrl) -> Self {
        Self::new(Some(Redis::new(url)))
    }

    fn new(redis: Option<Redis>) -> Self {
        let memory = Memory::default();
        Self(Arc::new(Inner { memory, redis }))
    }

    /// How long a key has to wait still.
    pub async fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        let own = self.0.memory.wait(key, now);
        match &self.0.redis {
            Some(redis) => redis.wait(key, now).await.max(own),
            None => own,
        }
    }

    /// Counts one more failure, whose delay begins now.
    pub async fn add(&self, key: &str, backoff: &Backoff, now: Instant) {
        self.0.memory.add(key, backoff, now);
        if let Some(redis) = &self.0.redis {
            redis.add(key, backoff, now).await;
        }
    }

    /// Connects to Redis, and again whenever that was lost. Ends when dropped; at once without one.
    pub async fn keep_connected(&self) {
        if let Some(redis) = &self.0.redis {
            redis.keep_connected().await;
        }
    }

    /// How Redis does, if there is one.
    #[must_use]
    pub fn redis(&self) -> Option<RedisState> {
        self.0.redis.as_ref().map(Redis::state)
    }
}
