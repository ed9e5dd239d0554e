//! Keeps the connection to Redis, where there is one.

use super::Shutdown;
use crate::storage::shared::SharedFailures;

/// Runs until told to end.
pub async fn run(failures: SharedFailures, mut shutdown: Shutdown) {
    tokio::select! {
        _ = shutdown.wait_for(|ends| *ends) => {}
        () = failures.keep_connected() => {}
    }
}
