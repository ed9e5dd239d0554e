//! Finishes what the removal of accounts began: replaces the keys that they lay under.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::erasures::Erasures;
use crate::ledger::profiles::Profiles;

/// Runs until told to end.
pub async fn run(profiles: Profiles, erasures: Erasures, shutdown: Shutdown) {
    let finish = || erasures.finish_all();
    tokio::join!(
        follow(&profiles, shutdown.clone()),
        every("finish erasures", Duration::from_mins(1), shutdown, finish),
    );
}

/// Who missed changes knows of no replaced key, and must keep none that is gone.
async fn follow(profiles: &Profiles, mut shutdown: Shutdown) {
    const RETRY: Duration = Duration::from_secs(1);
    loop {
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|ends| *ends) => return,
            () = profiles.missed() => {}
        }
        while let Err(error) = profiles.reload().await {
            tracing::warn!(%error, "the key store could not be loaded anew");
            tokio::select! {
                biased;
                _ = shutdown.wait_for(|ends| *ends) => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}
