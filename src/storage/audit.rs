//! Tables `audit_events`, `audit_batches` and `audit_writers`: the audit log as rows.
//!
//! Events and batches are inserted and never updated. What makes a batch true (roots, signatures,
//! the chain) is the ledger's business.

use super::database::row_values;
use super::{Error, Reader, Row, Transaction, Value, values};
use crate::domain::id::{AccountId, WriterId};
use crate::domain::instant::Instant;

/// One recorded event, the columns as they are stored and sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The process that recorded it.
    pub writer: WriterId,
    /// Its number with that writer. Gaps are rolled back transactions.
    pub seq: i64,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub kind: String,
    /// Whom it concerns.
    pub account_id: Option<AccountId>,
    /// Which client it concerns.
    pub client_id: Option<String>,
    /// The rest, as JSON text.
    pub detail: String,
}

/// One sealed batch, the columns as they are stored; all but `signature` are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow {
    /// Whose chain it belongs to.
    pub writer: WriterId,
    /// Its place in the chain, from 1.
    pub number: i64,
    /// `events`, `recovered` or `link`.
    pub kind: String,
    /// Hash of the batch before it.
    pub previous: String,
    /// When it was sealed.
    pub at: Instant,
    /// Every event below this number is sealed by now or was rolled back.
    pub settled: i64,
    /// The highest number that this chain has sealed.
    pub highest: i64,
    /// How many events it seals.
    pub count: i64,
    /// Which numbers it seals: `1-5,7`.
    pub spans: String,
    /// Root of the tree over these events.
    pub root: String,
    /// Heads of other chains, for a link.
    pub links: String,
    /// The writer that sealed it: another one's when recovered.
    pub sealed_by: WriterId,
    /// The key that signed it.
    pub key_id: String,
    /// The signature.
    pub signature: String,
}

/// The last batch of a chain, as far as the chain was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// Whose chain.
    pub writer: WriterId,
    /// The batch's number.
    pub number: i64,
    /// Its signature, by which it is told from another of its number.
    pub signature: String,
}

/// A writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterRow {
    /// Which.
    pub writer: WriterId,
    /// Its last sign of life.
    pub heartbeat_at: Instant,
    /// When it ended or was found dead.
    pub ended_at: Option<Instant>,
}

fn event(row: &Row, writer: WriterId) -> Result<EventRow, Error> {
    Ok(EventRow {
        writer,
        seq: row.get("seq")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        account_id: row.get("account_id")?,
        client_id: row.get("client_id")?,
        detail: row.get("detail")?,
    })
}

fn batch(row: &Row) -> Result<BatchRow, Error> {
    Ok(BatchRow {
        writer: row.get("writer")?,
        number: row.get("number")?,
        kind: row.get("kind")?,
        previous: row.get("previous")?,
        at: row.get("at")?,
        settled: row.get("settled")?,
        highest: row.get("highest")?,
        count: row.get("count")?,
        spans: row.get("spans")?,
        root: row.get("root")?,
        links: row.get("links")?,
        sealed_by: row.get("sealed_by")?,
        key_id: row.get("key_id")?,
        signature: row.get("signature")?,
    })
}

fn chain_end_of(row: &Row) -> Result<ChainEnd, Error> {
    Ok(ChainEnd {
        writer: row.get("writer")?,
        number: row.get("number")?,
        signature: row.get("signature")?,
    })
}

fn writer(row: &Row) -> Result<WriterRow, Error> {
    Ok(WriterRow {
        writer: row.get("writer")?,
        heartbeat_at: row.get("heartbeat_at")?,
        ended_at: row.get("ended_at")?,
    })
}

const INSERT_EVENT: &str = "INSERT INTO audit_events (writer, seq, at, kind, account_id, client_id, detail) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Writes an event.
pub async fn insert_event(tx: &mut Transaction, row: &EventRow) -> Result<(), Error> {
    tx.execute(INSERT_EVENT, &event_values(row)).await?;
    Ok(())
}

/// Writes many events.
pub async fn insert_events(tx: &mut Transaction, rows: &[EventRow]) -> Result<(), Error> {
    let rows: Vec<_> = rows.iter().map(event_values).collect();
    tx.fetch_each(INSERT_EVENT, &rows).await?;
    Ok(())
}

fn event_values(row: &EventRow) -> Vec<Value<'_>> {
    row_values![
        row.writer,
        row.seq,
        row.at,
        row.kind.as_str(),
        row.account_id,
        row.client_id.as_deref(),
        row.detail.as_str(),
    ]
}

/// Up to `limit` events of a writer with numbers `first..=last`, in order.
pub async fn events(
    reader: &mut Reader,
    writer: WriterId,
    (first, last): (i64, i64),
    limit: i64,
) -> Result<Vec<EventRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT seq, at, kind, account_id, client_id, detail FROM audit_events \
             WHERE writer = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq LIMIT $4",
            values![writer, first, last, limit],
        )
        .await?;
    rows.iter().map(|row| event(row, writer)).collect()
}

/// How many events a writer has with numbers `first..=last`.
pub async fn count_events(
    reader: &mut Reader,
    writer: WriterId,
    (first, last): (i64, i64),
) -> Result<i64, Error> {
    reader
        .fetch_optional(
            "SELECT COUNT(*) AS total FROM audit_events \
             WHERE writer = $1 AND seq >= $2 AND seq <= $3",
            values![writer, first, last],
        )
        .await?
        .map_or(Ok(0), |row| row.get("total"))
}

/// Appends a batch; whether its number was still free.
pub async fn insert_batch(tx: &mut Transaction, row: &BatchRow) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO audit_batches (writer, number, kind, previous, at, settled, highest, \
             count, spans, root, links, sealed_by, key_id, signature) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             ON CONFLICT (writer, number) DO NOTHING",
            values![
                row.writer,
                row.number,
                row.kind.as_str(),
                row.previous.as_str(),
                row.at,
                row.settled,
                row.highest,
                row.count,
                row.spans.as_str(),
                row.root.as_str(),
                row.links.as_str(),
                row.sealed_by,
                row.key_id.as_str(),
                row.signature.as_str(),
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// One batch.
pub async fn find_batch(
    reader: &mut Reader,
    writer: WriterId,
    number: i64,
) -> Result<Option<BatchRow>, Error> {
    reader
        .fetch_optional(
            "SELECT writer, number, kind, previous, at, settled, highest, count, spans, root, \
             links, sealed_by, key_id, signature FROM audit_batches \
             WHERE writer = $1 AND number = $2",
            values![writer, number],
        )
        .await?
        .as_ref()
        .map(batch)
        .transpose()
}

/// Up to `limit` batches of a writer from number `from` up, in order.
pub async fn batches(
    reader: &mut Reader,
    writer: WriterId,
    from: i64,
    limit: i64,
) -> Result<Vec<BatchRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT writer, number, kind, previous, at, settled, highest, count, spans, root, \
             links, sealed_by, key_id, signature FROM audit_batches \
             WHERE writer = $1 AND number >= $2 ORDER BY number LIMIT $3",
            values![writer, from, limit],
        )
        .await?;
    rows.iter().map(batch).collect()
}

/// Up to `limit` batches of a writer below number `below`, the latest first.
pub async fn latest_batches(
    reader: &mut Reader,
    writer: WriterId,
    below: i64,
    limit: i64,
) -> Result<Vec<BatchRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT writer, number, kind, previous, at, settled, highest, count, spans, root, \
             links, sealed_by, key_id, signature FROM audit_batches \
             WHERE writer = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
            values![writer, below, limit],
        )
        .await?;
    rows.iter().map(batch).collect()
}

/// The end of a writer's chain, if it has begun.
pub async fn chain_end(reader: &mut Reader, writer: WriterId) -> Result<Option<ChainEnd>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT writer, number, signature FROM audit_batches \
             WHERE writer = $1 ORDER BY number DESC LIMIT 1",
            values![writer],
        )
        .await?;
    row.as_ref().map(chain_end_of).transpose()
}

/// Those of `ends` whose batches are there: what the chains have at these numbers.
pub async fn batches_at(reader: &mut Reader, ends: &[ChainEnd]) -> Result<Vec<ChainEnd>, Error> {
    let wanted: Vec<_> = ends
        .iter()
        .map(|end| row_values![end.writer, end.number])
        .collect();
    let rows = reader
        .fetch_each(
            "WITH wanted (writer, number) AS (VALUES ($1, CAST($2 AS BIGINT))) \
             SELECT b.writer, b.number, b.signature FROM wanted JOIN audit_batches AS b \
             ON b.writer = wanted.writer AND b.number = wanted.number",
            &wanted,
        )
        .await?;
    rows.iter().map(chain_end_of).collect()
}

/// Enters a writer; nothing when it is there.
pub async fn insert_writer(
    tx: &mut Transaction,
    writer: WriterId,
    now: Instant,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO audit_writers (writer, started_at, heartbeat_at, closed) \
         VALUES ($1, $2, $2, FALSE) ON CONFLICT (writer) DO NOTHING",
        values![writer, now],
    )
    .await?;
    Ok(())
}

/// Notes a sign of life; false when the writer was found dead meanwhile.
pub async fn beat(tx: &mut Transaction, writer: WriterId, now: Instant) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE audit_writers SET heartbeat_at = $2 WHERE writer = $1 AND ended_at IS NULL",
            values![writer, now],
        )
        .await?;
    Ok(updated == 1)
}

/// Ends a writer.
pub async fn end_writer(tx: &mut Transaction, writer: WriterId, now: Instant) -> Result<(), Error> {
    tx.execute(
        "UPDATE audit_writers SET ended_at = $2 WHERE writer = $1 AND ended_at IS NULL",
        values![writer, now],
    )
    .await?;
    Ok(())
}

/// Ends a writer that has given no sign of life since `silent_since`; whether it was one.
pub async fn end_silent_writer(
    tx: &mut Transaction,
    writer: WriterId,
    silent_since: Instant,
    now: Instant,
) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE audit_writers SET ended_at = $3 \
             WHERE writer = $1 AND ended_at IS NULL AND heartbeat_at < $2",
            values![writer, silent_since, now],
        )
        .await?;
    Ok(updated == 1)
}

/// The writers that are not closed.
pub async fn open_writers(reader: &mut Reader) -> Result<Vec<WriterRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT writer, heartbeat_at, ended_at FROM audit_writers \
             WHERE NOT closed ORDER BY writer",
            &[],
        )
        .await?;
    rows.iter().map(writer).collect()
}

/// Closes a writer that ended before `before`.
pub async fn close_writer(
    tx: &mut Transaction,
    writer: WriterId,
    before: Instant,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE audit_writers SET closed = TRUE WHERE writer = $1 AND ended_at < $2",
        values![writer, before],
    )
    .await?;
    Ok(())
}

/// The first writer behind `after` that any of the three tables names: a walk over all chains,
/// also those whose writer row was taken away.
pub async fn next_writer(
    reader: &mut Reader,
    after: Option<WriterId>,
) -> Result<Option<WriterId>, Error> {
    let after = after.map_or_else(String::new, |writer| writer.to_string());
    let row = reader
        .fetch_optional(
            "SELECT MIN(writer) AS writer FROM (\
                 SELECT MIN(writer) AS writer FROM audit_writers WHERE writer > $1 \
                 UNION ALL SELECT MIN(writer) AS writer FROM audit_events WHERE writer > $1 \
                 UNION ALL SELECT MIN(writer) AS writer FROM audit_batches WHERE writer > $1\
             ) AS following",
            values![after],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get("writer"))
}
