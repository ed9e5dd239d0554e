//! Writes out what was counted in memory.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::Ledger;

/// Runs until told to end; [`Ledger::close`] writes out the rest.
pub async fn run(ledger: Ledger, shutdown: Shutdown) {
    let write = || ledger.flush_usage();
    every("write usage", Duration::from_secs(5), shutdown, write).await;
}
