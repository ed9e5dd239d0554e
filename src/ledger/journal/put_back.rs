//! Notices a main database that is older than its key store: somebody put it back from a copy, by other
//! means than `restore`, and what was redeemed or taken away since would count again.
//!
//! Two things only grow there: the numbers of its changes, and the chains of the audit log, in which
//! every redemption is.

use std::sync::atomic::Ordering;

use super::{Journal, JournalError, copied, number};
use crate::domain::id::WriterId;
use crate::domain::instant::Instant;
use crate::storage::changes::{self, Lane};
use crate::storage::{Error, Reader, SWEEP_LIMIT, Storage, audit, vault_journal};

impl Journal {
    /// Refuses a database that is older than the journal.
    pub async fn check(&self) -> Result<(), JournalError> {
        // In this order: what the database has only grows meanwhile.
        let mut vault = self.vault.reader().await?;
        let copied = copied(&mut vault).await?;
        let chains = vault_journal::chains(&mut vault).await?;
        drop(vault);
        let mut reader = self.ledger.reader().await?;
        let lanes = changes::lanes(&mut reader).await?;
        let is_older = |lane: &Lane| number(&copied, lane.lane) > lane.seq;
        if lanes.iter().any(is_older) {
            return Err(JournalError::DatabaseIsOlder);
        }
        let writers: Vec<WriterId> = chains.iter().map(|(writer, _)| *writer).collect();
        let reached = audit::last_batches(&mut reader, &writers).await?;
        let is_cut = |(writer, noted): &(WriterId, i64)| reached.get(writer) < Some(noted);
        if chains.iter().any(is_cut) {
            return Err(JournalError::DatabaseIsOlder);
        }
        Ok(())
    }

    /// Notes how far this process's own chain reaches, if that is further than was noted.
    pub(super) async fn note_chain(&self, reader: &mut Reader) -> Result<(), JournalError> {
        let writer = self.ledger.writer();
        // In this order: several may be at it.
        let noted = self.noted.load(Ordering::Acquire);
        let reached = audit::last_batches(reader, &[writer]).await?;
        let reaches = reached.get(&writer).copied().unwrap_or(0);
        if reaches < noted {
            return Err(JournalError::DatabaseIsOlder);
        }
        if reaches == noted {
            return Ok(());
        }
        let chain = (writer, reaches);
        let written: Result<(), Error> = self
            .vault
            .write((chain, self.ledger.now()), |tx, &(chain, now)| {
                Box::pin(vault_journal::note_chain(tx, chain, now))
            })
            .await;
        written?;
        self.noted.fetch_max(reaches, Ordering::AcqRel);
        Ok(())
    }

    /// Forgets chains that no copy is older than which could still be put back.
    pub(super) async fn forget_chains(&self, before: Instant) -> Result<(), Error> {
        forget_chains(&self.vault, before).await
    }
}

/// Forgets chains that did not grow since `before`.
pub(super) async fn forget_chains(vault: &Storage, before: Instant) -> Result<(), Error> {
    loop {
        let forgotten = vault.write(before, |tx, &before| {
            Box::pin(vault_journal::forget_chains(tx, before))
        });
        let forgotten: Result<u64, Error> = forgotten.await;
        if forgotten? < u64::from(SWEEP_LIMIT) {
            return Ok(());
        }
    }
}
