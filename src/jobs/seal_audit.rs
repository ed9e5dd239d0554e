//! Seals the audit log: own events every second, those of dead processes every two, and a link of
//! all chains every minute.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::Ledger;

/// Runs until told to end. [`Ledger::close`] is for the caller, when nothing records any more.
pub async fn run(ledger: Ledger, shutdown: Shutdown) {
    let (ledger, seconds) = (&ledger, Duration::from_secs);
    tokio::join!(
        seal_own(ledger, shutdown.clone()),
        every("recover audit", seconds(2), shutdown.clone(), || ledger
            .recover()),
        every("link audit", seconds(60), shutdown, || async {
            ledger.link().await.map(|_| ())
        }),
    );
}

/// The first part alone, for a command that takes longer than a moment: else it is taken for dead.
pub async fn seal_own(ledger: &Ledger, shutdown: Shutdown) {
    let second = Duration::from_secs(1);
    every("seal audit", second, shutdown, || ledger.seal()).await;
}
