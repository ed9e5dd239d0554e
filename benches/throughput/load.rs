//! Closed-loop load: each worker does one operation after the other on its own connection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

use super::client::Connection;

/// Whether a worker can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// Nothing was left to do.
    Exhausted,
}

/// What a worker does again and again.
pub(crate) trait Operation {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress>;
}

/// What a round came to.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) elapsed: Duration,
    /// Of each operation.
    pub(crate) times: Vec<Duration>,
}

impl Round {
    pub(crate) fn per_second(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "fewer operations than 2^52 fit into a round"
    )]
    pub(crate) fn count(&self) -> f64 {
        self.times.len() as f64
    }

    /// The time that this share of operations, in percent, took at most.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).copied().unwrap_or_default()
    }
}

/// Lets every worker work for `time`, and returns them for what they hold.
pub(crate) async fn drive<O: Operation + 'static>(
    address: SocketAddr,
    workers: Vec<O>,
    time: Duration,
) -> anyhow::Result<(Round, Vec<O>)> {
    let mut connected = Vec::with_capacity(workers.len());
    for worker in workers {
        connected.push((worker, Connection::open(address).await?));
    }
    let local = LocalSet::new();
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (worker, connection) in connected {
        tasks.spawn_local_on(work(worker, connection, begun + time), &local);
    }
    let mut round = Round::default();
    let mut workers = Vec::new();
    local
        .run_until(async {
            while let Some(ended) = tasks.join_next().await {
                let (worker, times) = ended??;
                workers.push(worker);
                round.times.extend(times);
            }
            anyhow::Ok(())
        })
        .await?;
    round.elapsed = begun.elapsed();
    Ok((round, workers))
}

async fn work<O: Operation>(
    mut worker: O,
    mut connection: Connection,
    until: Instant,
) -> anyhow::Result<(O, Vec<Duration>)> {
    let mut times = Vec::with_capacity(1024);
    let mut begun = Instant::now();
    while begun < until {
        if worker.once(&mut connection).await? == Progress::Exhausted {
            break;
        }
        let now = Instant::now();
        times.push(now - begun);
        begun = now;
    }
    Ok((worker, times))
}
