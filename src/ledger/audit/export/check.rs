//! Exports verified by themselves, in the order in which they were made: signatures, chains, trees,
//! and that nothing is missing between them.
//!
//! Files are read twice, line by line: first for what links name, then for everything. It trusts the
//! keys that it is told to and, when it is told of none, those in the files: then all that is proven is
//! that one owner of one key wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use serde::Serialize;

use super::Position;
use super::line::{Digest, End, FORMAT, Line, read_line};
use crate::crypto::encoding;
use crate::crypto::jwk::thumbprint;
use crate::crypto::verifying::VerifyingKey;
use crate::domain::id::WriterId;
use crate::ledger::audit::batch::{self, Head, Heads};
use crate::ledger::audit::tips::Tips;
use crate::ledger::audit::tree::Tree;
use crate::ledger::audit::verify::{Course, Problem, ProblemKind, Report, at_batch};
use crate::protocol::jose::{PublicJwk, SignatureAlgorithm};
use crate::storage::audit::{BatchRow, EventRow};

/// A file of an export, which can be opened twice.
pub trait Source {
    /// How to call it.
    fn name(&self) -> String;
    /// Its lines from the first.
    fn open(&self) -> io::Result<Box<dyn BufRead>>;
}

/// What to verify against.
#[derive(Debug, Default)]
pub struct Expected {
    /// The keys that may have signed, by their fingerprints; empty: those that the files bring.
    pub keys: BTreeSet<String>,
    /// Heads that a witness noted: the files must contain them.
    pub heads: Heads,
}

/// Whose word the keys are taken at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysFrom {
    /// The verifier named them.
    Given,
    /// They stand in the files, which proves little until they are compared.
    File,
}

/// The outcome.
#[derive(Debug, Serialize)]
pub struct ExportReport {
    /// What was found.
    #[serde(flatten)]
    pub report: Report,
    /// Whose word the keys are taken at.
    pub keys_from: KeysFrom,
    /// The position that the first file goes on from; none from the start.
    pub after: Option<String>,
    /// The position that the last one ends at.
    pub position: Option<String>,
}

/// Verifies files that go on from each other.
pub fn check(sources: &[&dyn Source], expected: &Expected) -> io::Result<ExportReport> {
    let mut checker = Checker::new(expected);
    for source in sources {
        let mut lines = source.open()?;
        while let Some(text) = read_line(&mut *lines)? {
            if let Some(Line::Batch(line)) = Line::parse(&text) {
                checker.gather(&line.into());
            }
        }
    }
    for source in sources {
        checker.file(&source.name(), source.open()?)?;
    }
    Ok(checker.finish())
}

type Place = (WriterId, i64);

/// What is known after some lines.
struct Checker<'a> {
    expected: &'a Expected,
    report: Report,
    keys: BTreeMap<String, VerifyingKey>,
    signed: BTreeSet<String>,
    courses: BTreeMap<WriterId, Course>,
    tips: Tips,
    /// What links name, until it comes.
    named: BTreeMap<Place, String>,
    /// What the verifier was told of, until it comes.
    noted: BTreeMap<Place, String>,
    beginning: Beginning,
    position: Option<String>,
}

/// What the first file goes on from.
enum Beginning {
    Unread,
    Start,
    Behind(String),
}

/// What is known of one file.
struct File<'a> {
    name: &'a str,
    line: u64,
    digest: Digest,
    open: Option<Open>,
    began: bool,
    ended: bool,
    batches: u64,
    events: u64,
    /// The last batch, which the position names.
    last: Option<Head>,
}

/// A batch whose events are coming.
struct Open {
    row: BatchRow,
    tree: Tree,
    found: i64,
}

impl<'a> Checker<'a> {
    fn new(expected: &'a Expected) -> Self {
        let place = |head: &Head| ((head.writer, head.number), head.hash.clone());
        Self {
            expected,
            report: Report::default(),
            keys: BTreeMap::new(),
            signed: BTreeSet::new(),
            courses: BTreeMap::new(),
            tips: Tips::default(),
            named: BTreeMap::new(),
            noted: expected.heads.0.iter().map(place).collect(),
            beginning: Beginning::Unread,
            position: None,
        }
    }

    /// Notes what a link names.
    fn gather(&mut self, row: &BatchRow) {
        for head in batch::parse_links(&row.links).unwrap_or_default() {
            let place = (head.writer, head.number);
            let named = self.named.entry(place).or_insert_with(|| head.hash.clone());
            if *named != head.hash {
                self.missing(place, "is named by two links, and differently");
            }
        }
    }

    fn file(&mut self, name: &str, mut input: Box<dyn BufRead>) -> io::Result<()> {
        let mut file = File {
            name,
            line: 0,
            digest: Digest::default(),
            open: None,
            began: false,
            ended: false,
            batches: 0,
            events: 0,
            last: None,
        };
        while let Some(text) = read_line(&mut *input)? {
            file.line += 1;
            match Line::parse(&text) {
                Some(line) => self.line(&mut file, line),
                None => self.at_line(&file, "is no line of an export"),
            }
            file.digest.add(&text);
        }
        self.close(&mut file);
        if !file.ended {
            let text = format!("{name} has no end");
            self.add(ProblemKind::ExportIncomplete, text);
        }
        Ok(())
    }

    fn line(&mut self, file: &mut File<'_>, line: Line) {
        let is_begin = matches!(line, Line::Begin(_));
        if file.ended || is_begin == file.began {
            self.at_line(file, "stands where it may not");
            return;
        }
        match line {
            Line::Begin(begin) => {
                file.began = true;
                if begin.format != FORMAT {
                    self.at_line(file, "is of another format");
                }
                self.begin(file.name, begin.after);
            }
            Line::Key(key) => self.key(file, &key.jwk),
            Line::Batch(line) => {
                self.close(file);
                self.batch(file, line.into());
            }
            Line::Event(line) => self.event(file, &line.into()),
            Line::End(end) => {
                self.close(file);
                file.ended = true;
                self.end(file, &end);
            }
        }
    }

    /// Each file goes on where the one before it ended.
    fn begin(&mut self, name: &str, after: Option<String>) {
        match &self.beginning {
            Beginning::Unread => {
                self.beginning = after.map_or(Beginning::Start, Beginning::Behind);
            }
            Beginning::Start | Beginning::Behind(_) if after == self.position => {}
            Beginning::Start | Beginning::Behind(_) => {
                let text = format!("{name} does not go on where the file before it ends");
                self.add(ProblemKind::ExportGap, text);
            }
        }
    }

    /// A key counts if its name is its thumbprint and, when some were given, one of them.
    fn key(&mut self, file: &File<'_>, jwk: &PublicJwk) {
        let key = VerifyingKey::for_algorithm(jwk, SignatureAlgorithm::EdDsa).ok();
        let name = thumbprint(&jwk.parameters).ok();
        let (Some(key), Some(name)) = (key, name) else {
            return self.at_line(file, "is no key that signs audit logs");
        };
        if jwk.kid.as_ref() != Some(&name) {
            return self.at_line(file, "is a key by another name than its own");
        }
        if self.expected.keys.is_empty() || self.expected.keys.contains(&name) {
            self.keys.insert(name, key);
        }
    }

    fn batch(&mut self, file: &mut File<'_>, row: BatchRow) {
        let is_whole = matches!(self.beginning, Beginning::Start);
        let course = self.courses.entry(row.writer).or_insert_with(|| {
            if is_whole {
                Course::from_the_start(row.writer)
            } else {
                Course::before(&row)
            }
        });
        let said = course.follow(&row, &self.keys, &mut self.report);
        course.settle(&row);
        let head = Head::of(&row);
        self.signed.insert(row.key_id.clone());
        let place = (head.writer, head.number);
        for named in [self.named.remove(&place), self.noted.remove(&place)] {
            if named.is_some_and(|hash| hash != head.hash) {
                self.missing(place, "is not the batch that a head names");
            }
        }
        for named in said.iter().flat_map(|said| &said.links) {
            self.tips.is_named(named);
        }
        self.tips.ends(head.clone());
        file.last = Some(head);
        file.batches += 1;
        file.open = Some(Open {
            row,
            tree: Tree::default(),
            found: 0,
        });
    }

    fn event(&mut self, file: &mut File<'_>, event: &EventRow) {
        match &mut file.open {
            Some(open) if open.row.writer == event.writer => {
                open.tree.push(batch::event_leaf(event));
                open.found += 1;
                file.events += 1;
                self.report.events += 1;
            }
            Some(_) | None => self.at_line(file, "is an event without its batch"),
        }
    }

    /// A batch has had its events.
    fn close(&mut self, file: &mut File<'_>) {
        let Some(Open { row, tree, found }) = file.open.take() else {
            return;
        };
        if found < row.count {
            let text = format!("of its {} events, {found} are there", row.count);
            at_batch(&mut self.report, ProblemKind::EventMissing, &row, &text);
        } else if encoding::encode(&tree.root()) != row.root {
            let text = format!("the events {} are not those that were sealed", row.spans);
            at_batch(&mut self.report, ProblemKind::EventsChanged, &row, &text);
        }
    }

    fn end(&mut self, file: &File<'_>, end: &End) {
        let signed = |key: &VerifyingKey| {
            let statement = end.statement(&file.digest).ok()?;
            let signature = encoding::decode(&end.signature)?;
            Some(key.verify(&statement, &signature))
        };
        let key = self.keys.get(&end.key_id);
        // Without the key nothing is known of the signature, be it good or bad.
        let is_signed = key.is_none_or(|key| signed(key) == Some(true));
        if key.is_none() {
            let text = format!("{} ends with the signature of an unknown key", file.name);
            self.add(ProblemKind::KeyUnknown, text);
        }
        let is_counted = (end.batches, end.events) == (file.batches, file.events);
        let position: Option<Position> = end.position.as_ref().and_then(|text| text.parse().ok());
        let is_last = file.last.is_none() || position.map(|position| position.head) == file.last;
        if !(is_signed && is_counted && is_last) {
            let text = format!("{} has not the end that it was written with", file.name);
            self.add(ProblemKind::ExportIncomplete, text);
        }
        self.signed.insert(end.key_id.clone());
        self.report.pending = end.pending;
        self.position.clone_from(&end.position);
    }

    fn finish(mut self) -> ExportReport {
        let is_whole = matches!(self.beginning, Beginning::Start);
        for ((writer, number), _) in std::mem::take(&mut self.named) {
            // What is not here may be in an earlier file, but not what comes after these.
            let reached = self.courses.get(&writer).map(|course| course.number);
            if reached.map_or(is_whole, |reached| number > reached) {
                self.missing((writer, number), "is gone, but a link names it");
            }
        }
        for (place, _) in std::mem::take(&mut self.noted) {
            self.missing(place, "is not here, but a given head names it");
        }
        // Who leaves a key out cannot be shown to have forged what it signed: a whole export has them all.
        for key_id in std::mem::take(&mut self.signed) {
            if self.expected.keys.contains(&key_id) && !self.keys.contains_key(&key_id) {
                let text = format!("the key {key_id}, by which they say they are signed, is gone");
                self.add(ProblemKind::ExportIncomplete, text);
            }
            self.report.keys.push(key_id);
        }
        let heads = std::mem::take(&mut self.tips).heads();
        let mut report = std::mem::take(&mut self.report);
        report.writers = self.courses.values().map(|_| 1_u64).sum();
        report.head = (!heads.0.is_empty()).then(|| heads.to_string());
        report.ok = report.problems.is_empty();
        let keys_from = if self.expected.keys.is_empty() {
            KeysFrom::File
        } else {
            KeysFrom::Given
        };
        let after = match self.beginning {
            Beginning::Behind(position) => Some(position),
            Beginning::Unread | Beginning::Start => None,
        };
        ExportReport {
            report,
            keys_from,
            after,
            position: self.position,
        }
    }

    fn missing(&mut self, (writer, number): Place, text: &str) {
        self.report.add(Problem {
            kind: ProblemKind::HeadMissing,
            writer: Some(writer),
            batch: Some(number),
            seq: None,
            text: text.to_owned(),
        });
    }

    fn at_line(&mut self, file: &File<'_>, text: &str) {
        let text = format!("{}, line {}: {text}", file.name, file.line);
        self.add(ProblemKind::LineMalformed, text);
    }

    fn add(&mut self, kind: ProblemKind, text: String) {
        self.report.add(Problem {
            kind,
            writer: None,
            batch: None,
            seq: None,
            text,
        });
    }
}
