//! An export's lines: JSON objects, each with its `type`, in the one spelling that is written.
//!
//! `begin`, then keys, batches and their events as they come, then `end`, which signs all before it.
//! Numbers and texts are those of the database's columns, which the signatures are over.

use std::io::{self, BufRead, Read as _};

use serde::{Deserialize, Serialize};

use crate::crypto::digest::sha256;
use crate::crypto::encoding;
use crate::domain::id::{AccountId, WriterId};
use crate::domain::instant::Instant;
use crate::ledger::audit::tree::Hash;
use crate::protocol::jose::PublicJwk;
use crate::storage::audit::{BatchRow, EventRow};

/// The version of what is written here.
pub(super) const FORMAT: u32 = 1;
/// Longer lines are none of ours: a batch names what it seals, and all open chains.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// A line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Begin(Begin),
    Key(Key),
    Batch(Batch),
    Event(Event),
    End(End),
}

/// What the export is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) format: u32,
    pub(super) issuer: String,
    /// The position that it goes on from; none from the start.
    pub(super) after: Option<String>,
}

/// A key that signed what follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) jwk: PublicJwk,
}

/// A batch; its events follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    writer: WriterId,
    number: i64,
    kind: String,
    previous: String,
    at: i64,
    settled: i64,
    highest: i64,
    count: i64,
    spans: String,
    root: String,
    links: String,
    sealed_by: WriterId,
    key_id: String,
    signature: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    writer: WriterId,
    seq: i64,
    at: i64,
    kind: String,
    account_id: Option<AccountId>,
    client_id: Option<String>,
    /// JSON in a text: sealed letter by letter.
    detail: String,
}

/// The end of an export, and a signature of it and of all lines before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Where the next export goes on; none when there is nothing yet.
    pub(super) position: Option<String>,
    /// Heads that hold all chains of this export.
    pub(super) head: Option<String>,
    pub(super) batches: u64,
    pub(super) events: u64,
    /// Events that no batch sealed yet when this was written.
    pub(super) pending: u64,
    pub(super) key_id: String,
    pub(super) signature: String,
}

/// A line without its end; what is too long is cut, and so is no line of ours.
pub(super) fn read_line(input: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    (&mut *input).take(MAX_LINE).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Ok(Some(text))
}

impl Line {
    /// As it is written, without the line's end.
    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The line of a text, in no other spelling than ours.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let line: Self = serde_json::from_slice(text).ok()?;
        let same = line.to_text().ok()?.as_bytes() == text;
        same.then_some(line)
    }
}

impl End {
    /// What is signed, for all lines before it by their digest.
    pub(super) fn statement(&self, digest: &Digest) -> Result<Vec<u8>, serde_json::Error> {
        let unsigned = Self {
            signature: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsigned)?;
        Ok(encoding::length_prefixed(&[
            b"tongxing audit export 1",
            &digest.0,
            &text,
        ]))
    }
}

/// A digest of lines that grows with them.
#[derive(Default)]
pub(super) struct Digest(Hash);

impl Digest {
    pub(super) fn add(&mut self, line: &[u8]) {
        self.0 = sha256(&[&self.0, line]);
    }
}

impl From<BatchRow> for Batch {
    fn from(row: BatchRow) -> Self {
        Self {
            writer: row.writer,
            number: row.number,
            kind: row.kind,
            previous: row.previous,
            at: row.at.as_millis(),
            settled: row.settled,
            highest: row.highest,
            count: row.count,
            spans: row.spans,
            root: row.root,
            links: row.links,
            sealed_by: row.sealed_by,
            key_id: row.key_id,
            signature: row.signature,
        }
    }
}

impl From<Batch> for BatchRow {
    fn from(line: Batch) -> Self {
        Self {
            writer: line.writer,
            number: line.number,
            kind: line.kind,
            previous: line.previous,
            at: Instant::from_millis(line.at),
            settled: line.settled,
            highest: line.highest,
            count: line.count,
            spans: line.spans,
            root: line.root,
            links: line.links,
            sealed_by: line.sealed_by,
            key_id: line.key_id,
            signature: line.signature,
        }
    }
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            writer: row.writer,
            seq: row.seq,
            at: row.at.as_millis(),
            kind: row.kind,
            account_id: row.account_id,
            client_id: row.client_id,
            detail: row.detail,
        }
    }
}

impl From<Event> for EventRow {
    fn from(line: Event) -> Self {
        Self {
            writer: line.writer,
            seq: line.seq,
            at: Instant::from_millis(line.at),
            kind: line.kind,
            account_id: line.account_id,
            client_id: line.client_id,
            detail: line.detail,
        }
    }
}
