//! One chain followed batch by batch: whether each follows the one before it, is signed, and agrees
//! with itself. The same for batches of the database and of an export; knows nothing of events.

use std::collections::BTreeMap;

use super::report::{Problem, ProblemKind, Report};
use crate::crypto::encoding;
use crate::crypto::verifying::VerifyingKey;
use crate::domain::id::WriterId;
use crate::ledger::audit::batch::{self, BatchKind, GENESIS, Head};
use crate::ledger::audit::spans::Spans;
use crate::storage::audit::BatchRow;

/// How far a chain was followed.
pub(in crate::ledger::audit) struct Course {
    pub(in crate::ledger::audit) writer: WriterId,
    pub(in crate::ledger::audit) number: i64,
    /// Hash of the batch before; none when that one is not there.
    previous: Option<String>,
    pub(in crate::ledger::audit) settled: i64,
    highest: i64,
    /// What is sealed from `settled` on.
    pub(in crate::ledger::audit) sealed: Spans,
}

/// What a batch says, parsed.
pub(in crate::ledger::audit) struct Said {
    pub(in crate::ledger::audit) spans: Spans,
    pub(in crate::ledger::audit) links: Vec<Head>,
}

impl Course {
    /// Before the first batch.
    pub(in crate::ledger::audit) fn from_the_start(writer: WriterId) -> Self {
        Self {
            writer,
            number: 0,
            previous: Some(GENESIS.to_owned()),
            settled: 1,
            highest: 0,
            sealed: Spans::default(),
        }
    }

    /// Before a batch whose forerunners are elsewhere.
    pub(in crate::ledger::audit) fn before(row: &BatchRow) -> Self {
        let lowest = Spans::parse(&row.spans)
            .ok()
            .and_then(|spans| spans.lowest());
        Self {
            writer: row.writer,
            number: row.number.saturating_sub(1),
            previous: Some(row.previous.clone()),
            settled: lowest.unwrap_or(row.settled).min(row.settled),
            // What came before may have been higher, and is taken at the batch's word.
            highest: row.highest,
            sealed: Spans::default(),
        }
    }

    /// Goes on to the next batch; what it says, unless that cannot be read.
    pub(in crate::ledger::audit) fn follow(
        &mut self,
        row: &BatchRow,
        keys: &BTreeMap<String, VerifyingKey>,
        report: &mut Report,
    ) -> Option<Said> {
        report.batches += 1;
        self.place(row, report);
        signature(row, keys, report);
        self.number = row.number;
        self.previous = Some(batch::hash(row));
        let (Some(kind), Ok(spans), Ok(links)) = (
            BatchKind::parse(&row.kind),
            Spans::parse(&row.spans),
            batch::parse_links(&row.links),
        ) else {
            let text = "holds what no batch may hold";
            at_batch(report, ProblemKind::BatchMalformed, row, text);
            return None;
        };
        self.consistency(row, kind, &spans, report);
        Some(Said { spans, links })
    }

    /// Its number and what it says came before.
    fn place(&self, row: &BatchRow, report: &mut Report) {
        let next = self.number.saturating_add(1);
        if row.number != next {
            let text = format!(
                "batches {next} to {} are gone",
                row.number.saturating_sub(1)
            );
            at_batch(report, ProblemKind::BatchMissing, row, &text);
        } else if self.previous.as_ref() != Some(&row.previous) {
            let text = "does not follow the one before it";
            at_batch(report, ProblemKind::ChainBroken, row, text);
        }
    }

    /// Whether its columns agree with each other and with the chain so far.
    fn consistency(&mut self, row: &BatchRow, kind: BatchKind, spans: &Spans, report: &mut Report) {
        let highest = spans.highest().unwrap_or(0).max(self.highest);
        let fits = match kind {
            BatchKind::Events => row.sealed_by == row.writer && row.links.is_empty(),
            BatchKind::Recovered => row.links.is_empty(),
            BatchKind::Link => row.sealed_by == row.writer && row.count == 0,
        };
        let agrees =
            row.count == spans.count() && row.settled >= self.settled && row.highest == highest;
        if !(fits && agrees) {
            let text = "contradicts itself or its chain";
            at_batch(report, ProblemKind::BatchMalformed, row, text);
        }
        self.highest = highest;
        let twice = match spans.lowest() {
            Some(lowest) if lowest < self.settled => Some(lowest),
            _ => self.sealed.absorb(spans),
        };
        if let Some(seq) = twice {
            report.add(Problem {
                kind: ProblemKind::SealedTwice,
                writer: Some(self.writer),
                batch: None,
                seq: Some(seq),
                text: format!("batch {} seals what another had sealed", row.number),
            });
        }
    }

    /// Moves the settled mark; the numbers passed, and how many of them were sealed.
    pub(in crate::ledger::audit) fn settle(&mut self, row: &BatchRow) -> Option<((i64, i64), i64)> {
        if row.settled <= self.settled {
            return None;
        }
        let below = (self.settled, row.settled - 1);
        let sealed = self.sealed.drain_below(row.settled);
        self.settled = row.settled;
        Some((below, sealed))
    }
}

fn signature(row: &BatchRow, keys: &BTreeMap<String, VerifyingKey>, report: &mut Report) {
    let Some(key) = keys.get(&row.key_id) else {
        let text = "is signed by an unknown key";
        at_batch(report, ProblemKind::KeyUnknown, row, text);
        return;
    };
    let holds = encoding::decode(&row.signature)
        .is_some_and(|signature| key.verify(&batch::statement(row), &signature));
    if !holds {
        let text = "is not what was signed";
        at_batch(report, ProblemKind::SignatureInvalid, row, text);
    }
}

/// Notes what is wrong with a batch.
pub(in crate::ledger::audit) fn at_batch(
    report: &mut Report,
    kind: ProblemKind,
    row: &BatchRow,
    text: &str,
) {
    report.add(Problem {
        kind,
        writer: Some(row.writer),
        batch: Some(row.number),
        seq: None,
        text: text.to_owned(),
    });
}
