//! What all nodes should know and may forget: how often somewhere failed, and how long it waits.
//!
//! Nothing here decides whether a secret is accepted: that is counted in SQL, in the transaction of
//! what it buys. Without an answer from the others a node goes by what it saw itself.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::backoff::Backoff;
use crate::domain::instant::Instant;
use memory::Memory;

/// Failures counted by key. Cheap to clone. Keys are blind indexes: nothing personal.
#[derive(Debug, Clone)]
pub struct SharedFailures(Arc<Memory>);

impl SharedFailures {
    /// Counted by this process alone.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Arc::default())
    }

    /// How long a key has to wait still.
    pub async fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        self.0.wait(key, now)
    }

    /// Counts one more failure, whose delay begins now.
    pub async fn add(&self, key: &str, backoff: &Backoff, now: Instant) {
        self.0.add(key, backoff, now);
    }
}
