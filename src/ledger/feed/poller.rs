//! The thread that polls, apart from the server's own: a busy runtime must not make a node stale.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::{Cursor, Feed};
use crate::domain::clock::Clock;
use crate::storage::{Error, Reader, Storage};

/// Four polls fit in the second that a successful one is good for.
const PERIOD: Duration = Duration::from_millis(250);
/// A poll that hangs must not keep the next one from a new connection.
const TIMEOUT: Duration = Duration::from_millis(900);

/// A running poller; it ends when this is dropped.
#[derive(Debug)]
pub struct Poller {
    _stop: oneshot::Sender<()>,
}

impl Poller {
    /// Starts the thread; `cursor` is where the first successful poll left off.
    pub(crate) fn start(
        feed: Feed,
        storage: Storage,
        clock: Arc<dyn Clock>,
        cursor: Cursor,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("change-feed".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = follow(&feed, &storage, &*clock, cursor) => {}
                    }
                });
            })?;
        Ok(Self { _stop: stop })
    }
}

async fn follow(feed: &Feed, storage: &Storage, clock: &dyn Clock, mut cursor: Cursor) {
    let mut reader = None;
    let mut is_lost = false;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let polled = tokio::time::timeout(
            TIMEOUT,
            poll(feed, storage, &mut reader, &mut cursor, clock),
        );
        let failed = match polled.await {
            Ok(polled) => polled.err().map(|error| error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        // Once for each outage: every request that it costs says so, too.
        match failed {
            Some(error) => {
                if !is_lost {
                    tracing::warn!(%error, "the change feed cannot be read");
                }
                reader = None;
                is_lost = true;
            }
            None if is_lost => {
                tracing::info!("the change feed is read again");
                is_lost = false;
            }
            None => {}
        }
    }
}

async fn poll(
    feed: &Feed,
    storage: &Storage,
    reader: &mut Option<Reader>,
    cursor: &mut Cursor,
    clock: &dyn Clock,
) -> Result<(), Error> {
    let reader = match reader {
        Some(reader) => reader,
        None => reader.insert(storage.dedicated_reader().await?),
    };
    feed.poll(reader, cursor, clock.now()).await
}
