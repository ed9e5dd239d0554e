//! What became of the checks that were asked for, for metrics. Numbers only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::check::CheckResult;

/// Why the authority was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAsked {
    /// The breaker is open.
    Open,
    /// Too many calls are under way.
    Busy,
    /// The minute's calls are used up.
    Quota,
}

impl NotAsked {
    const ALL: [Self; 3] = [Self::Open, Self::Busy, Self::Quota];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "breaker_open",
            Self::Busy => "busy",
            Self::Quota => "quota",
        }
    }
}

/// Upper bounds of the classes of duration, in milliseconds.
const BOUNDS: [u64; 10] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

#[derive(Debug, Default)]
pub(super) struct Tally {
    results: [AtomicU64; CheckResult::ALL.len()],
    not_asked: [AtomicU64; NotAsked::ALL.len()],
    /// One for each bound, and one for what took longer.
    took: [AtomicU64; BOUNDS.len() + 1],
    total_micros: AtomicU64,
}

/// How long calls took.
#[derive(Debug, Clone, PartialEq)]
pub struct Durations {
    /// All of them together, in seconds.
    pub sum: f64,
    /// Upper bound in seconds, and the number of calls that took no longer but longer than the
    /// bound before; the last has no bound.
    pub buckets: Vec<(f64, u64)>,
}

impl Tally {
    pub(super) fn answered(&self, result: CheckResult, took: Duration) {
        add(&self.results, CheckResult::ALL, &result);
        let millis = took.as_millis();
        let class = BOUNDS.iter().position(|&bound| millis <= u128::from(bound));
        if let Some(count) = self.took.get(class.unwrap_or(BOUNDS.len())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.total_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn not_asked(&self, why: NotAsked) {
        add(&self.not_asked, &NotAsked::ALL, &why);
    }

    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let results = CheckResult::ALL.iter().map(|result| result.as_str());
        let not_asked = NotAsked::ALL.iter().map(|why| why.as_str());
        let counts = self.results.iter().chain(&self.not_asked);
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        results.chain(not_asked).zip(counts).collect()
    }

    pub(super) fn durations(&self) -> Durations {
        let bounds = BOUNDS.iter().map(|&bound| Duration::from_millis(bound));
        let bounds = bounds.map(|bound| bound.as_secs_f64());
        let counts = self.took.iter().map(|count| count.load(Ordering::Relaxed));
        let micros = self.total_micros.load(Ordering::Relaxed);
        Durations {
            sum: Duration::from_micros(micros).as_secs_f64(),
            buckets: bounds.chain([f64::INFINITY]).zip(counts).collect(),
        }
    }
}

fn add<T: PartialEq>(counts: &[AtomicU64], list: &[T], item: &T) {
    let place = list.iter().position(|listed| listed == item);
    if let Some(count) = place.and_then(|place| counts.get(place)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_result_and_duration() {
        let tally = Tally::default();
        tally.answered(CheckResult::Match, Duration::from_millis(5));
        tally.answered(CheckResult::Match, Duration::from_millis(6));
        tally.answered(CheckResult::Unavailable, Duration::from_mins(1));
        tally.not_asked(NotAsked::Quota);
        let counts = tally.counts();
        for counted in [("match", 2), ("unavailable", 1), ("quota", 1), ("busy", 0)] {
            assert!(counts.contains(&counted), "{counted:?} in {counts:?}");
        }
        let durations = tally.durations();
        assert!((durations.sum - 60.011).abs() < 1e-6);
        let counts: Vec<u64> = durations.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            durations.buckets.last().map(|(bound, _)| *bound),
            Some(f64::INFINITY)
        );
    }
}
