//! Work in the background: deliver, expire, seal, rotate.
//!
//! A job is a loop around one call of a lower layer; what must be right about the work is right
//! there, so that it may run anywhere, at any time, and twice. Every job ends when it is told to.

pub mod deliver;
pub mod deliver_logouts;
pub mod deliver_messages;
pub mod expire;
pub mod finish_erasures;
pub mod journal_takeaways;
pub mod keep_keys;
pub mod keep_redis;
pub mod seal_audit;
pub mod sweep_usage;
pub mod write_usage;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// When it shows `true`, or its sender is gone, jobs end.
pub type Shutdown = watch::Receiver<bool>;

/// What failed is tried again after so long, if it is done less often.
const RETRY: Duration = Duration::from_secs(30);

/// How many of the jobs of a name failed when they were last tried. The process's: jobs have nothing in
/// common but their names, and whoever scrapes asks for all of them.
static FAILING: Mutex<BTreeMap<&'static str, i64>> = Mutex::new(BTreeMap::new());

/// How many of this process's jobs of each name failed when they were last tried.
pub fn failing() -> Vec<(&'static str, i64)> {
    let failing = FAILING.lock().unwrap_or_else(PoisonError::into_inner);
    failing
        .iter()
        .map(|(name, count)| (*name, *count))
        .collect()
}

fn count_failing(name: &'static str, change: i64) {
    let mut failing = FAILING.lock().unwrap_or_else(PoisonError::into_inner);
    *failing.entry(name).or_default() += change;
}

/// Calls `work` every `period` until told to end. What fails is logged and tried again soon.
async fn every<F, E>(name: &'static str, period: Duration, shutdown: Shutdown, work: impl Fn() -> F)
where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    repeat(name, (period, RETRY), shutdown, work).await;
}

async fn repeat<F, E>(
    name: &'static str,
    (period, retry): (Duration, Duration),
    mut shutdown: Shutdown,
    work: impl Fn() -> F,
) where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let mut fails = false;
    count_failing(name, 0);
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|ends| *ends) => return,
            _ = ticks.tick() => {}
        }
        let outcome = work().await;
        if outcome.is_err() && period > retry {
            ticks.reset_after(retry);
        }
        match outcome {
            Err(error) if !fails => {
                fails = true;
                count_failing(name, 1);
                tracing::warn!(job = name, %error, "a job failed and will be tried again");
            }
            // Once is enough: some are tried four times a second.
            Err(error) => tracing::debug!(job = name, %error, "a job failed again"),
            Ok(()) if fails => {
                fails = false;
                count_failing(name, -1);
                tracing::info!(job = name, "a job works again");
            }
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_failed_does_not_wait_for_its_next_hour() {
        let (end, shutdown) = watch::channel(false);
        let calls = AtomicU32::new(0);
        let work = || async {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err("not yet");
            }
            end.send_replace(true);
            Ok(())
        };
        let rhythm = (Duration::from_hours(1), Duration::from_millis(1));
        let done = repeat("an hourly job", rhythm, shutdown, work);
        let ended = tokio::time::timeout(Duration::from_mins(1), done).await;
        assert!(ended.is_ok());
    }

    #[tokio::test]
    async fn a_job_counts_as_failing_until_it_works_again() {
        const NAME: &str = "a job of this test";
        let (end, shutdown) = watch::channel(false);
        let count = || failing().into_iter().find(|(name, _)| *name == NAME);
        let (calls, seen) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        let work = || async {
            seen.lock().unwrap().push(count().unwrap().1);
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Err("not yet"),
                2 => Ok(()),
                _ => {
                    end.send_replace(true);
                    Ok(())
                }
            }
        };
        every(NAME, Duration::from_millis(1), shutdown, work).await;
        assert_eq!(*seen.lock().unwrap(), [0, 1, 1, 0]);
    }
}
