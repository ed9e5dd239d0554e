//! Deletes what has expired: sessions, authorizations, challenges, counters, wrong passwords, and what
//! the outbox gave up. At most 500 rows a statement, so that no sweep holds others up.

use std::time::Duration;

use super::{Shutdown, every};
use crate::ledger::Ledger;
use crate::storage::{
    self, SWEEP_LIMIT, authorizations, challenges, counters, login_failures, sessions,
};

/// How long an ended thing is kept: longer than any token of it lives, so that a late replay still
/// finds what it revokes.
const KEPT: Duration = Duration::from_hours(1);

/// Runs until told to end.
pub async fn run(ledger: Ledger, shutdown: Shutdown) {
    every("expire", Duration::from_mins(1), shutdown, || {
        sweep(&ledger)
    })
    .await;
}

/// Deletes all that has expired.
pub async fn sweep(ledger: &Ledger) -> Result<(), storage::Error> {
    ledger.outbox().sweep().await?;
    let now = ledger.now();
    let before = now.minus(KEPT);
    let storage = ledger.storage();
    loop {
        let deleted: Result<u64, storage::Error> = storage
            .write((now, before), |tx, &(now, before)| {
                Box::pin(async move {
                    let deleted = [
                        sessions::delete_expired(tx, before).await?,
                        authorizations::delete_expired(tx, before).await?,
                        challenges::delete_expired(tx, before).await?,
                        counters::delete_expired(tx, now).await?,
                        login_failures::delete_expired(tx, now).await?,
                    ];
                    Ok(deleted.into_iter().max().unwrap_or_default())
                })
            })
            .await;
        if deleted? < u64::from(SWEEP_LIMIT) {
            return Ok(());
        }
    }
}
