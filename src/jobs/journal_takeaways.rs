//! Copies what is taken away into the journal, and sweeps what has been copied and read.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::journal::Journal;

/// Little may be lost with the main database.
const PERIOD: Duration = Duration::from_millis(250);

/// Runs until told to end.
pub async fn run(journal: Journal, shutdown: Shutdown) {
    let copy = || async { journal.copy().await.map(drop) };
    let sweep = || async { journal.sweep().await.map(drop) };
    tokio::join!(
        every("journal takeaways", PERIOD, shutdown.clone(), copy),
        every("sweep changes", Duration::from_secs(30), shutdown, sweep),
    );
}
