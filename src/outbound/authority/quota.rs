//! How many calls a minute the authority's terms allow.
//!
//! Exact over every minute, not only from one full minute to the next: the times of the calls of
//! the last minute are kept. Pure; the time is a parameter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::instant::Instant;

const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Quota {
    calls_per_minute: usize,
    /// The times of the last calls, the oldest in front.
    calls: VecDeque<Instant>,
}

impl Quota {
    pub(super) const fn new(calls_per_minute: usize) -> Self {
        Self {
            calls_per_minute,
            calls: VecDeque::new(),
        }
    }

    /// Whether one more call may be made at `now`; if so, it counts.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        // A clock that was put back must not block calls until it is where it was.
        if self.calls.back().is_some_and(|last| now < *last) {
            self.calls.clear();
        }
        let is_old = |call: &Instant| now.since(*call) >= MINUTE;
        while self.calls.front().is_some_and(is_old) {
            self.calls.pop_front();
        }
        let room = self.calls.len() < self.calls_per_minute;
        if room {
            self.calls.push_back(now);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_than_its_number() {
        let mut quota = Quota::new(3);
        let mut taken = Vec::new();
        for second in 0..600 {
            let now = Instant::from_seconds(second);
            if second % 7 < 3 && quota.take(now) {
                taken.push(second);
            }
        }
        assert!(taken.len() >= 27, "{taken:?}");
        for &from in &taken {
            let within = taken.iter().filter(|&&s| s >= from && s < from + 60);
            assert!(within.count() <= 3, "from {from} in {taken:?}");
        }
    }

    #[test]
    fn a_clock_that_was_put_back_blocks_nothing() {
        let mut quota = Quota::new(1);
        assert!(quota.take(Instant::from_seconds(3600)));
        assert!(!quota.take(Instant::from_seconds(3601)));
        assert!(quota.take(Instant::from_seconds(10)));
    }
}
