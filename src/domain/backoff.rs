//! Delays that grow with failures: whoever guesses waits ever longer, whoever mistypes does not.

use std::time::Duration;

use super::instant::Instant;

/// How long to wait after how many failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// What fails; part of the counter's key, so no two share one.
    pub name: &'static str,
    /// Failures that cost nothing.
    pub free: u32,
    /// The delay after the first failure beyond; it doubles with each further one.
    pub first: Duration,
    /// No delay is longer.
    pub longest: Duration,
    /// After so long without a failure, it is as if there had been none.
    pub forgotten_after: Duration,
}

impl Backoff {
    /// How long to wait after so many failures.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free.saturating_add(1)) else {
            return Duration::ZERO;
        };
        2_u32
            .checked_pow(doublings)
            .map_or(self.longest, |factor| self.first.saturating_mul(factor))
            .min(self.longest)
    }

    /// How often the delay doubles before it is the longest.
    #[must_use]
    pub fn doublings(&self) -> u32 {
        (0..u32::BITS)
            .find(|&times| self.first.saturating_mul(1 << times) >= self.longest)
            .unwrap_or(u32::BITS)
    }

    /// How long to wait still, if the last of so many failures was then.
    #[must_use]
    pub fn wait(&self, failures: u32, last: Instant, now: Instant) -> Option<Duration> {
        let until = last.plus(self.delay(failures));
        (until > now).then(|| until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_begin_late_double_and_end_growing() {
        let backoff = Backoff {
            name: "failures",
            free: 3,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(10),
            forgotten_after: Duration::from_hours(1),
        };
        let seconds: Vec<u64> = (0..10).map(|n| backoff.delay(n).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.delay(u32::MAX), backoff.longest);
        assert_eq!(backoff.doublings(), 4);
        let abrupt = Backoff {
            first: backoff.longest,
            ..backoff
        };
        assert_eq!((abrupt.doublings(), abrupt.delay(4)), (0, backoff.longest));
    }

    #[test]
    fn a_delay_begins_with_its_failure() {
        let backoff = Backoff {
            name: "failures",
            free: 0,
            first: Duration::from_secs(5),
            longest: Duration::from_secs(5),
            forgotten_after: Duration::from_hours(1),
        };
        let at = Instant::from_seconds;
        assert_eq!(backoff.wait(0, at(10), at(10)), None);
        let wait = backoff.wait(1, at(10), at(12));
        assert_eq!(wait, Some(Duration::from_secs(3)));
        assert_eq!(backoff.wait(1, at(10), at(15)), None);
    }
}
