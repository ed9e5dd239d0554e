//! What one process at a time does for all: seals what dead processes left, and ties all chains
//! together.

use std::time::Duration;

use super::batch::{BatchKind, Head, print_links};
use super::chain::{Chain, Content, End};
use super::seal::{Appended, Tools, append, land};
use super::spans::Spans;
use super::tree::Tree;
use super::{batch, tree};
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::audit::{self, WriterRow};
use crate::storage::{Error, Reader, Storage, leases};

const LEASE: &str = "audit";
const LEASE_FOR: Duration = Duration::from_secs(10);
/// A writer that shows no sign of life for so long is dead: five beats. Should it live after all,
/// nothing is lost, so this is as short as what may wait for its seal.
const DEAD_AFTER: Duration = Duration::from_secs(5);
/// Transactions of a process that ended are looked for this long all the time,
const SOON: Duration = Duration::from_secs(30);
/// and this long now and then: no database commits one later.
const LATE_COMMITS: Duration = Duration::from_mins(10);
/// Events sealed in one recovered batch.
const PAGE: i64 = 1_000;

impl Chain {
    /// Enters this process among the writers; then seals events that dead processes left unsealed,
    /// if it holds the lease.
    pub(crate) async fn recover(&self, tools: Tools<'_>) -> Result<(), Error> {
        let own = self.writer();
        if !own.is_registered() {
            self.register(tools).await?;
        }
        if take_lease(tools.storage, own.id(), tools.clock.now()).await? {
            self.seal_ended(tools, SOON).await?;
        }
        Ok(())
    }

    /// Seals what is left by writers that are dead or ended no longer than `lately` ago.
    async fn seal_ended(&self, tools: Tools<'_>, lately: Duration) -> Result<(), Error> {
        let now = tools.clock.now();
        let own = self.writer().id();
        let mut reader = tools.storage.reader().await?;
        for row in audit::open_writers(&mut reader).await? {
            let is_old = row.ended_at.is_some_and(|ended| now.since(ended) > lately);
            if row.writer != own && !is_old && is_over(tools.storage, &row, now).await? {
                self.seal_left_over(tools, &mut reader, row.writer).await?;
            }
        }
        Ok(())
    }

    /// Seals what a dead writer left. Its chain ends with recovered batches; should it live after
    /// all, it finds its place taken and begins another chain.
    async fn seal_left_over(
        &self,
        tools: Tools<'_>,
        reader: &mut Reader,
        writer: WriterId,
    ) -> Result<(), Error> {
        loop {
            let Some(seal) = self.seal(self.writer().id(), tools.clock.now()) else {
                return Ok(());
            };
            let (end, sealed) = unsettled(reader, writer).await?;
            let (spans, root) = left_over(reader, writer, end.settled, &sealed).await?;
            if spans.count() == 0 {
                return Ok(());
            }
            tracing::warn!(%writer, events = spans.count(), "sealing events of a dead process");
            let content = Content {
                kind: BatchKind::Recovered,
                settled: end.settled,
                spans,
                root,
                links: String::new(),
            };
            let Ok(row) = end.next(content, &seal) else {
                return Ok(());
            };
            if append(tools.storage, &row).await? == Appended::Taken {
                return Ok(());
            }
        }
    }

    /// Writes a batch that names the heads of all chains, and logs its own head for witnesses; none
    /// when nothing happened since the last or another process holds the lease.
    pub(crate) async fn link(&self, tools: Tools<'_>) -> Result<Option<Head>, Error> {
        let now = tools.clock.now();
        let own = self.writer();
        if !own.is_registered() || !take_lease(tools.storage, own.id(), now).await? {
            return Ok(None);
        }
        self.seal_ended(tools, LATE_COMMITS).await?;
        let mut tail = self.tail.lock().await;
        if tail.end.writer != own.id() || tail.in_flight.is_some() {
            return Ok(None);
        }
        let mut reader = tools.storage.reader().await?;
        let writers = audit::open_writers(&mut reader).await?;
        let heads = heads(&mut reader, &writers, own.id()).await?;
        let links = print_links(&heads);
        let Some(seal) = self.seal(own.id(), now) else {
            return Ok(None);
        };
        let state = (links.clone(), tail.end.number);
        if tail.last_link.as_ref() == Some(&state) {
            return Ok(None);
        }
        let content = Content {
            kind: BatchKind::Link,
            settled: tail.end.settled,
            spans: Spans::default(),
            root: Tree::default().root(),
            links,
        };
        let Ok(row) = tail.end.next(content, &seal) else {
            return Ok(None);
        };
        let head = Head::of(&row);
        tail.in_flight = Some(row);
        if land(&mut tail, tools).await? == Appended::Taken {
            self.rebirth(&mut tail, now, tools.entropy);
            return Ok(None);
        }
        tail.last_link = Some((state.0, tail.end.number));
        drop(tail);
        close_ended(tools.storage, writers, now).await?;
        tracing::info!(%head, chains = heads.len() + 1, "audit chains linked");
        Ok(Some(head))
    }
}

async fn take_lease(storage: &Storage, holder: WriterId, now: Instant) -> Result<bool, Error> {
    let until = now.plus(LEASE_FOR);
    storage
        .write((holder, now, until), |tx, &(holder, now, until)| {
            Box::pin(async move { leases::take(tx, LEASE, holder, (now, until)).await })
        })
        .await
}

/// Gives the lease back, so that another process need not wait for its end.
pub(super) async fn release_lease(storage: &Storage, holder: WriterId) -> Result<(), Error> {
    storage
        .write(holder, |tx, &holder| {
            Box::pin(async move { leases::release(tx, LEASE, holder).await })
        })
        .await
}

/// Whether a writer ended, or is ended here since it gives no sign of life.
async fn is_over(storage: &Storage, row: &WriterRow, now: Instant) -> Result<bool, Error> {
    let silent_since = now.minus(DEAD_AFTER);
    if row.ended_at.is_some() || row.heartbeat_at >= silent_since {
        return Ok(row.ended_at.is_some());
    }
    storage
        .write(
            (row.writer, silent_since, now),
            |tx, &(writer, silent_since, now)| {
                Box::pin(
                    async move { audit::end_silent_writer(tx, writer, silent_since, now).await },
                )
            },
        )
        .await
}

/// Where a chain ends, and which events from its settled mark on it has sealed.
async fn unsettled(reader: &mut Reader, writer: WriterId) -> Result<(End, Spans), Error> {
    let mut end: Option<End> = None;
    let mut sealed = Spans::default();
    let mut below = i64::MAX;
    loop {
        let batches = audit::latest_batches(reader, writer, below, PAGE).await?;
        for row in &batches {
            let end = end.get_or_insert_with(|| End::behind(row));
            if row.highest < end.settled {
                // Neither this batch nor one before it seals anything from there on.
                return Ok((end.clone(), sealed));
            }
            let spans = Spans::parse(&row.spans).map_err(|_| Error::Corrupt {
                table: "audit_batches",
                column: "spans",
            })?;
            sealed.absorb(&spans);
            below = row.number;
        }
        if batches.is_empty() {
            let end = end.unwrap_or_else(|| End::genesis(writer));
            return Ok((end, sealed));
        }
    }
}

/// The first events from `settled` on that are not sealed, and the root over them.
async fn left_over(
    reader: &mut Reader,
    writer: WriterId,
    settled: i64,
    sealed: &Spans,
) -> Result<(Spans, tree::Hash), Error> {
    let mut seqs = Vec::new();
    let mut tree = Tree::default();
    let mut from = settled;
    loop {
        let rows = audit::events(reader, writer, (from, i64::MAX), PAGE).await?;
        for row in rows.iter().filter(|row| !sealed.contains(row.seq)) {
            seqs.push(row.seq);
            tree.push(batch::event_leaf(row));
        }
        match rows.last() {
            Some(last) if seqs.is_empty() => from = last.seq + 1,
            _ => return Ok((Spans::of_ascending(seqs.into_iter()), tree.root())),
        }
    }
}

/// How many events of open writers no batch seals yet.
pub(super) async fn pending(reader: &mut Reader) -> Result<u64, Error> {
    let mut pending = 0;
    for row in audit::open_writers(reader).await? {
        let (end, sealed) = unsettled(reader, row.writer).await?;
        let mut from = end.settled;
        loop {
            let rows = audit::events(reader, row.writer, (from, i64::MAX), PAGE).await?;
            let unsealed = rows.iter().filter(|row| !sealed.contains(row.seq));
            pending += unsealed.map(|_| 1).sum::<u64>();
            match rows.last() {
                Some(last) => from = last.seq + 1,
                None => break,
            }
        }
    }
    Ok(pending)
}

async fn heads(
    reader: &mut Reader,
    writers: &[WriterRow],
    own: WriterId,
) -> Result<Vec<Head>, Error> {
    let mut heads = Vec::with_capacity(writers.len());
    for row in writers.iter().filter(|row| row.writer != own) {
        let last = audit::latest_batches(reader, row.writer, i64::MAX, 1).await?;
        heads.extend(last.first().map(Head::of));
    }
    Ok(heads)
}

/// Closes writers that ended long ago: their last heads stand in the link just written.
async fn close_ended(
    storage: &Storage,
    writers: Vec<WriterRow>,
    now: Instant,
) -> Result<(), Error> {
    let before = now.minus(LATE_COMMITS);
    let is_old = |row: &WriterRow| row.ended_at.is_some_and(|ended| ended < before);
    let ended: Vec<WriterId> = writers
        .iter()
        .filter(|row| is_old(row))
        .map(|row| row.writer)
        .collect();
    if ended.is_empty() {
        return Ok(());
    }
    storage
        .write((ended, before), |tx, (ended, before)| {
            Box::pin(async move {
                for writer in ended {
                    audit::close_writer(tx, *writer, *before).await?;
                }
                Ok(())
            })
        })
        .await
}
