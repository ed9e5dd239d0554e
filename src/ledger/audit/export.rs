//! The audit log for witnesses: sealed batches with their events, and the keys that signed them, as
//! lines that can be verified without the database ([`check`]).
//!
//! An export first cuts off what all chains have grown by, and cuts have an order that never changes;
//! so one that goes on behind a position misses nothing that was committed later. It streams: what it
//! remembers grows with the number of chains, not with the log.

pub mod check;
mod line;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use super::batch::{self, Head, ParseHeadError};
use super::recover;
use super::spans::Spans;
use super::tips::Tips;
use super::verify::windows;
use crate::crypto::signing::SigningKey;
use crate::crypto::{PrimitiveError, encoding};
use crate::ledger::Ledger;
use crate::protocol::jose::PublicJwk;
use crate::storage::audit::{self, BatchRow};
use crate::storage::audit_cuts::{self, CutRow};
use crate::storage::{Error, Reader};
use line::{Begin, Digest, End, FORMAT, Key, Line};

const CUTS: i64 = 256;
const BATCHES: i64 = 64;
const EVENTS: i64 = 1_000;
/// Others may cut at the same time; each attempt goes on from what they did.
const ATTEMPTS: u32 = 20;

/// A place in the order in which the log goes out: `17:wri_…:42:hash`, the cut and its last batch. By
/// the latter, a log that was put back to an earlier state does not pass for the one exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    cut: i64,
    head: Head,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.cut, self.head)
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        let (cut, head) = text.split_once(':').ok_or(ParsePositionError)?;
        let position = Self {
            cut: cut.parse().map_err(|_| ParsePositionError)?,
            head: head
                .parse()
                .map_err(|_: ParseHeadError| ParsePositionError)?,
        };
        if position.cut > 0 && position.to_string() == text {
            Ok(position)
        } else {
            Err(ParsePositionError)
        }
    }
}

/// Text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the position of an export (as its last line has it)")]
pub struct ParsePositionError;

/// Why nothing, or not all, was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database does not answer.
    #[error(transparent)]
    Storage(#[from] Error),
    /// The lines cannot be written.
    #[error("the export cannot be written: {0}")]
    Output(#[from] io::Error),
    /// A line cannot be spelled.
    #[error("the export cannot be written: {0}")]
    Spelling(#[from] serde_json::Error),
    /// The end cannot be signed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
    /// The position is of another log.
    #[error(
        "the log does not hold this position: it was put back to an earlier state or cut off; what \
         was exported shows more than it does. Export anew from the start, and keep both"
    )]
    NotHeld,
    /// Another process cut at the same time.
    #[error("other exports kept getting in the way")]
    Raced,
}

/// What an export is made with.
#[derive(Debug)]
pub struct Signing<'a> {
    /// The public keys that may have signed batches.
    pub known: &'a [PublicJwk],
    /// The key that signs the end.
    pub own: &'a SigningKey,
}

/// What was exported.
#[derive(Debug, PartialEq, Eq)]
pub struct Exported {
    /// Where the next export goes on; none when there is nothing yet.
    pub position: Option<Position>,
    /// Batches.
    pub batches: u64,
    /// Events.
    pub events: u64,
    /// Events that no batch seals yet.
    pub pending: u64,
}

/// Writes all that was sealed behind a position.
pub async fn export(
    ledger: &Ledger,
    (issuer, after): (&str, Option<&Position>),
    signing: &Signing<'_>,
    output: &mut (dyn Write + Send),
) -> Result<Exported, ExportError> {
    let mut reader = ledger.reader().await?;
    let from = match after {
        Some(position) => hold(&mut reader, position).await?,
        None => 0,
    };
    cut(ledger).await?;
    let mut exporter = Exporter::new(&mut reader, signing, output);
    exporter.write(&Line::Begin(Begin {
        format: FORMAT,
        issuer: issuer.to_owned(),
        after: after.map(Position::to_string),
    }))?;
    let last = exporter.cuts(from).await?;
    exporter.end(last.or_else(|| after.cloned())).await
}

/// The number of a position that the log holds.
async fn hold(reader: &mut Reader, position: &Position) -> Result<i64, ExportError> {
    let cuts = audit_cuts::behind(reader, position.cut - 1, 1).await?;
    let head = &position.head;
    let is_cut = cuts.first().is_some_and(|cut| {
        (cut.position, cut.writer, cut.last) == (position.cut, head.writer, head.number)
    });
    let found = audit::find_batch(reader, head.writer, head.number).await?;
    let is_same = found.is_some_and(|row| batch::hash(&row) == head.hash);
    if is_cut && is_same {
        Ok(position.cut)
    } else {
        Err(ExportError::NotHeld)
    }
}

/// Cuts off what all chains have grown by.
async fn cut(ledger: &Ledger) -> Result<(), ExportError> {
    for _ in 0..ATTEMPTS {
        let uncut = audit_cuts::uncut(&mut ledger.reader().await?).await?;
        if uncut.is_empty() {
            return Ok(());
        }
        let cut = ledger.storage().write(uncut, |tx, uncut| {
            Box::pin(async move {
                let last = audit_cuts::last_position(tx).await?;
                for (row, position) in uncut.iter().zip(last + 1..) {
                    let row = CutRow {
                        position,
                        ..row.clone()
                    };
                    if !audit_cuts::insert(tx, &row).await? {
                        return Err(ExportError::Raced);
                    }
                }
                Ok(())
            })
        });
        match cut.await {
            Err(ExportError::Raced) => {}
            done => return done,
        }
    }
    Err(ExportError::Raced)
}

/// An export being written.
struct Exporter<'a> {
    reader: &'a mut Reader,
    signing: &'a Signing<'a>,
    output: &'a mut (dyn Write + Send),
    digest: Digest,
    tips: Tips,
    told: BTreeSet<String>,
    known: BTreeMap<&'a str, &'a PublicJwk>,
    batches: u64,
    events: u64,
}

impl<'a> Exporter<'a> {
    fn new(
        reader: &'a mut Reader,
        signing: &'a Signing<'a>,
        output: &'a mut (dyn Write + Send),
    ) -> Self {
        let named = |jwk: &'a PublicJwk| Some((jwk.kid.as_deref()?, jwk));
        Self {
            reader,
            signing,
            output,
            digest: Digest::default(),
            tips: Tips::default(),
            told: BTreeSet::new(),
            known: signing.known.iter().filter_map(named).collect(),
            batches: 0,
            events: 0,
        }
    }

    fn write(&mut self, line: &Line) -> Result<(), ExportError> {
        let mut text = line.to_text()?;
        self.digest.add(text.as_bytes());
        text.push('\n');
        Ok(self.output.write_all(text.as_bytes())?)
    }

    /// All cuts behind a number; the position of the last, if there is one.
    async fn cuts(&mut self, mut from: i64) -> Result<Option<Position>, ExportError> {
        let mut last = None;
        loop {
            let rows = audit_cuts::behind(self.reader, from, CUTS).await?;
            if rows.is_empty() {
                return Ok(last);
            }
            for row in rows {
                from = row.position;
                let head = self.cut(&row).await?;
                last = head.map(|head| Position { cut: from, head }).or(last);
            }
        }
    }

    /// The batches of a cut; its last.
    async fn cut(&mut self, cut: &CutRow) -> Result<Option<Head>, ExportError> {
        let mut from = cut.first;
        let mut last = None;
        while from <= cut.last {
            let rows = audit::batches(self.reader, cut.writer, from, BATCHES).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                from = row.number + 1;
                if row.number <= cut.last {
                    last = Some(Head::of(&row));
                    self.batch(row).await?;
                }
            }
        }
        Ok(last)
    }

    async fn batch(&mut self, row: BatchRow) -> Result<(), ExportError> {
        self.key(&row.key_id)?;
        self.tips.ends(Head::of(&row));
        for head in batch::parse_links(&row.links).unwrap_or_default() {
            self.tips.is_named(&head);
        }
        let (writer, spans) = (row.writer, Spans::parse(&row.spans).unwrap_or_default());
        self.write(&Line::Batch(row.into()))?;
        self.batches += 1;
        for (first, last) in windows(&spans) {
            let mut from = first;
            while from <= last {
                let rows = audit::events(self.reader, writer, (from, last), EVENTS).await?;
                from = rows.last().map_or(i64::MAX, |row| row.seq + 1);
                for event in rows.into_iter().filter(|row| spans.contains(row.seq)) {
                    self.write(&Line::Event(event.into()))?;
                    self.events += 1;
                }
            }
        }
        Ok(())
    }

    /// A key, before the first line that it signed. One that is not ours is not vouched for.
    fn key(&mut self, name: &str) -> Result<(), ExportError> {
        match self.known.get(name) {
            Some(&jwk) if self.told.insert(name.to_owned()) => {
                self.write(&Line::Key(Key { jwk: jwk.clone() }))
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn end(mut self, position: Option<Position>) -> Result<Exported, ExportError> {
        let own = self.signing.own;
        self.key(own.kid())?;
        let heads = std::mem::take(&mut self.tips).heads();
        let mut end = End {
            position: position.as_ref().map(Position::to_string),
            head: (!heads.0.is_empty()).then(|| heads.to_string()),
            batches: self.batches,
            events: self.events,
            pending: recover::pending(self.reader).await?,
            key_id: own.kid().to_owned(),
            signature: String::new(),
        };
        end.signature = encoding::encode(&own.sign(&end.statement(&self.digest)?)?);
        let pending = end.pending;
        self.write(&Line::End(end))?;
        self.output.flush()?;
        Ok(Exported {
            position,
            batches: self.batches,
            events: self.events,
            pending,
        })
    }
}
