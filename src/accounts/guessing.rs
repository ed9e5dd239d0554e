//! How often passwords may be guessed: at a name from one address block, from a known device, at a
//! name from anywhere, and from one address block at whatever names.
//!
//! A guess is counted before it is hashed and given back when it is right, so that none passes by
//! coming at the same time as others. Names are counted as they were typed, whether or not anybody
//! has them; a stranger's failures elsewhere refuse nobody.

mod blocks;
mod crowd;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Accounts;
use super::known_device::KnownDevice;
use crate::domain::backoff::Backoff;
use crate::domain::client_address::ClientAddress;
use crate::domain::instant::Instant;
use crate::domain::username::Username;
use crate::ledger::Entry;
use crate::storage::shared::SharedFailures;
use crate::storage::{Error, login_failures};
use blocks::{Blocks, Entrance, Keys};
use crowd::{Crowds, Place};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Failures at a name within a day, from unknown devices anywhere, after which each block has fewer
/// tries; and after which it has one. No resident fails so often.
const NOTICED: u32 = 20;
const BESIEGED: u32 = 100;

/// How often passwords may be guessed.
#[derive(Debug, Clone, Copy)]
pub struct GuessLimits {
    /// Tries at a name, from one address block or one known device, before there is a delay.
    pub tries: u32,
    /// The longest delay, unless many fail at the name.
    pub longest_delay: Duration,
    /// Failures from one address block in an hour before there is a delay.
    pub per_block: u32,
}

impl GuessLimits {
    /// What an address block has for all names. By the hour, so that the failures of many honest people
    /// who share it do not add up for ever; and with delays that do not keep them long.
    const fn of_block(&self) -> Backoff {
        Backoff {
            name: "wrong passwords from a network in an hour",
            free: self.per_block.saturating_sub(1),
            first: SECOND,
            longest: MINUTE,
            forgotten_after: HOUR,
        }
    }

    /// What an address has for itself where its block has to wait: a few tries, then none this hour.
    const fn of_address(&self) -> Backoff {
        Backoff {
            name: "wrong passwords from an address in an hour",
            free: self.tries.saturating_sub(1),
            first: HOUR,
            longest: HOUR,
            forgotten_after: HOUR,
        }
    }
}

/// What a guess was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Name,
    Device,
    Block,
}

/// What guesses are held against. Cheap to clone.
#[derive(Clone)]
pub(super) struct Guessing {
    limits: GuessLimits,
    blocks: Blocks,
    crowds: Crowds,
    refused: Arc<[AtomicU64; 3]>,
}

/// A guess: at which name, from where.
#[derive(Clone, Copy)]
pub(super) struct Guess<'a> {
    /// As typed.
    pub(super) typed: &'a str,
    /// As read.
    pub(super) username: &'a Username,
    /// Where from.
    pub(super) address: ClientAddress,
    /// The device, if the account with this name was logged in from it before.
    pub(super) device: Option<&'a KnownDevice>,
}

/// Too many passwords were wrong: nothing was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Throttled {
    /// When the next is.
    pub(super) wait: Duration,
}

/// A guess that counts as wrong until it is found to be right.
pub(super) struct Reservation {
    rows: Rows,
    backoff: Backoff,
    at: Instant,
    /// Unless the device is known.
    entrance: Option<Entrance>,
    _place: Place,
}

/// The rows of a guess.
#[derive(Clone)]
pub(super) struct Rows {
    /// Where it is counted already.
    key: String,
    /// Where it is counted when it is found to be wrong: the name's, unless the device is known.
    name: Option<String>,
    now: Instant,
}

impl Rows {
    /// The password was right.
    pub(super) async fn forget(&self, entry: &mut Entry<'_>) -> Result<(), Error> {
        login_failures::delete(entry.tx(), &self.key).await
    }

    /// The password was wrong, or of no use.
    pub(super) async fn note_failure(&self, entry: &mut Entry<'_>) -> Result<(), Error> {
        let Some(name) = &self.name else {
            return Ok(());
        };
        login_failures::add(entry.tx(), name, (self.now, self.now.plus(DAY))).await
    }
}

impl Reservation {
    pub(super) const fn rows(&self) -> &Rows {
        &self.rows
    }
}

impl Guessing {
    pub(super) fn new(limits: GuessLimits, failures: SharedFailures) -> Self {
        let blocks = Blocks::new(limits.of_block(), limits.of_address(), failures);
        Self {
            limits,
            blocks,
            crowds: Crowds::default(),
            refused: Arc::default(),
        }
    }

    /// What a known device has.
    fn of_device(&self) -> Backoff {
        Backoff {
            name: "wrong passwords from a device",
            free: self.limits.tries.saturating_sub(1),
            first: SECOND,
            longest: self.limits.longest_delay,
            forgotten_after: DAY,
        }
    }

    /// What an address block has at a name at which so many have failed within a day.
    fn of_name_from_block(&self, failures: u32) -> Backoff {
        let calm = Backoff {
            name: "wrong passwords for a name from a network",
            ..self.of_device()
        };
        let longest = self.limits.longest_delay;
        match failures {
            0..NOTICED => calm,
            NOTICED..BESIEGED => Backoff {
                free: calm.free.min(1),
                first: 10 * SECOND,
                longest: longest.max(HOUR),
                ..calm
            },
            BESIEGED.. => Backoff {
                free: 0,
                first: MINUTE,
                // Shorter than it takes to be forgotten.
                longest: longest.max(12 * HOUR),
                ..calm
            },
        }
    }

    fn refuse(&self, why: Refusal, wait: Duration) -> Throttled {
        let [name, device, block] = &*self.refused;
        let counter = match why {
            Refusal::Name => name,
            Refusal::Device => device,
            Refusal::Block => block,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Throttled { wait }
    }
}

impl Accounts {
    /// How many guesses were refused unseen, by what had failed too often.
    pub fn refused_guesses(&self) -> Vec<(&'static str, u64)> {
        let [name, device, block] = &*self.guessing.refused;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        vec![
            ("name", read(name)),
            ("device", read(device)),
            ("network", read(block)),
        ]
    }

    /// Counts a guess as wrong before anything is hashed for it, if it may be made now.
    pub(super) async fn reserve_guess(
        &self,
        guess: Guess<'_>,
    ) -> Result<Result<Reservation, Throttled>, Error> {
        let guessing = &self.guessing;
        let index = |kind, text: &str| self.ring().index().of(kind, text);
        let name_text = name_text(guess.username, guess.typed);
        let name = index("wrong passwords for a name", &name_text);
        let (why, key) = if let Some(device) = guess.device {
            let kind = guessing.of_device().name;
            (Refusal::Device, index(kind, &device.index_text()))
        } else {
            let kind = guessing.of_name_from_block(0).name;
            let text = format!("{} {name_text}", guess.address.block_text());
            (Refusal::Name, index(kind, &text))
        };
        let Some(place) = guessing.crowds.join(&key, guessing.limits.tries).await else {
            return Ok(Err(guessing.refuse(why, SECOND)));
        };
        let now = self.now();
        let entrance = if guess.device.is_some() {
            None
        } else {
            let keys = self.block_keys(guess.address, now);
            match guessing.blocks.enter(keys, now).await {
                Ok(entrance) => Some(entrance),
                Err(wait) => return Ok(Err(guessing.refuse(Refusal::Block, wait))),
            }
        };
        let mut reader = self.ledger.reader().await?;
        let [at_name, here] = login_failures::find_both(&mut reader, [&name, &key], now).await?;
        drop(reader);
        let backoff = match guess.device {
            Some(_) => guessing.of_device(),
            None => guessing.of_name_from_block(at_name.map_or(0, |failures| failures.count)),
        };
        // Whoever comes too early is not worth a write. Whoever comes in time is counted by one
        // that asks again.
        if let Some(wait) = here.and_then(|here| backoff.wait(here.count, here.last, now)) {
            return Ok(Err(guessing.refuse(why, wait)));
        }
        if !self.count_guess(&key, backoff, now).await? {
            return Ok(Err(guessing.refuse(why, backoff.first)));
        }
        Ok(Ok(Reservation {
            rows: Rows {
                key,
                name: guess.device.is_none().then_some(name),
                now,
            },
            backoff,
            at: now,
            entrance,
            _place: place,
        }))
    }

    fn block_keys(&self, address: ClientAddress, now: Instant) -> Keys {
        let limits = &self.guessing.limits;
        let hour = now.as_seconds().div_euclid(3600);
        let key = |tier: Backoff, place: String| {
            let text = format!("{place} {hour}");
            self.ring().index().of(tier.name, &text)
        };
        Keys {
            block: key(limits.of_block(), address.block_text()),
            address: key(limits.of_address(), address.address_text()),
        }
    }

    async fn count_guess(&self, key: &str, backoff: Backoff, now: Instant) -> Result<bool, Error> {
        let input = (key.to_owned(), backoff, now);
        let storage = self.ledger.storage();
        storage
            .write(input, |tx, (key, backoff, now)| {
                Box::pin(login_failures::reserve(tx, key, backoff, *now))
            })
            .await
    }

    /// The guess was not made: this server had too much to do.
    pub(super) async fn give_guess_back(&self, reservation: Reservation) -> Result<(), Error> {
        let Reservation {
            rows, backoff, at, ..
        } = &reservation;
        let input = (rows.key.clone(), *backoff, *at);
        let storage = self.ledger.storage();
        storage
            .write(input, |tx, (key, backoff, at)| {
                Box::pin(login_failures::give_back(tx, key, backoff, *at))
            })
            .await
    }

    /// The guess was wrong: counts against its block. The turn ends after that.
    pub(super) async fn count_against_block(&self, reservation: Reservation) {
        if let Some(entrance) = &reservation.entrance {
            let blocks = &self.guessing.blocks;
            blocks.count(entrance, self.now()).await;
        }
    }
}

/// What stands for a name in its counters' keys: what all its spellings share.
fn name_text(username: &Username, typed: &str) -> String {
    match username {
        Username::Phone(phone) => format!("phone {}", phone.index_text()),
        Username::Documents(readings) => {
            // Without its kind and country: whoever may type them or not has no tries more.
            let first = readings.first().map(|reading| reading.number().as_str());
            format!("document {}", first.unwrap_or_default())
        }
        Username::Unknown => format!("nothing {}", typed.trim()),
    }
}

#[cfg(test)]
mod tests;
