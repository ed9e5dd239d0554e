//! This process's chain: who writes it, what signs it, where it ends.

use std::sync::{Arc, PoisonError, RwLock};

use super::batch::{self, BatchKind, GENESIS};
use super::spans::Spans;
use super::writer::Writer;
use crate::crypto::PrimitiveError;
use crate::crypto::encoding;
use crate::crypto::signing::SigningKey;
use crate::domain::entropy::Entropy;
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::audit::BatchRow;

/// A process's chain.
#[derive(Debug)]
pub(crate) struct Chain {
    writer: RwLock<Arc<Writer>>,
    signer: RwLock<Option<Arc<SigningKey>>>,
    /// Held while sealing: one batch follows another.
    pub(super) tail: tokio::sync::Mutex<Tail>,
}

/// The end of a chain, and what is on its way into it.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) end: End,
    /// Signed, and not yet known to be stored: kept across errors, since it may be.
    pub(super) in_flight: Option<BatchRow>,
    pub(super) last_beat: Option<Instant>,
    /// What the last link said, and where it left this chain.
    pub(super) last_link: Option<(String, i64)>,
}

/// Where a chain ends.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) writer: WriterId,
    pub(super) number: i64,
    pub(super) hash: String,
    pub(super) settled: i64,
    pub(super) highest: i64,
}

impl End {
    /// Of a chain without batches.
    pub(super) fn genesis(writer: WriterId) -> Self {
        Self {
            writer,
            number: 0,
            hash: GENESIS.to_owned(),
            settled: 1,
            highest: 0,
        }
    }

    /// Behind a batch.
    pub(super) fn behind(row: &BatchRow) -> Self {
        Self {
            writer: row.writer,
            number: row.number,
            hash: batch::hash(row),
            settled: row.settled,
            highest: row.highest,
        }
    }

    /// The next batch, signed.
    pub(super) fn next(&self, content: Content, seal: &Seal) -> Result<BatchRow, PrimitiveError> {
        let mut row = BatchRow {
            writer: self.writer,
            number: self.number + 1,
            kind: content.kind.name().to_owned(),
            previous: self.hash.clone(),
            at: seal.at,
            settled: content.settled.max(self.settled),
            highest: content.spans.highest().unwrap_or(0).max(self.highest),
            count: content.spans.count(),
            spans: content.spans.to_string(),
            root: encoding::encode(&content.root),
            links: content.links,
            sealed_by: seal.by,
            key_id: seal.signer.kid().to_owned(),
            signature: String::new(),
        };
        row.signature = encoding::encode(&seal.signer.sign(&batch::statement(&row))?);
        Ok(row)
    }
}

/// What a batch is to say.
pub(super) struct Content {
    pub(super) kind: BatchKind,
    pub(super) settled: i64,
    pub(super) spans: Spans,
    pub(super) root: super::tree::Hash,
    pub(super) links: String,
}

/// Who seals, when and with what.
pub(super) struct Seal {
    pub(super) by: WriterId,
    pub(super) at: Instant,
    pub(super) signer: Arc<SigningKey>,
}

impl Chain {
    pub(crate) fn new(now: Instant, entropy: &dyn Entropy) -> Self {
        let writer = Writer::new(WriterId::ordered(now, entropy));
        Self {
            tail: tokio::sync::Mutex::new(Tail::of(&writer)),
            writer: RwLock::new(Arc::new(writer)),
            signer: RwLock::default(),
        }
    }

    /// Who records now.
    pub(crate) fn writer(&self) -> Arc<Writer> {
        let writer = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&writer)
    }

    /// Signs with this key from now on.
    pub(crate) fn set_signer(&self, key: Arc<SigningKey>) {
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    pub(super) fn seal(&self, by: WriterId, at: Instant) -> Option<Seal> {
        let signer = self.signer.read().unwrap_or_else(PoisonError::into_inner);
        signer.as_ref().map(|signer| Seal {
            by,
            at,
            signer: Arc::clone(signer),
        })
    }

    /// Begins a new chain: another process took this one for dead and ended it. What its writer
    /// still has open, that process finds in the database.
    pub(super) fn rebirth(&self, tail: &mut Tail, now: Instant, entropy: &dyn Entropy) {
        let writer = Writer::new(WriterId::ordered(now, entropy));
        tracing::warn!(
            from = %tail.end.writer,
            to = %writer.id(),
            "this process was taken for dead; its audit chain begins anew"
        );
        *tail = Tail::of(&writer);
        *self.writer.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(writer);
    }
}

impl Tail {
    fn of(writer: &Writer) -> Self {
        Self {
            end: End::genesis(writer.id()),
            in_flight: None,
            last_beat: None,
            last_link: None,
        }
    }
}
