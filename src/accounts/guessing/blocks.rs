//! How often passwords may be guessed from one address block, at whatever names.
//!
//! An address block that fails too often waits between guesses. Whoever has not failed in it does not
//! wait for its others: each of its addresses keeps a few tries an hour of its own, one at a time.

use std::time::Duration;

use super::turns::{Taken, Turn, Turns};
use crate::domain::backoff::Backoff;
use crate::domain::instant::Instant;
use crate::storage::shared::SharedFailures;

/// The counters of where a guess comes from, by the hour.
pub(super) struct Keys {
    pub(super) block: String,
    pub(super) address: String,
}

/// Somebody who may guess; the next in turn waits until this is dropped.
pub(super) struct Entrance {
    keys: Keys,
    _turn: Option<Turn>,
}

/// Which address blocks failed, and which addresses in them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Blocks {
    blocks: Tier,
    addresses: Tier,
}

/// Failures of one kind, and whose turn it is where they made somebody wait.
#[derive(Clone)]
struct Tier {
    backoff: Backoff,
    failures: SharedFailures,
    turns: Turns,
}

impl Blocks {
    /// Blocks are counted by all nodes together; addresses, which only tell neighbors apart, by each.
    pub(super) fn new(of_block: Backoff, of_address: Backoff, blocks: SharedFailures) -> Self {
        Self {
            blocks: Tier::new(of_block, blocks),
            addresses: Tier::new(of_address, SharedFailures::in_memory()),
        }
    }

    /// Whether a guess may be made now, or how long to wait.
    pub(super) async fn enter(&self, keys: Keys, now: Instant) -> Result<Entrance, Duration> {
        let turn = match self.blocks.enter(&keys.block, now).await {
            Ok(turn) => turn,
            Err(wait) => {
                self.addresses.turns.waits(&keys.address);
                let alone = self.addresses.enter(&keys.address, now).await;
                alone.map_err(|_its_own| wait)?
            }
        };
        Ok(Entrance { keys, _turn: turn })
    }

    /// The guess was wrong. The turn ends after that.
    pub(super) async fn count(&self, entrance: &Entrance, now: Instant) {
        self.addresses.count(&entrance.keys.address, now).await;
        self.blocks.count(&entrance.keys.block, now).await;
    }
}

impl Tier {
    fn new(backoff: Backoff, failures: SharedFailures) -> Self {
        Self {
            backoff,
            failures,
            turns: Turns::default(),
        }
    }

    async fn enter(&self, key: &str, now: Instant) -> Result<Option<Turn>, Duration> {
        // Before the delay is looked at, so that whoever had the turn has been counted.
        let turn = self.turns.take(key).map_err(|Taken| self.backoff.first)?;
        match self.failures.wait(key, now).await {
            None => Ok(turn),
            Some(wait) => {
                self.turns.waits(key);
                Err(wait)
            }
        }
    }

    async fn count(&self, key: &str, now: Instant) {
        self.failures.add(key, &self.backoff, now).await;
        if self.failures.wait(key, now).await.is_some() {
            self.turns.waits(key);
        }
    }
}
