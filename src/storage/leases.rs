//! Table `leases`: work that one process at a time does.
//!
//! A lease saves double work; it never decides correctness, since clocks differ and processes
//! pause. What must happen once is decided by a key or a condition in the statement that does it.

use super::{Error, Transaction, values};
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;

/// Takes or renews a lease until `until`; false when another holds it at `now`.
pub async fn take(
    tx: &mut Transaction,
    name: &'static str,
    holder: WriterId,
    (now, until): (Instant, Instant),
) -> Result<bool, Error> {
    let held = tx
        .returning(
            "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $4) \
             ON CONFLICT (name) DO UPDATE \
                 SET holder = excluded.holder, expires_at = excluded.expires_at \
                 WHERE leases.expires_at <= $3 OR leases.holder = excluded.holder \
             RETURNING holder",
            values![name, holder, now, until],
        )
        .await?;
    Ok(held.is_some())
}

/// Gives a lease back.
pub async fn release(
    tx: &mut Transaction,
    name: &'static str,
    holder: WriterId,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM leases WHERE name = $1 AND holder = $2",
        values![name, holder],
    )
    .await?;
    Ok(())
}
