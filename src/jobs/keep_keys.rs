//! Keeps the keys as they should be: loads them when they change, makes the next ones in time, and
//! takes retired ones out of what is published.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::keyring::{Keys, KeysError};

/// A key change must be known within a second of its announcement.
const RETRY: Duration = Duration::from_millis(100);

/// Runs until told to end.
pub async fn run(keys: Keys, shutdown: Shutdown) {
    let keep = || async {
        keys.prepare_next().await?;
        // Retired keys leave the ring by age, which no change announces.
        keys.reload().await
    };
    tokio::join!(
        follow(&keys, shutdown.clone()),
        every("keep keys", Duration::from_mins(10), shutdown, keep),
    );
}

async fn follow(keys: &Keys, mut shutdown: Shutdown) {
    loop {
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|ends| *ends) => return,
            () = keys.changed() => {}
        }
        while let Err(error) = keys.reload().await {
            tracing::warn!(%error, "the changed keys could not be loaded");
            if matches!(error, KeysError::WrongMasterKey) {
                break;
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}
