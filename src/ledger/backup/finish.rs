//! The end of a restore: what cannot be known of the time since the backup is refused from now on.
//!
//! A code may have been redeemed since, and a refresh token that rotates may have been superseded:
//! of those that are older than the restore none is taken any more. What does not rotate goes on.

use std::time::Duration;

use serde_json::Value;

use crate::domain::instant::Instant;
use crate::ledger::feed::CLOCK_SKEW;
use crate::ledger::{Event, EventKind, Ledger};
use crate::storage::{Error, Reader, audit, backup, keys};

/// The fact that says from when on codes and rotating refresh tokens count.
const VOID_BEFORE: &str = "void_before";

/// Until when codes and rotating refresh tokens are void, if the database was ever restored.
pub async fn void_before(reader: &mut Reader) -> Result<Option<Instant>, Error> {
    let noted = backup::fact(reader, VOID_BEFORE).await?;
    let millis = noted.map(|text| text.parse().map_err(|_| corrupt()));
    Ok(millis.transpose()?.map(Instant::from_millis))
}

/// Ends a restore that began at `began`, when no server ran any more: `detail` is for the log.
///
/// A server's clock may have been ahead of this one by as much as it is allowed to; what it issued
/// is meant, too, and so this waits until no server can be where that one was.
pub async fn finish(ledger: &Ledger, began: Instant, detail: Value) -> Result<(), Error> {
    end_writers(ledger).await?;
    let void_before = began.plus(CLOCK_SKEW);
    let now = ledger.now();
    let event = Event::new(EventKind::Restored, now).detail(detail);
    let input = (void_before.as_millis().to_string(), event);
    let written: Result<(), Error> = ledger
        .write(input, |entry, (void_before, event)| {
            Box::pin(async move {
                keys::replace_fact(entry.tx(), VOID_BEFORE, void_before).await?;
                backup::end_restoring(entry.tx()).await?;
                entry.record(event).await
            })
        })
        .await;
    written?;
    tokio::time::sleep(void_before.since(now) + Duration::from_millis(1)).await;
    Ok(())
}

/// Whoever wrote to the restored log is no more: what was not sealed at the moment of the backup is
/// sealed now.
async fn end_writers(ledger: &Ledger) -> Result<(), Error> {
    let input = (ledger.writer(), ledger.now());
    let ended: Result<(), Error> = ledger
        .storage()
        .write(input, |tx, &(own, now)| {
            Box::pin(async move {
                for row in audit::open_writers(tx).await? {
                    if row.writer != own {
                        audit::end_writer(tx, row.writer, now).await?;
                    }
                }
                Ok(())
            })
        })
        .await;
    ended?;
    ledger.recover().await
}

const fn corrupt() -> Error {
    Error::Corrupt {
        table: "installation",
        column: "value",
    }
}
