//! What a busy machine takes away: tests that hold the product to a promise in seconds do not count
//! the time in which nobody could have kept it.
//!
//! A thread wants to do a little work every ten milliseconds. By how much later than it should it
//! has done it, compared with its own best, is time that the machine was not there for it. What is
//! promised goes through several hands, one after another (who writes, who polls, who is woken, who
//! answers, and the test that asks): each of them may be held up as much as this thread is.

use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(10);
/// About a millisecond of a quick machine.
const WORK: u64 = 400_000;
/// Through so many hands goes what is promised.
const HANDS: u32 = 5;
/// Nothing takes longer, however busy the machine is.
const LONGEST: Duration = Duration::from_mins(1);

static LOST_NANOS: AtomicU64 = AtomicU64::new(0);
static MEASURING: OnceLock<()> = OnceLock::new();

/// Something is to come true within a time, beginning now.
#[derive(Debug)]
pub(crate) struct Promise {
    within: Duration,
    begun: Instant,
    lost_before: Duration,
}

impl Promise {
    pub(crate) fn within(within: Duration) -> Self {
        MEASURING.get_or_init(|| {
            std::thread::spawn(measure);
        });
        Self {
            within,
            begun: Instant::now(),
            lost_before: lost(),
        }
    }

    /// Whether there was time enough, as this machine is. Ask before looking whether it came true.
    pub(crate) fn is_due(&self) -> bool {
        self.is_due_at(Instant::now())
    }

    /// Whether it was due when something happened a moment ago.
    pub(crate) fn is_due_at(&self, then: Instant) -> bool {
        then.saturating_duration_since(self.begun) >= self.allows()
    }

    /// The time, and what the machine has lost of it so far.
    pub(crate) fn allows(&self) -> Duration {
        let lost = lost().saturating_sub(self.lost_before) * HANDS;
        (self.within + lost).min(LONGEST.max(self.within))
    }
}

fn lost() -> Duration {
    Duration::from_nanos(LOST_NANOS.load(Ordering::Relaxed))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own that does nothing else"
)]
fn measure() {
    let mut best = (0..20).map(|_| work()).min().unwrap_or_default();
    loop {
        let begun = Instant::now();
        std::thread::sleep(PERIOD);
        best = best.min(work());
        let lost = begun.elapsed().saturating_sub(PERIOD + best);
        let nanos = u64::try_from(lost.as_nanos()).unwrap_or(u64::MAX);
        LOST_NANOS.fetch_add(nanos, Ordering::Relaxed);
    }
}

fn work() -> Duration {
    let begun = Instant::now();
    let mut sum = 1_u64;
    for number in 0..WORK {
        sum = black_box(sum.wrapping_mul(31).wrapping_add(number));
    }
    black_box(sum);
    begun.elapsed()
}
