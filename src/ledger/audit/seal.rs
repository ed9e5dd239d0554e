//! Sealing: once a second, one signed batch over what this process saw committed since the last.

use std::sync::Arc;
use std::time::Duration;

use super::batch::{self, BatchKind};
use super::chain::{Chain, Content, End, Tail};
use super::recover::release_lease;
use super::writer::Writer;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::audit::{self, BatchRow};
use crate::storage::{Error, Storage};

/// More at once goes into the next batch.
const EVENTS_IN_A_BATCH: usize = 65_536;
/// How often a writer shows that it lives.
const BEAT: Duration = Duration::from_secs(1);
/// Outcomes looked up at a time.
const LOOK_UPS: usize = 100;

/// What sealing works with.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// Whether a batch took its place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    /// It did.
    Yes,
    /// Another batch has the place.
    Taken,
}

impl Chain {
    /// Seals what is committed, looks up what is unknown and shows that this process lives.
    /// Nothing is lost when it fails or is dropped: the next call goes on from there.
    pub(crate) async fn seal_pending(&self, tools: Tools<'_>) -> Result<(), Error> {
        let mut tail = self.tail.lock().await;
        let writer = self.writer();
        if !writer.is_used() && !writer.is_registered() {
            return Ok(());
        }
        look_up_unknown(&writer, tools).await?;
        loop {
            if tail.in_flight.is_none() {
                tail.in_flight = self.prepare(&tail.end, &writer, tools.clock.now());
            }
            if tail.in_flight.is_none() {
                break;
            }
            if land(&mut tail, tools).await? == Appended::Taken {
                self.rebirth(&mut tail, tools.clock.now(), tools.entropy);
                return Ok(());
            }
        }
        if !self.beat(&mut tail, tools).await? {
            self.rebirth(&mut tail, tools.clock.now(), tools.entropy);
        }
        Ok(())
    }

    /// The next batch of own events, if there are any and there is a key to sign with.
    fn prepare(&self, end: &End, writer: &Writer, now: Instant) -> Option<BatchRow> {
        let seal = self.seal(writer.id(), now)?;
        let pending = writer.take_pending(EVENTS_IN_A_BATCH);
        if pending.is_empty() {
            return None;
        }
        let content = Content {
            kind: BatchKind::Events,
            settled: pending.settled,
            spans: pending.spans(),
            root: pending.root(),
            links: String::new(),
        };
        match end.next(content, &seal) {
            Ok(row) => Some(row),
            Err(error) => {
                tracing::error!(%error, "an audit batch could not be signed");
                writer.put_back(pending);
                None
            }
        }
    }

    /// Enters this process as a writer, so that what it records is looked after from the start.
    pub(crate) async fn register(&self, tools: Tools<'_>) -> Result<(), Error> {
        let writer = self.writer();
        let input = (writer.id(), tools.clock.now());
        tools
            .storage
            .write(input, |tx, &(writer, now)| {
                Box::pin(async move { audit::insert_writer(tx, writer, now).await })
            })
            .await?;
        writer.set_registered();
        Ok(())
    }

    /// Seals what is left and ends the writer: nothing more is expected of it.
    pub(crate) async fn close(&self, tools: Tools<'_>) -> Result<(), Error> {
        self.seal_pending(tools).await?;
        let writer = self.writer();
        if !writer.is_registered() {
            return Ok(());
        }
        let input = (writer.id(), tools.clock.now());
        tools
            .storage
            .write(input, |tx, &(writer, now)| {
                Box::pin(async move { audit::end_writer(tx, writer, now).await })
            })
            .await?;
        release_lease(tools.storage, writer.id()).await
    }

    /// False when this writer was ended by another.
    async fn beat(&self, tail: &mut Tail, tools: Tools<'_>) -> Result<bool, Error> {
        let now = tools.clock.now();
        let writer = self.writer();
        let is_due = tail.last_beat.is_none_or(|last| now.since(last) >= BEAT);
        if !is_due || !writer.is_registered() {
            return Ok(true);
        }
        let lives: bool = tools
            .storage
            .write((writer.id(), now), |tx, &(writer, now)| {
                Box::pin(async move { audit::beat(tx, writer, now).await })
            })
            .await?;
        tail.last_beat = Some(now);
        Ok(lives)
    }
}

/// Brings what is in flight into the chain.
pub(super) async fn land(tail: &mut Tail, tools: Tools<'_>) -> Result<Appended, Error> {
    let Some(row) = &tail.in_flight else {
        return Ok(Appended::Yes);
    };
    let appended = append(tools.storage, row).await?;
    if appended == Appended::Yes {
        tail.end = End::behind(row);
        tail.in_flight = None;
    }
    Ok(appended)
}

/// Stores a batch unless its place is taken by another; storing it twice is storing it once.
pub(super) async fn append(storage: &Storage, row: &BatchRow) -> Result<Appended, Error> {
    storage
        .write(row.clone(), |tx, row| {
            Box::pin(async move {
                if audit::insert_batch(tx, row).await? {
                    return Ok(Appended::Yes);
                }
                let stored = audit::find_batch(tx, row.writer, row.number).await?;
                let same = stored.is_some_and(|stored| batch::hash(&stored) == batch::hash(row));
                Ok(if same { Appended::Yes } else { Appended::Taken })
            })
        })
        .await
}

async fn look_up_unknown(writer: &Arc<Writer>, tools: Tools<'_>) -> Result<(), Error> {
    let now = tools.clock.now();
    let unknown = writer.to_look_up(now, LOOK_UPS);
    if unknown.is_empty() {
        return Ok(());
    }
    let mut reader = tools.storage.reader().await?;
    for one in unknown {
        let found = is_stored(&mut reader, writer.id(), one.seq).await?;
        writer.looked_up(&one, found, now);
    }
    Ok(())
}

async fn is_stored(
    reader: &mut crate::storage::Reader,
    writer: WriterId,
    seq: i64,
) -> Result<bool, Error> {
    Ok(audit::count_events(reader, writer, (seq, seq)).await? > 0)
}
