//! Failures counted in this process's memory, which they never fill.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::backoff::Backoff;
use crate::domain::instant::Instant;

/// Keys of one generation: about 10 MB.
const MOST_KEYS: usize = 65_536;

/// Counted in two generations. When the younger is full, it becomes the older, and what has not
/// failed since is forgotten: whoever would push a key out by failing elsewhere needs that many
/// address blocks.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    younger: HashMap<String, Failures>,
    older: HashMap<String, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    waits_until: Instant,
    forgotten_at: Instant,
}

impl Memory {
    pub(super) fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = generations.find(key)?;
        (failures.waits_until > now).then(|| failures.waits_until.since(now))
    }

    pub(super) fn add(&self, key: &str, backoff: &Backoff, now: Instant) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = generations.find(key).filter(|one| one.forgotten_at > now);
        let count = before.map_or(0, |one| one.count).saturating_add(1);
        let failures = Failures {
            count,
            waits_until: now.plus(backoff.delay(count)),
            forgotten_at: now.plus(backoff.forgotten_after),
        };
        generations.put(key, failures);
    }
}

impl Generations {
    fn find(&self, key: &str) -> Option<&Failures> {
        self.younger.get(key).or_else(|| self.older.get(key))
    }

    fn put(&mut self, key: &str, failures: Failures) {
        if self.younger.len() >= MOST_KEYS && !self.younger.contains_key(key) {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(key.to_owned(), failures);
    }
}
