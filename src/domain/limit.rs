//! How often something may be asked for.

use std::time::Duration;

/// At most `most` times in a window of time that begins with the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is counted; part of the counter's key, so no two share one.
    pub name: &'static str,
    /// How often.
    pub most: u32,
    /// In how long.
    pub window: Duration,
}

impl Limit {
    /// A limit by the hour.
    #[must_use]
    pub const fn hourly(name: &'static str, most: u32) -> Self {
        Self {
            name,
            most,
            window: Duration::from_hours(1),
        }
    }

    /// A limit by the day.
    #[must_use]
    pub const fn daily(name: &'static str, most: u32) -> Self {
        Self {
            name,
            most,
            window: Duration::from_hours(24),
        }
    }
}
