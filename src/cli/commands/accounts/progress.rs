//! How an import goes, for people: numbers and rates, nothing of anybody.
//!
//! On a terminal one line that is written over; elsewhere a line every few seconds.

use std::fmt::{Arguments, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lines::Taken;
use crate::accounts::import::ImportSummary;
use crate::cli::output;

/// Back to the line's beginning, and the rest of it wiped (ECMA-48 EL).
const ANEW: &str = "\r\x1b[K";

/// Says from time to time how far it is.
pub(super) struct Progress {
    begun: Instant,
    said: Instant,
    every: Duration,
    style: Style,
    /// The file's, if it has one.
    size: Option<u64>,
    taken: Arc<Taken>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// One line, written over.
    Terminal,
    /// Line after line.
    Lines,
}

impl Progress {
    /// Of a file of this size, if it is known, out of which lines are taken.
    pub(super) fn new(size: Option<u64>, taken: Arc<Taken>) -> Self {
        let (style, every) = if io::stderr().is_terminal() {
            (Style::Terminal, Duration::from_millis(200))
        } else {
            (Style::Lines, Duration::from_secs(3))
        };
        let now = Instant::now();
        Self {
            begun: now,
            said: now,
            every,
            style,
            size,
            taken,
        }
    }

    /// Says how far it is, if that was not just said.
    pub(super) fn tell(&mut self, summary: &ImportSummary) {
        if self.said.elapsed() < self.every {
            return;
        }
        self.said = Instant::now();
        let size = self
            .size
            .map(|size| (self.taken.bytes_of(summary.lines()), size));
        let line = describe(summary, self.begun.elapsed(), size);
        match self.style {
            // Nothing can be done when nobody sees it.
            Style::Terminal => write!(io::stderr(), "{ANEW}{line}").unwrap_or_default(),
            Style::Lines => output::say(format_args!("{line}")),
        }
    }

    /// Says something else in between.
    pub(super) fn interrupt(&self, line: Arguments<'_>) {
        self.clear();
        output::say(line);
    }

    /// Says what came of it.
    pub(super) fn end(&self, summary: &ImportSummary) {
        let line = describe(summary, self.begun.elapsed(), None);
        output::say(format_args!("{line}"));
    }

    /// Takes back what it said last, where that stands in the way.
    pub(super) fn clear(&self) {
        if self.style == Style::Terminal {
            write!(io::stderr(), "{ANEW}").unwrap_or_default();
        }
    }
}

/// One line; with a share and the time left where bytes done and all bytes are known.
#[expect(
    clippy::cast_precision_loss,
    reason = "people round more than a 64-bit float does"
)]
fn describe(summary: &ImportSummary, elapsed: Duration, size: Option<(u64, u64)>) -> String {
    let ImportSummary {
        imported,
        existing,
        rejected,
    } = summary;
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = summary.lines() as f64 / seconds;
    let mut line = format!(
        "{} lines: {imported} imported, {existing} existing, {rejected} rejected; {rate:.0} a second",
        summary.lines()
    );
    if let Some((done, size)) = size
        && done > 0
    {
        let share = (done as f64 / size.max(done) as f64).min(1.0);
        let left = Duration::from_secs_f64(seconds * (1.0 - share) / share);
        // Writing to a string does not fail.
        write!(line, "; {:.0} %, {} left", share * 100.0, span(left)).unwrap_or_default();
    }
    line
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_many_how_fast_how_far_and_how_long() {
        let summary = ImportSummary {
            imported: 1_900,
            existing: 90,
            rejected: 10,
        };
        let elapsed = Duration::from_secs(2);
        let known = "2000 lines: 1900 imported, 90 existing, 10 rejected; 1000 a second";
        assert_eq!(describe(&summary, elapsed, None), known);
        assert_eq!(describe(&summary, elapsed, Some((0, 1_000))), known);
        for (done, size, rest) in [
            (500, 1_000, "; 50 %, 2 s left"),
            (1_000, 1_000, "; 100 %, 0 s left"),
            (1_000, 900, "; 100 %, 0 s left"),
            (10, 1_000, "; 1 %, 3 min 18 s left"),
            (1, 10_000, "; 0 %, 5 h 33 min left"),
        ] {
            let line = describe(&summary, elapsed, Some((done, size)));
            assert_eq!(line, format!("{known}{rest}"), "{done} of {size}");
        }
    }
}
