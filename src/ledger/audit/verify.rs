//! Proof that the log is what was written: every chain is walked, every root computed anew.
//!
//! Reads in pages and remembers a few numbers, however long the log is. It trusts the keys it is
//! given and nothing in the tables.

mod report;

use std::collections::BTreeMap;
use std::time::Duration;

pub use report::{Problem, ProblemKind, Report};

use super::batch::{self, BatchKind, GENESIS, Head, Heads};
use super::spans::Spans;
use super::tips::Tips;
use super::tree::Tree;
use crate::crypto::encoding;
use crate::crypto::verifying::VerifyingKey;
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::audit::{self, BatchRow, EventRow};
use crate::storage::{Error, Reader, Storage};

const BATCHES: i64 = 64;
const EVENTS: i64 = 1_000;
/// Ranges that lie closer than this are read in one go.
const NEAR: i64 = 100;
/// Sealing takes a second; an event that waits longer was not meant to be sealed.
const OVERDUE: Duration = Duration::from_secs(5);

/// What to verify against.
#[derive(Debug)]
pub struct Options {
    /// Heads that a witness noted: the log must contain them.
    pub heads: Heads,
    /// The time, for the age of pending events.
    pub now: Instant,
    /// The keys that may have signed batches, by name.
    pub keys: BTreeMap<String, VerifyingKey>,
}

/// Verifies the whole log.
pub async fn verify(storage: &Storage, options: &Options) -> Result<Report, Error> {
    let mut reader = storage.reader().await?;
    let mut report = Report::default();
    let mut tips = Tips::default();
    let mut after = None;
    while let Some(writer) = audit::next_writer(&mut reader, after).await? {
        let mut walk = Walk::new(writer, options, &mut reader, (&mut report, &mut tips));
        walk.batches().await?;
        walk.pending().await?;
        report.writers += 1;
        after = Some(writer);
    }
    for head in &options.heads.0 {
        let found = audit::find_batch(&mut reader, head.writer, head.number).await?;
        check_head(head, found.as_ref(), "a given head", &mut report);
    }
    let heads = tips.heads();
    report.head = (!heads.0.is_empty()).then(|| heads.to_string());
    report.ok = report.problems.is_empty();
    Ok(report)
}

/// A walk along one chain.
struct Walk<'a> {
    writer: WriterId,
    options: &'a Options,
    reader: &'a mut Reader,
    report: &'a mut Report,
    tips: &'a mut Tips,
    number: i64,
    /// Hash of the batch before; none when that one is missing.
    previous: Option<String>,
    settled: i64,
    highest: i64,
    /// What is sealed from `settled` on.
    sealed: Spans,
}

impl<'a> Walk<'a> {
    fn new(
        writer: WriterId,
        options: &'a Options,
        reader: &'a mut Reader,
        (report, tips): (&'a mut Report, &'a mut Tips),
    ) -> Self {
        Self {
            writer,
            options,
            reader,
            report,
            tips,
            number: 0,
            previous: Some(GENESIS.to_owned()),
            settled: 1,
            highest: 0,
            sealed: Spans::default(),
        }
    }

    async fn batches(&mut self) -> Result<(), Error> {
        loop {
            let rows = audit::batches(self.reader, self.writer, self.number + 1, BATCHES).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                self.batch(row).await?;
            }
        }
    }

    async fn batch(&mut self, row: &BatchRow) -> Result<(), Error> {
        self.report.batches += 1;
        self.place(row);
        self.signature(row);
        let head = Head::of(row);
        self.number = row.number;
        self.previous = Some(head.hash.clone());
        self.tips.ends(head);
        let (Some(kind), Ok(spans), Ok(links)) = (
            BatchKind::parse(&row.kind),
            Spans::parse(&row.spans),
            batch::parse_links(&row.links),
        ) else {
            self.at_batch(
                ProblemKind::BatchMalformed,
                row,
                "holds what no batch may hold",
            );
            return Ok(());
        };
        self.consistency(row, kind, &spans);
        self.events(row, &spans).await?;
        self.settle(row).await?;
        for head in &links {
            let found = audit::find_batch(self.reader, head.writer, head.number).await?;
            let by = format!("link {} of {}", row.number, row.writer);
            check_head(head, found.as_ref(), &by, self.report);
            self.tips.is_named(head);
        }
        Ok(())
    }

    /// Its number and what it says came before.
    fn place(&mut self, row: &BatchRow) {
        if row.number != self.number + 1 {
            let text = format!("batches {} to {} are gone", self.number + 1, row.number - 1);
            self.at_batch(ProblemKind::BatchMissing, row, &text);
        } else if self.previous.as_ref() != Some(&row.previous) {
            self.at_batch(
                ProblemKind::ChainBroken,
                row,
                "does not follow the one before it",
            );
        }
    }

    fn signature(&mut self, row: &BatchRow) {
        let Some(key) = self.options.keys.get(&row.key_id) else {
            self.at_batch(ProblemKind::KeyUnknown, row, "is signed by an unknown key");
            return;
        };
        let holds = encoding::decode(&row.signature)
            .is_some_and(|signature| key.verify(&batch::statement(row), &signature));
        if !holds {
            self.at_batch(ProblemKind::SignatureInvalid, row, "is not what was signed");
        }
    }

    /// Whether its columns agree with each other and with the chain so far.
    fn consistency(&mut self, row: &BatchRow, kind: BatchKind, spans: &Spans) {
        let highest = spans.highest().unwrap_or(0).max(self.highest);
        let fits = match kind {
            BatchKind::Events => row.sealed_by == row.writer && row.links.is_empty(),
            BatchKind::Recovered => row.links.is_empty(),
            BatchKind::Link => row.sealed_by == row.writer && row.count == 0,
        };
        let agrees =
            row.count == spans.count() && row.settled >= self.settled && row.highest == highest;
        if !(fits && agrees) {
            self.at_batch(
                ProblemKind::BatchMalformed,
                row,
                "contradicts itself or its chain",
            );
        }
        self.highest = highest;
        let twice = match spans.lowest() {
            Some(lowest) if lowest < self.settled => Some(lowest),
            _ => self.sealed.absorb(spans),
        };
        if let Some(seq) = twice {
            let text = format!("batch {} seals what another had sealed", row.number);
            self.at_event(ProblemKind::SealedTwice, seq, text);
        }
    }

    /// Computes the root anew from the rows.
    async fn events(&mut self, row: &BatchRow, spans: &Spans) -> Result<(), Error> {
        let mut tree = Tree::default();
        let mut found = 0;
        let mut expected = spans.ranges().flat_map(|(first, last)| first..=last);
        let mut first_missing = None;
        for (first, last) in windows(spans) {
            let mut from = first;
            loop {
                let rows = audit::events(self.reader, self.writer, (from, last), EVENTS).await?;
                for event in rows.iter().filter(|event| spans.contains(event.seq)) {
                    if first_missing.is_none() {
                        first_missing = expected.next().filter(|seq| *seq != event.seq);
                    }
                    tree.push(batch::event_leaf(event));
                    found += 1;
                }
                match rows.last() {
                    Some(event) if event.seq < last => from = event.seq + 1,
                    _ => break,
                }
            }
        }
        self.report.events += found;
        if let Some(seq) = first_missing.or_else(|| expected.next()) {
            let text = format!("of the sealed events {spans}, {seq} is gone; {found} are left");
            self.at_batch(ProblemKind::EventMissing, row, &text);
        } else if encoding::encode(&tree.root()) != row.root {
            let text = format!("the events {spans} are not those that were sealed");
            self.at_batch(ProblemKind::EventsChanged, row, &text);
        }
        Ok(())
    }

    /// Below its settled mark, every event must be sealed by now.
    async fn settle(&mut self, row: &BatchRow) -> Result<(), Error> {
        if row.settled <= self.settled {
            return Ok(());
        }
        let below = (self.settled, row.settled - 1);
        let sealed = self.sealed.drain_below(row.settled);
        let stored = audit::count_events(self.reader, self.writer, below).await?;
        if stored > sealed {
            let count = stored - sealed;
            let text = format!(
                "{count} of the events {} to {} are in no batch",
                below.0, below.1
            );
            self.at_event(ProblemKind::EventUnsealed, below.0, text);
        }
        self.settled = row.settled;
        Ok(())
    }

    /// Counts what is not sealed yet.
    async fn pending(&mut self) -> Result<(), Error> {
        let mut from = self.settled;
        loop {
            let rows = audit::events(self.reader, self.writer, (from, i64::MAX), EVENTS).await?;
            let Some(last) = rows.last().map(|row| row.seq) else {
                return Ok(());
            };
            for row in &rows {
                if !self.sealed.contains(row.seq) {
                    self.report.pending += 1;
                    self.age(row);
                }
            }
            from = last.saturating_add(1);
        }
    }

    fn age(&mut self, row: &EventRow) {
        let age = self.options.now.since(row.at);
        if age > OVERDUE {
            let text = format!("not sealed since {}", row.at);
            self.at_event(ProblemKind::EventOverdue, row.seq, text);
        }
    }

    fn at_batch(&mut self, kind: ProblemKind, row: &BatchRow, text: &str) {
        self.report.add(Problem {
            kind,
            writer: self.writer,
            batch: Some(row.number),
            seq: None,
            text: text.to_owned(),
        });
    }

    fn at_event(&mut self, kind: ProblemKind, seq: i64, text: String) {
        self.report.add(Problem {
            kind,
            writer: self.writer,
            batch: None,
            seq: Some(seq),
            text,
        });
    }
}

fn check_head(head: &Head, found: Option<&BatchRow>, named_by: &str, report: &mut Report) {
    let text = match found {
        Some(row) if batch::hash(row) == head.hash => return,
        Some(_) => format!("is not the batch that {named_by} names"),
        None => format!("is gone, but {named_by} names it"),
    };
    report.add(Problem {
        kind: ProblemKind::HeadMissing,
        writer: head.writer,
        batch: Some(head.number),
        seq: None,
        text,
    });
}

/// The ranges with near ones joined, so that a batch with many small gaps is not read in many
/// small steps.
fn windows(spans: &Spans) -> Vec<(i64, i64)> {
    let mut windows: Vec<(i64, i64)> = Vec::new();
    for (first, last) in spans.ranges() {
        match windows.last_mut() {
            Some(open) if first - open.1 < NEAR => open.1 = last,
            _ => windows.push((first, last)),
        }
    }
    windows
}
