//! Notices a main database that is older than its key store: somebody put it back from a copy, by other
//! means than `restore`, and what was redeemed or taken away since would count again.
//!
//! Two things only grow there: the numbers of its changes, and the chains of the audit log, in which
//! every redemption is.

use std::sync::PoisonError;

use super::{Journal, JournalError, copied, number};
use crate::domain::instant::Instant;
use crate::storage::audit::{self, ChainEnd};
use crate::storage::changes::{self, Lane};
use crate::storage::{Error, Reader, SWEEP_LIMIT, Storage, vault_journal};

impl Journal {
    /// Refuses a database that is older than the journal, or has gone on from one that was.
    pub async fn check(&self) -> Result<(), JournalError> {
        // In this order: what the database has only grows meanwhile.
        let mut vault = self.vault.reader().await?;
        let copied = copied(&mut vault).await?;
        let ends = vault_journal::chain_ends(&mut vault).await?;
        drop(vault);
        let mut reader = self.ledger.reader().await?;
        let lanes = changes::lanes(&mut reader).await?;
        let is_older = |lane: &Lane| number(&copied, lane.lane) > lane.seq;
        if lanes.iter().any(is_older) {
            return Err(JournalError::DatabaseIsOlder);
        }
        require(&mut reader, &ends).await
    }

    /// Where this process's chain ends now, once what was noted of it is seen to be there. Before
    /// anything is copied: a database that was put back gives numbers again that were given before.
    pub(super) async fn chain_end(
        &self,
        reader: &mut Reader,
    ) -> Result<Option<ChainEnd>, JournalError> {
        let noted = self.noted();
        let end = audit::chain_end(reader, self.ledger.writer()).await?;
        if let Some(noted) = noted.filter(|noted| Some(noted) != end.as_ref()) {
            require(reader, &[noted]).await?;
        }
        Ok(end)
    }

    /// Notes where this process's chain ends.
    pub(super) async fn note_chain_end(&self, end: ChainEnd) -> Result<(), JournalError> {
        if self.noted().as_ref() == Some(&end) {
            return Ok(());
        }
        let written: Result<(), Error> = self
            .vault
            .write((end.clone(), self.ledger.now()), |tx, (end, now)| {
                Box::pin(vault_journal::note_chain_end(tx, end, *now))
            })
            .await;
        written?;
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_behind = |one: &ChainEnd| one.writer != end.writer || one.number < end.number;
        if noted.as_ref().is_none_or(is_behind) {
            *noted = Some(end);
        }
        Ok(())
    }

    fn noted(&self) -> Option<ChainEnd> {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clone()
    }

    /// Forgets chains that no copy is older than which could still be put back.
    pub(super) async fn forget_chains(&self, before: Instant) -> Result<(), Error> {
        forget_chains(&self.vault, before).await
    }
}

/// Refuses a database in which one of these batches is missing, or another has its number.
async fn require(reader: &mut Reader, ends: &[ChainEnd]) -> Result<(), JournalError> {
    let there = audit::batches_at(reader, ends).await?;
    if ends.iter().all(|end| there.contains(end)) {
        Ok(())
    } else {
        Err(JournalError::DatabaseIsOlder)
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
