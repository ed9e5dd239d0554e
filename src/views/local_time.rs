//! Times as pages show them: in China, which has one time zone without summer time.

use chrono::{DateTime, Duration, NaiveDateTime};
use serde::Serialize;

use crate::domain::instant::Instant;

/// A time of day in China: as people read it, and as `<time datetime>` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocalTime {
    /// `2026-11-22 14:30`.
    text: String,
    /// `2026-11-22`.
    date: String,
    /// `2026-11-22T14:30+08:00`.
    machine: String,
}

impl LocalTime {
    /// What clocks in China show at `at`.
    pub fn of(at: Instant) -> Self {
        let local = DateTime::from_timestamp_millis(at.as_millis())
            .and_then(|utc| utc.naive_utc().checked_add_signed(Duration::hours(8)))
            .unwrap_or(NaiveDateTime::MIN);
        Self {
            text: local.format("%Y-%m-%d %H:%M").to_string(),
            date: local.format("%Y-%m-%d").to_string(),
            machine: local.format("%Y-%m-%dT%H:%M+08:00").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_begins_at_midnight_in_china() {
        let at = Instant::parse_rfc3339("2026-11-21T16:05:59Z").unwrap();
        let shown = LocalTime::of(at);
        assert_eq!(shown.text, "2026-11-22 00:05");
        assert_eq!(shown.date, "2026-11-22");
        assert_eq!(shown.machine, "2026-11-22T00:05+08:00");
    }

    #[test]
    fn a_time_out_of_reach_is_shown_all_the_same() {
        for at in [i64::MIN, i64::MAX] {
            assert!(!LocalTime::of(Instant::from_millis(at)).text.is_empty());
        }
    }
}
