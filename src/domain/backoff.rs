//! Delays that grow with failures: whoever guesses waits ever longer, whoever mistypes does not.

use std::time::Duration;

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
    }
}
