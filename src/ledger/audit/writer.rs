//! What a process knows of its own events: which numbers it drew, which are committed and wait
//! for a seal, which have an unknown outcome.
//!
//! Every number drawn is settled exactly once: committed, rolled back, or looked up. Locks are
//! held for a few instructions; this stands in the way of every redemption.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Event;
use super::batch::event_leaf;
use super::spans::Spans;
use super::tree::{Hash, Tree};
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::audit::EventRow;

/// A write whose outcome nobody told is looked up this long; a transaction that the database has
/// not committed by then it never will.
const LOOK_UP_FOR: Duration = Duration::from_mins(10);
const NEXT_LOOK_UP: Duration = Duration::from_secs(1);

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding one of these locks, and their data is whole between statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One process's stay in the log.
#[derive(Debug)]
pub(crate) struct Writer {
    id: WriterId,
    registered: AtomicBool,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    last_drawn: i64,
    /// Drawn, and neither committed nor known to be rolled back.
    open: BTreeSet<i64>,
    /// Committed and not sealed.
    committed: Vec<(i64, Hash)>,
    /// Those of `open` whose write ended without an answer.
    unknown: Vec<Unknown>,
}

/// An event that may be in the database or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unknown {
    pub(crate) seq: i64,
    leaf: Hash,
    /// When it was first looked for, and when to look again.
    looks: Option<(Instant, Instant)>,
}

/// Events that wait for a seal, ready to be named and rooted.
#[derive(Debug)]
pub(crate) struct Pending {
    events: Vec<(i64, Hash)>,
    /// See [`crate::storage::audit::BatchRow::settled`].
    pub(crate) settled: i64,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn spans(&self) -> Spans {
        Spans::of_ascending(self.events.iter().map(|(seq, _)| *seq))
    }

    pub(crate) fn root(&self) -> Hash {
        let mut tree = Tree::default();
        for (_, leaf) in &self.events {
            tree.push(*leaf);
        }
        tree.root()
    }
}

impl Writer {
    pub(crate) fn new(id: WriterId) -> Self {
        Self {
            id,
            registered: AtomicBool::new(false),
            book: Mutex::default(),
        }
    }

    pub(crate) const fn id(&self) -> WriterId {
        self.id
    }

    /// Whether the writer's row is known to be in the database.
    pub(crate) fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Acquire)
    }

    pub(crate) fn set_registered(&self) {
        self.registered.store(true, Ordering::Release);
    }

    /// Whether anything was ever drawn: a process that recorded nothing leaves no rows.
    pub(crate) fn is_used(&self) -> bool {
        lock(&self.book).last_drawn > 0
    }

    /// How many committed events wait for a seal.
    pub(crate) fn unsealed(&self) -> usize {
        lock(&self.book).committed.len()
    }

    fn draw(&self) -> i64 {
        let mut book = lock(&self.book);
        book.last_drawn += 1;
        let seq = book.last_drawn;
        book.open.insert(seq);
        seq
    }

    /// Takes up to `limit` committed events in ascending order; `settled` is what will hold when
    /// they are sealed.
    pub(crate) fn take_pending(&self, limit: usize) -> Pending {
        let mut book = lock(&self.book);
        book.committed.sort_unstable_by_key(|(seq, _)| *seq);
        let taken = limit.min(book.committed.len());
        let rest = book.committed.split_off(taken);
        let events = std::mem::replace(&mut book.committed, rest);
        let first_open = book.open.first().copied();
        let first_left = book.committed.first().map(|(seq, _)| *seq);
        let settled = [first_open, first_left]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(book.last_drawn + 1);
        Pending { events, settled }
    }

    /// Puts events back that could not be sealed.
    pub(crate) fn put_back(&self, pending: Pending) {
        lock(&self.book).committed.extend(pending.events);
    }

    /// Up to `limit` events to look up at `now`.
    pub(crate) fn to_look_up(&self, now: Instant, limit: usize) -> Vec<Unknown> {
        let book = lock(&self.book);
        let due = book
            .unknown
            .iter()
            .filter(|one| one.looks.is_none_or(|(_, next)| next <= now));
        due.take(limit).copied().collect()
    }

    /// Notes what a look-up found.
    pub(crate) fn looked_up(&self, looked: &Unknown, found: bool, now: Instant) {
        let mut book = lock(&self.book);
        let first = looked.looks.map_or(now, |(first, _)| first);
        if found || now.since(first) > LOOK_UP_FOR {
            book.unknown.retain(|one| one.seq != looked.seq);
            book.open.remove(&looked.seq);
            if found {
                book.committed.push((looked.seq, looked.leaf));
            }
            return;
        }
        // Doubling: one second after the first look, two, four.
        let next = now.plus(now.since(first).max(NEXT_LOOK_UP));
        for one in &mut book.unknown {
            if one.seq == looked.seq {
                one.looks = Some((first, next));
            }
        }
    }
}

/// The numbers that one write drew, over all its attempts.
#[derive(Debug)]
pub(crate) struct Ticket {
    writer: Arc<Writer>,
    drawn: Mutex<Drawn>,
}

#[derive(Debug, Default)]
struct Drawn {
    events: Vec<(i64, Hash)>,
    /// The work of the last attempt succeeded, so it may be committed.
    complete: bool,
}

impl Ticket {
    pub(crate) fn new(writer: Arc<Writer>) -> Self {
        Self {
            writer,
            drawn: Mutex::default(),
        }
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// An attempt begins: what an earlier one drew was rolled back.
    pub(crate) fn begin(&self) {
        let mut drawn = lock(&self.drawn);
        self.roll_back(&mut drawn);
        drawn.complete = false;
    }

    /// Draws a number for an event; its row is what gets sealed.
    pub(crate) fn draw(&self, event: &Event) -> EventRow {
        let row = event.row(self.writer.id, self.writer.draw());
        lock(&self.drawn).events.push((row.seq, event_leaf(&row)));
        row
    }

    /// The attempt's work is done; the commit follows.
    pub(crate) fn complete(&self) {
        lock(&self.drawn).complete = true;
    }

    /// The commit was acknowledged.
    pub(crate) fn committed(&self) {
        let events = std::mem::take(&mut lock(&self.drawn).events);
        if events.is_empty() {
            return;
        }
        self.writer.set_registered();
        let mut book = lock(&self.writer.book);
        for (seq, _) in &events {
            book.open.remove(seq);
        }
        book.committed.extend(events);
    }

    fn roll_back(&self, drawn: &mut Drawn) {
        if drawn.events.is_empty() {
            return;
        }
        let mut book = lock(&self.writer.book);
        for (seq, _) in drawn.events.drain(..) {
            book.open.remove(&seq);
        }
    }
}

/// Nobody holds the write any more, neither who asked for it nor who ran it, and no commit was
/// acknowledged: rolled back if its work failed, unknown if only its commit can have.
impl Drop for Ticket {
    fn drop(&mut self) {
        let drawn = std::mem::take(self.drawn.get_mut().unwrap_or_else(PoisonError::into_inner));
        if drawn.events.is_empty() {
            return;
        }
        let mut book = lock(&self.writer.book);
        for (seq, leaf) in drawn.events {
            if drawn.complete {
                book.unknown.push(Unknown {
                    seq,
                    leaf,
                    looks: None,
                });
            } else {
                book.open.remove(&seq);
            }
        }
    }
}

#[cfg(test)]
mod tests;
