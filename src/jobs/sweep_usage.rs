//! Deletes counts that have been kept for as long as they are to be.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::Ledger;
use crate::ledger::usage::Retention;

/// Runs until told to end.
pub async fn run(ledger: Ledger, retention: Retention, shutdown: Shutdown) {
    let sweep = || async { ledger.sweep_usage(retention).await.map(|_| ()) };
    every("sweep usage", Duration::from_hours(1), shutdown, sweep).await;
}
