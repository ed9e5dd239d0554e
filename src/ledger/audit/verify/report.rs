//! What a verification found.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::id::WriterId;

/// Problems that are listed one by one; beyond, they are counted.
const LISTED: usize = 100;

/// The outcome of a verification.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// No problem was found.
    pub ok: bool,
    /// Chains walked.
    pub writers: u64,
    /// Batches checked.
    pub batches: u64,
    /// Sealed events checked.
    pub events: u64,
    /// Events that no batch seals yet.
    pub pending: u64,
    /// The heads that hold all chains as they are now, to be given to a later verification.
    pub head: Option<String>,
    /// The keys that may have signed it, by their fingerprints.
    pub keys: Vec<String>,
    /// What is wrong, the first hundred of them.
    pub problems: Vec<Problem>,
    /// Problems beyond those listed.
    pub more_problems: u64,
    #[serde(skip)]
    pub(super) kinds: BTreeSet<ProblemKind>,
}

/// What is wrong with a row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// In which way.
    pub kind: ProblemKind,
    /// In whose chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer: Option<WriterId>,
    /// At which batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// At which event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// In words.
    pub text: String,
}

/// The ways in which a log can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// A number is missing in a chain.
    BatchMissing,
    /// A batch does not name the one before it.
    ChainBroken,
    /// A batch is not what the key signed.
    SignatureInvalid,
    /// A batch is signed by no key of this provider; of an export, a batch or the end by none that was
    /// given.
    KeyUnknown,
    /// A batch contradicts itself.
    BatchMalformed,
    /// A sealed event is gone.
    EventMissing,
    /// Sealed events are not those that were sealed: changed or reordered.
    EventsChanged,
    /// An event stands in two batches.
    SealedTwice,
    /// Where all had been settled, no batch seals an event: it was added, or its batch is gone.
    EventUnsealed,
    /// An event waits too long for its seal.
    EventOverdue,
    /// A chain ends before, or differs at, a head that a witness or another chain names.
    HeadMissing,
    /// A line of an export is none that was written so, or stands where it may not.
    LineMalformed,
    /// An export has no end, or not the end that it was written with.
    ExportIncomplete,
    /// An export does not begin where the one before it ends.
    ExportGap,
}

impl Report {
    /// Whether all that is wrong, listed or not, is wrong in this way.
    pub fn has_only(&self, kind: ProblemKind) -> bool {
        self.kinds == BTreeSet::from([kind])
    }

    pub(in crate::ledger::audit) fn add(&mut self, problem: Problem) {
        self.kinds.insert(problem.kind);
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }
}
