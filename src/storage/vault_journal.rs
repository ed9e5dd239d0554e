//! Tables `journal_lanes`, `journal_chains` and `takeaways` of the key store: what was taken away in
//! the main database, where a restore of that database finds it, and how far that database had come.
//!
//! Several processes copy at once: a row gives way only to one of a later change, and a lane's
//! number only grows. These functions run on the key store's [`super::Storage`].

use super::audit::ChainEnd;
use super::{Error, Reader, SWEEP_LIMIT, Transaction, values};
use crate::domain::instant::Instant;

/// How far a lane of the main database's change feed is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLane {
    /// Which lane.
    pub lane: i64,
    /// Its last change that is in the journal.
    pub seq: i64,
    /// All changes behind this one are; whether earlier ones are is not known.
    pub covered_from: i64,
}

/// A thing as it was after its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeawayRow {
    /// What kind of thing.
    pub kind: String,
    /// Which one.
    pub subject: String,
    /// The lane of the change.
    pub lane: i64,
    /// Its number in the lane.
    pub seq: i64,
    /// When it was made.
    pub at: Instant,
    /// Until when a restore may ask for it.
    pub kept_until: Instant,
    /// What was left of it, where that is to be said.
    pub state: Option<String>,
}

/// The lanes, in order; those that nothing was copied of yet are not there.
pub async fn lanes(reader: &mut Reader) -> Result<Vec<JournalLane>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT lane, seq, covered_from FROM journal_lanes ORDER BY lane",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(JournalLane {
                lane: row.get("lane")?,
                seq: row.get("seq")?,
                covered_from: row.get("covered_from")?,
            })
        })
        .collect()
}

/// Moves a lane on, unless it is further already.
pub async fn advance(tx: &mut Transaction, lane: JournalLane) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO journal_lanes (lane, seq, covered_from) VALUES ($1, $2, $3)
         ON CONFLICT (lane) DO UPDATE
             SET seq = excluded.seq,
                 covered_from = CASE WHEN excluded.covered_from > journal_lanes.covered_from
                                     THEN excluded.covered_from
                                     ELSE journal_lanes.covered_from END
           WHERE journal_lanes.seq < excluded.seq",
        values![lane.lane, lane.seq, lane.covered_from],
    )
    .await?;
    Ok(())
}

/// Notes a thing as it is after a change, unless what is noted is of a later one.
pub async fn note(tx: &mut Transaction, row: &TakeawayRow) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO takeaways (kind, subject, lane, seq, at, kept_until, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (kind, subject) DO UPDATE
             SET lane = excluded.lane, seq = excluded.seq, at = excluded.at,
                 kept_until = excluded.kept_until, state = excluded.state
           WHERE takeaways.seq <= excluded.seq",
        values![
            row.kind.as_str(),
            row.subject.as_str(),
            row.lane,
            row.seq,
            row.at,
            row.kept_until,
            row.state.as_deref(),
        ],
    )
    .await?;
    Ok(())
}

/// Up to `limit` things behind a kind and subject, in their order.
pub async fn page(
    reader: &mut Reader,
    (kind, subject): (&str, &str),
    limit: u32,
) -> Result<Vec<TakeawayRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT kind, subject, lane, seq, at, kept_until, state FROM takeaways
              WHERE (kind, subject) > ($1, $2) ORDER BY kind, subject LIMIT $3",
            values![kind, subject, limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(TakeawayRow {
                kind: row.get("kind")?,
                subject: row.get("subject")?,
                lane: row.get("lane")?,
                seq: row.get("seq")?,
                at: row.get("at")?,
                kept_until: row.get("kept_until")?,
                state: row.get("state")?,
            })
        })
        .collect()
}

/// Deletes things that no restore may ask for any more; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_old(tx: &mut Transaction, now: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM takeaways WHERE (kind, subject) IN (
             SELECT kind, subject FROM takeaways WHERE kept_until < $1
              ORDER BY kept_until LIMIT $2)",
        values![now, SWEEP_LIMIT],
    )
    .await
}

/// Where each process's chain ended when it was last seen in the main database.
pub async fn chain_ends(reader: &mut Reader) -> Result<Vec<ChainEnd>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT writer, number, signature FROM journal_chains ORDER BY writer",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ChainEnd {
                writer: row.get("writer")?,
                number: row.get("number")?,
                signature: row.get("signature")?,
            })
        })
        .collect()
}

/// Notes where a chain ends, unless more of it is noted.
pub async fn note_chain_end(
    tx: &mut Transaction,
    end: &ChainEnd,
    now: Instant,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO journal_chains (writer, number, signature, noted_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (writer) DO UPDATE
             SET number = excluded.number, signature = excluded.signature,
                 noted_at = excluded.noted_at
           WHERE journal_chains.number < excluded.number",
        values![end.writer, end.number, end.signature.as_str(), now],
    )
    .await?;
    Ok(())
}

/// Forgets chains that did not grow since `before`; at most [`SWEEP_LIMIT`]. The number forgotten.
pub async fn forget_chains(tx: &mut Transaction, before: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM journal_chains WHERE writer IN (
             SELECT writer FROM journal_chains WHERE noted_at < $1 LIMIT $2)",
        values![before, SWEEP_LIMIT],
    )
    .await
}
