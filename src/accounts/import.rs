//! Bulk import of accounts: one JSON object a line, read as a stream and written in chunks.
//!
//! A line stands or falls alone, whatever its chunk is like. A line whose document has an account
//! already changes nothing, so that an import which was cut off is resumed by running it again. What
//! is counted is committed.

mod chunk;

use std::sync::Arc;

use serde::Serialize;
use tokio::task::JoinSet;

use super::Accounts;
use crate::ledger::audit::Operation;
use crate::ledger::profiles::ProfileError;
use crate::storage;
use chunk::{Chunk, Import, Outcome};

/// How many chunks are worked on at once: while one is written, the next is sealed.
const CHUNKS: usize = 2;

/// What became of an import.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct ImportSummary {
    /// Accounts made.
    pub imported: u64,
    /// Lines whose document has an account already.
    pub existing: u64,
    /// Lines refused.
    pub rejected: u64,
}

impl ImportSummary {
    /// Lines of which it is known what became of them.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.imported + self.existing + self.rejected
    }
}

/// A refused line.
#[derive(Debug, Serialize)]
pub struct Rejection {
    /// The line's number, from 1.
    pub line: u64,
    /// Why, without anything personal.
    pub reason: String,
}

/// Who hears how an import goes.
pub trait ImportListener: Send {
    /// A line was refused.
    fn rejected(&mut self, rejection: &Rejection) -> std::io::Result<()>;
    /// Some lines are done.
    fn progress(&mut self, summary: &ImportSummary);
}

/// Why an import stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read, or the rejections not be written.
    #[error("line {line}: {source}")]
    Io {
        /// The line it stopped at.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// A profile could not be sealed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

type Outcomes = Result<Vec<(u64, Outcome)>, ImportError>;

impl Accounts {
    /// Imports every line of `lines`, on nobody's order; the caller bounds them.
    pub async fn import(
        &self,
        lines: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        listener: &mut dyn ImportListener,
    ) -> Result<ImportSummary, ImportError> {
        self.import_with(lines, listener, None).await
    }

    /// The same on an operator's order, for a reason: both go to the audit log.
    pub async fn import_by(
        &self,
        lines: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        listener: &mut dyn ImportListener,
        operation: &Operation,
    ) -> Result<ImportSummary, ImportError> {
        self.import_with(lines, listener, Some(operation.clone()))
            .await
    }

    async fn import_with(
        &self,
        lines: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        listener: &mut dyn ImportListener,
        by: Option<Operation>,
    ) -> Result<ImportSummary, ImportError> {
        let mut summary = ImportSummary::default();
        let mut running = JoinSet::new();
        let import = Arc::new(Import::new(by));
        let mut lines = (1..).zip(lines);
        loop {
            let mut chunk = Chunk::default();
            for (line, text) in &mut lines {
                let text = text.map_err(|source| ImportError::Io { line, source })?;
                chunk.add(line, &text, self.now());
                if chunk.is_full() {
                    break;
                }
            }
            if chunk.is_empty() {
                break;
            }
            if running.len() >= CHUNKS {
                settle(&mut running, &mut summary, listener).await?;
            }
            let (accounts, import) = (self.clone(), Arc::clone(&import));
            running.spawn(async move { accounts.import_chunk(chunk, &import).await });
        }
        while !running.is_empty() {
            settle(&mut running, &mut summary, listener).await?;
        }
        Ok(summary)
    }
}

/// Takes up one finished chunk.
async fn settle(
    running: &mut JoinSet<Outcomes>,
    summary: &mut ImportSummary,
    listener: &mut dyn ImportListener,
) -> Result<(), ImportError> {
    let Some(finished) = running.join_next().await else {
        return Ok(());
    };
    let outcomes = finished.map_err(|error| {
        storage::Error::Unavailable(format!("a chunk of lines was cut off: {error}"))
    })??;
    for (line, outcome) in outcomes {
        match outcome {
            Outcome::Imported => summary.imported += 1,
            Outcome::Existing => summary.existing += 1,
            Outcome::Rejected(reason) => {
                summary.rejected += 1;
                listener
                    .rejected(&Rejection { line, reason })
                    .map_err(|source| ImportError::Io { line, source })?;
            }
        }
    }
    listener.progress(summary);
    Ok(())
}
