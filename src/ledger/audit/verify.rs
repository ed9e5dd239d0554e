//! Proof that the log is what was written: every chain is walked, every root computed anew.
//!
//! Reads in pages and remembers a few numbers, however long the log is. It trusts the keys it is
//! given and nothing in the tables.

mod course;
mod report;

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) use course::{Course, at_batch};
pub use report::{Problem, ProblemKind, Report};

use super::batch::{self, Head, Heads};
use super::spans::Spans;
use super::tips::Tips;
use super::tree::Tree;
use crate::crypto::encoding;
use crate::crypto::verifying::VerifyingKey;
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
    let mut report = Report {
        keys: options.keys.keys().cloned().collect(),
        ..Report::default()
    };
    let mut tips = Tips::default();
    let mut after = None;
    while let Some(writer) = audit::next_writer(&mut reader, after).await? {
        let mut walk = Walk {
            course: Course::from_the_start(writer),
            options,
            reader: &mut reader,
            report: &mut report,
            tips: &mut tips,
        };
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
    course: Course,
    options: &'a Options,
    reader: &'a mut Reader,
    report: &'a mut Report,
    tips: &'a mut Tips,
}

impl Walk<'_> {
    async fn batches(&mut self) -> Result<(), Error> {
        loop {
            let from = self.course.number + 1;
            let rows = audit::batches(self.reader, self.course.writer, from, BATCHES).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                self.batch(row).await?;
            }
        }
    }

    async fn batch(&mut self, row: &BatchRow) -> Result<(), Error> {
        let followed = self.course.follow(row, &self.options.keys, self.report);
        self.tips.ends(Head::of(row));
        let Some(said) = followed else {
            return Ok(());
        };
        self.events(row, &said.spans).await?;
        self.settle(row).await?;
        for head in &said.links {
            let found = audit::find_batch(self.reader, head.writer, head.number).await?;
            let by = format!("link {} of {}", row.number, row.writer);
            check_head(head, found.as_ref(), &by, self.report);
            self.tips.is_named(head);
        }
        Ok(())
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
                let rows =
                    audit::events(self.reader, self.course.writer, (from, last), EVENTS).await?;
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
            at_batch(self.report, ProblemKind::EventMissing, row, &text);
        } else if encoding::encode(&tree.root()) != row.root {
            let text = format!("the events {spans} are not those that were sealed");
            at_batch(self.report, ProblemKind::EventsChanged, row, &text);
        }
        Ok(())
    }

    /// Below its settled mark, every event must be sealed by now.
    async fn settle(&mut self, row: &BatchRow) -> Result<(), Error> {
        let Some((below, sealed)) = self.course.settle(row) else {
            return Ok(());
        };
        let stored = audit::count_events(self.reader, self.course.writer, below).await?;
        if stored > sealed {
            let count = stored - sealed;
            let text = format!(
                "{count} of the events {} to {} are in no batch",
                below.0, below.1
            );
            self.at_event(ProblemKind::EventUnsealed, below.0, text);
        }
        Ok(())
    }

    /// Counts what is not sealed yet.
    async fn pending(&mut self) -> Result<(), Error> {
        let mut from = self.course.settled;
        loop {
            let rows =
                audit::events(self.reader, self.course.writer, (from, i64::MAX), EVENTS).await?;
            let Some(last) = rows.last().map(|row| row.seq) else {
                return Ok(());
            };
            for row in &rows {
                if !self.course.sealed.contains(row.seq) {
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

    fn at_event(&mut self, kind: ProblemKind, seq: i64, text: String) {
        self.report.add(Problem {
            kind,
            writer: Some(self.course.writer),
            batch: None,
            seq: Some(seq),
            text,
        });
    }
}

pub(super) fn check_head(
    head: &Head,
    found: Option<&BatchRow>,
    named_by: &str,
    report: &mut Report,
) {
    let text = match found {
        Some(row) if batch::hash(row) == head.hash => return,
        Some(_) => format!("is not the batch that {named_by} names"),
        None => format!("is gone, but {named_by} names it"),
    };
    report.add(Problem {
        kind: ProblemKind::HeadMissing,
        writer: Some(head.writer),
        batch: Some(head.number),
        seq: None,
        text,
    });
}

/// The ranges with near ones joined, so that a batch with many small gaps is not read in many
/// small steps.
pub(super) fn windows(spans: &Spans) -> Vec<(i64, i64)> {
    let mut windows: Vec<(i64, i64)> = Vec::new();
    for (first, last) in spans.ranges() {
        match windows.last_mut() {
            Some(open) if first - open.1 < NEAR => open.1 = last,
            _ => windows.push((first, last)),
        }
    }
    windows
}
