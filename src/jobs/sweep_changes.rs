//! Deletes changes that every process has had the time to read.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::Ledger;

/// Runs until told to end.
pub async fn run(ledger: Ledger, shutdown: Shutdown) {
    let sweep = || async { ledger.sweep_changes().await.map(|_| ()) };
    every("sweep changes", Duration::from_secs(30), shutdown, sweep).await;
}
