//! Whose turn it is: quick requests are worked on a few at a time, and the others wait in line.
//!
//! More at once would be no faster, only later for everyone. A line that forms in a burst is worked
//! off. One that stands, because more arrives than can be done, is kept short: of those that are too
//! many, who has waited too long is refused, so that who gets in is answered soon (as RFC 8289 keeps
//! the queues of routers). Requests that finish a login go before those that begin one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

/// A line in which somebody has always waited for so long stands.
const STANDS_AFTER: Duration = Duration::from_millis(200);
/// A line that had to be shortened counts as standing for so long: those who were refused come again.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);
/// How long one waits in a line that stands, if it is too long.
const SHORT_WAIT: Duration = Duration::from_millis(10);
/// How long one waits at all.
const LONG_WAIT: Duration = Duration::from_millis(500);
/// Of what finishes something so many times as many may wait: refused, it has cost all that was done
/// before.
const PATIENCE_WITH_FIRST: usize = 4;
/// So many go first in a row while others wait: no flood of one kind keeps the other out.
const FIRST_IN_A_ROW: u32 = 3;

/// Which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Of what finishes something.
    First,
    /// Of everything else.
    Second,
}

/// Lets so many in at once.
#[derive(Clone)]
pub(super) struct Turnstile(Arc<Mutex<State>>);

struct State {
    free: usize,
    /// So many may wait in a line that stands.
    enough: usize,
    first: VecDeque<Waiting>,
    second: VecDeque<Waiting>,
    first_in_a_row: u32,
    /// When nobody waited last.
    last_empty: Instant,
    /// When the line was too long last.
    last_shortened: Option<Instant>,
}

struct Waiting {
    since: Instant,
    called: oneshot::Sender<Turn>,
}

/// A place inside, until it is dropped.
pub(super) struct Turn(Turnstile);

impl Turnstile {
    /// Lets `places` in at once; a line of `enough` is no trouble.
    pub(super) fn new(places: usize, enough: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: places,
            enough,
            first: VecDeque::new(),
            second: VecDeque::new(),
            first_in_a_row: 0,
            last_empty: Instant::now(),
            last_shortened: None,
        })))
    }

    /// Waits for a turn; nothing if that takes too long.
    pub(super) async fn enter(&self, line: Line) -> Option<Turn> {
        let arrived = self.lock().arrive(line);
        let Some(called) = arrived else {
            return Some(Turn(self.clone()));
        };
        // Who is refused hears it by the sender's end.
        timeout(LONG_WAIT, called).await.ok()?.ok()
    }

    /// Gives a place to whoever is next.
    fn pass_on(&self) {
        let next = self.lock().next(Instant::now());
        if let Some(next) = next {
            // Who has gone in this very moment sends the turn back: dropped, it is passed on again.
            drop(next.called.send(Turn(self.clone())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place at once, or a place in the line.
    fn arrive(&mut self, line: Line) -> Option<oneshot::Receiver<Turn>> {
        if self.free > 0 {
            self.free -= 1;
            self.last_empty = Instant::now();
            return None;
        }
        let (call, called) = oneshot::channel();
        let waiting = Waiting {
            since: Instant::now(),
            called: call,
        };
        match line {
            Line::First => self.first.push_back(waiting),
            Line::Second => self.second.push_back(waiting),
        }
        Some(called)
    }

    /// Who gets the place that became free; nobody, and it is free, if nobody waits.
    fn next(&mut self, now: Instant) -> Option<Waiting> {
        let since = |then: Instant| now.saturating_duration_since(then);
        let stands = since(self.last_empty) > STANDS_AFTER
            || (self.last_shortened).is_some_and(|then| since(then) < REMEMBERED_FOR);
        let enough = if stands { self.enough } else { usize::MAX };
        // What finishes something is refused only when there is too much of that alone.
        let too_many = [
            self.first
                .len()
                .saturating_sub(enough.saturating_mul(PATIENCE_WITH_FIRST)),
            (self.first.len() + self.second.len())
                .saturating_sub(enough)
                .min(self.second.len()),
        ];
        if too_many != [0, 0] {
            self.last_shortened = Some(now);
        }
        for (line, mut too_many) in [&mut self.first, &mut self.second]
            .into_iter()
            .zip(too_many)
        {
            // Dropped, they are refused.
            while line.front().is_some_and(|one| {
                let patience = if too_many > 0 { SHORT_WAIT } else { LONG_WAIT };
                one.called.is_closed() || now.saturating_duration_since(one.since) > patience
            }) {
                line.pop_front();
                too_many = too_many.saturating_sub(1);
            }
        }
        if self.first_in_a_row >= FIRST_IN_A_ROW
            && let Some(next) = self.second.pop_front()
        {
            self.first_in_a_row = 0;
            return Some(next);
        }
        if let Some(next) = self.first.pop_front() {
            self.first_in_a_row += 1;
            return Some(next);
        }
        self.first_in_a_row = 0;
        let next = self.second.pop_front();
        if next.is_none() {
            self.free += 1;
            self.last_empty = now;
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        Instant::now()
    }

    fn state(free: usize, enough: usize) -> State {
        State {
            free,
            enough,
            first: VecDeque::new(),
            second: VecDeque::new(),
            first_in_a_row: 0,
            last_empty: now(),
            last_shortened: None,
        }
    }

    #[tokio::test]
    async fn a_place_goes_to_who_waits_and_back() {
        let turnstile = Turnstile::new(1, 9);
        let inside = turnstile.enter(Line::First).await;
        assert!(inside.is_some());
        let other = turnstile.clone();
        let waiting = tokio::spawn(async move { other.enter(Line::Second).await.is_some() });
        while turnstile.lock().second.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(inside);
        assert!(waiting.await.unwrap());
        assert_eq!(turnstile.lock().free, 1);
    }

    #[tokio::test]
    async fn who_goes_away_keeps_no_place() {
        let turnstile = Turnstile::new(1, 9);
        let inside = turnstile.enter(Line::First).await;
        let gone = turnstile.lock().arrive(Line::First);
        drop(gone);
        drop(inside);
        assert_eq!(turnstile.lock().free, 1);
    }

    #[test]
    fn what_finishes_goes_first_but_not_alone() {
        let mut state = state(0, 9);
        let _first: Vec<_> = (0..8).map(|_| state.arrive(Line::First)).collect();
        let _second: Vec<_> = (0..2).map(|_| state.arrive(Line::Second)).collect();
        let mut order = String::new();
        for _ in 0..10 {
            let before = state.first.len();
            assert!(state.next(now()).is_some());
            order.push(if state.first.len() < before { '1' } else { '2' });
        }
        assert_eq!(order, "1112111211");
        assert!(state.next(now()).is_none());
        assert_eq!(state.free, 1);
    }

    #[test]
    fn what_begins_something_makes_room_for_what_finishes() {
        let mut state = state(0, 1);
        let begun = state.last_empty;
        let _first: Vec<_> = (0..4).map(|_| state.arrive(Line::First)).collect();
        let _second: Vec<_> = (0..4).map(|_| state.arrive(Line::Second)).collect();
        assert!(state.next(begun + STANDS_AFTER * 2).is_some());
        assert_eq!((state.first.len(), state.second.len()), (3, 0));
    }

    #[test]
    fn a_burst_is_worked_off_and_a_line_that_stands_is_kept_short() {
        let mut state = state(0, 2);
        let begun = state.last_empty;
        let mut waiting: Vec<_> = (0..5)
            .map(|_| state.arrive(Line::Second).unwrap())
            .collect();
        assert!(state.next(begun + SHORT_WAIT * 5).is_some(), "a burst");
        // Four are left, two too many. Who is next has waited as long, but in a line that is no trouble.
        assert!(state.next(begun + STANDS_AFTER * 2).is_some());
        assert_eq!(state.second.len(), 1);
        let refused = |called: &mut oneshot::Receiver<Turn>| {
            matches!(called.try_recv(), Err(oneshot::error::TryRecvError::Closed))
        };
        let refused: Vec<bool> = waiting.iter_mut().map(refused).collect();
        // The first and the fourth were called, and this test dropped what called them.
        assert_eq!(refused, [true, true, true, true, false]);
        assert!(
            state.next(begun + LONG_WAIT * 2).is_none(),
            "nobody waits for ever"
        );
    }
}
