//! The `outbox` table: what is to be delivered later, and who is at it.
//!
//! An item is taken by moving its `due_at` behind the end of a lease, on the condition that it is
//! due: of several who try one succeeds, and who dies at it leaves it to the next. What an item
//! holds and what delivering means is not known here.

use super::{Error, Reader, Row, SWEEP_LIMIT, Transaction, values};
use crate::domain::id::{AccountId, DeliveryId, WriterId};
use crate::domain::instant::Instant;

/// How many items one claim takes at most.
pub const CLAIM_LIMIT: u32 = 100;

/// An item as it is put in.
#[derive(Debug, Clone)]
pub struct OutboxRow {
    /// Its identifier, time-ordered.
    pub id: DeliveryId,
    /// What kind of thing it is.
    pub kind: &'static str,
    /// Items of one ordering key are delivered in the order of their identifiers.
    pub ordering: Option<String>,
    /// Whose it is: it goes when the account is removed.
    pub account_id: Option<AccountId>,
    /// What to deliver, sealed.
    pub payload: String,
    /// When it was made; it is due at once.
    pub created_at: Instant,
    /// When delivering it is of no more use.
    pub expires_at: Instant,
}

/// The right to deliver an item until the lease ends: one attempt of one holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The item.
    pub id: DeliveryId,
    /// Who delivers it.
    pub holder: WriterId,
    /// Which attempt this is, from 1: tells two leases of one holder apart.
    pub attempt: i64,
}

/// An item that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRow {
    /// What says so.
    pub claim: Claim,
    /// What to deliver, sealed.
    pub payload: String,
    /// When it was made.
    pub created_at: Instant,
    /// When delivering it is of no more use.
    pub expires_at: Instant,
}

/// How an item stands that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Somebody has it, or had it and died.
    Taken,
    /// It may be taken from then on.
    Due(Instant),
    /// It will not be delivered.
    GivenUp,
}

/// How many items of a kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxCount {
    /// Undelivered.
    pub waiting: i64,
    /// Given up, and not yet swept.
    pub failed: i64,
    /// When the oldest undelivered one was made.
    pub oldest: Option<Instant>,
}

/// Puts an item in, unless it is there.
pub async fn insert(tx: &mut Transaction, row: &OutboxRow) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO outbox (item_id, kind, ordering, account_id, payload, created_at, due_at,
                             expires_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0)
         ON CONFLICT DO NOTHING",
        values![
            row.id,
            row.kind,
            row.ordering.as_deref(),
            row.account_id,
            row.payload.as_str(),
            row.created_at,
            row.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// How an item stands; nothing is left of one that was delivered.
pub async fn find(reader: &mut Reader, id: DeliveryId) -> Result<Option<Standing>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT holder, due_at, failed_at FROM outbox WHERE item_id = $1",
            values![id],
        )
        .await?;
    row.map(|row| {
        let holder: Option<String> = row.get("holder")?;
        let due_at: Option<Instant> = row.get("due_at")?;
        let failed_at: Option<Instant> = row.get("failed_at")?;
        Ok(match (failed_at, holder, due_at) {
            (Some(_), _, _) => Standing::GivenUp,
            (None, None, Some(at)) => Standing::Due(at),
            (None, _, _) => Standing::Taken,
        })
    })
    .transpose()
}

/// Whether anything of a kind is due: spares the writer the asking.
pub async fn is_due(reader: &mut Reader, kind: &str, now: Instant) -> Result<bool, Error> {
    let row = reader
        .fetch_optional(
            "SELECT item_id FROM outbox WHERE kind = $1 AND due_at <= $2 LIMIT 1",
            values![kind, now],
        )
        .await?;
    Ok(row.is_some())
}

/// Takes up to `limit` items of a kind that are due, until `until`, in the order of their
/// identifiers; more than [`CLAIM_LIMIT`] are not given at once. Of those with one ordering key
/// only the first that is undelivered. Those that have expired too: they are to be given up.
pub async fn claim(
    tx: &mut Transaction,
    kind: &str,
    holder: WriterId,
    (now, until): (Instant, Instant),
    limit: u32,
) -> Result<Vec<ClaimedRow>, Error> {
    // The condition stands outside once more: whoever waited here for another's lease to be
    // written looks at the row as it is then. The limit inside is a number, so that a planner
    // which does not look at values knows that few rows come.
    let rows = tx
        .fetch_all(
            "UPDATE outbox SET holder = $3, due_at = $4, attempts = attempts + 1
              WHERE item_id IN (
                    SELECT item_id FROM (
                        SELECT o.item_id FROM outbox o
                         WHERE o.kind = $1 AND o.due_at <= $2
                           AND NOT EXISTS (
                               SELECT 1 FROM outbox e
                                WHERE e.ordering = o.ordering AND e.item_id < o.item_id
                                  AND e.failed_at IS NULL)
                         ORDER BY o.due_at LIMIT 100) AS first
                     LIMIT $5)
                AND due_at <= $2
             RETURNING item_id, holder, attempts, payload, created_at, expires_at",
            values![kind, now, holder, until, limit],
        )
        .await?;
    let mut claimed: Vec<ClaimedRow> = rows.iter().map(read).collect::<Result<_, _>>()?;
    claimed.sort_unstable_by_key(|row| row.claim.id);
    Ok(claimed)
}

/// Deletes an item that was delivered, and its payload with it; whoever delivered it, since that
/// it was is a fact. False when it was gone.
pub async fn complete(tx: &mut Transaction, claim: &Claim) -> Result<bool, Error> {
    let deleted = tx
        .execute("DELETE FROM outbox WHERE item_id = $1", values![claim.id])
        .await?;
    Ok(deleted == 1)
}

/// Gives an item back until `due_at`; false when somebody else has it by now.
pub async fn retry_later(
    tx: &mut Transaction,
    claim: &Claim,
    due_at: Instant,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE outbox SET holder = NULL, due_at = $4
              WHERE item_id = $1 AND holder = $2 AND attempts = $3",
            values![claim.id, claim.holder, claim.attempt, due_at],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives an item up: its payload goes, and what comes after it goes on. False when somebody else
/// has it by now.
pub async fn give_up(tx: &mut Transaction, claim: &Claim, now: Instant) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE outbox SET holder = NULL, due_at = NULL, payload = NULL, failed_at = $4
              WHERE item_id = $1 AND holder = $2 AND attempts = $3",
            values![claim.id, claim.holder, claim.attempt, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives up items of a kind that expired and that nobody is at; at most [`SWEEP_LIMIT`]. The
/// number given up.
pub async fn give_up_expired(tx: &mut Transaction, kind: &str, now: Instant) -> Result<u64, Error> {
    tx.execute(
        "UPDATE outbox SET holder = NULL, due_at = NULL, payload = NULL, failed_at = $2
          WHERE item_id IN (
                SELECT item_id FROM outbox
                 WHERE kind = $1 AND due_at <= $2 AND expires_at <= $2
                 ORDER BY due_at LIMIT $3)
            AND due_at <= $2",
        values![kind, now, SWEEP_LIMIT],
    )
    .await
}

/// Deletes items that were given up before `before`; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, before: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM outbox WHERE item_id IN (
             SELECT item_id FROM outbox WHERE failed_at < $1
              ORDER BY failed_at LIMIT $2)",
        values![before, SWEEP_LIMIT],
    )
    .await
}

/// How many items of a kind there are.
pub async fn count(reader: &mut Reader, kind: &str) -> Result<OutboxCount, Error> {
    let row = reader
        .fetch_optional(
            "SELECT COUNT(due_at) AS waiting, COUNT(failed_at) AS failed,
                    MIN(CASE WHEN failed_at IS NULL THEN created_at END) AS oldest
               FROM outbox WHERE kind = $1",
            values![kind],
        )
        .await?
        .ok_or(Error::Corrupt {
            table: "outbox",
            column: "kind",
        })?;
    Ok(OutboxCount {
        waiting: row.get("waiting")?,
        failed: row.get("failed")?,
        oldest: row.get("oldest")?,
    })
}

fn read(row: &Row) -> Result<ClaimedRow, Error> {
    Ok(ClaimedRow {
        claim: Claim {
            id: row.get("item_id")?,
            holder: row.get("holder")?,
            attempt: row.get("attempts")?,
        },
        payload: row.get("payload")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
    })
}
