//! Notices a main database that is older than its key store: somebody put it back from a copy, by other
//! means than `restore`, and what was redeemed or taken away since would count again.
//!
//! Two things only grow there: the numbers of its changes, and the chains of the audit log, in which
//! every redemption is.

use std::sync::atomic::Ordering;

use super::{Journal, JournalError, copied, number};
use crate::domain::instant::Instant;
use crate::storage::changes::{self, Lane};
use crate::storage::{Error, Reader, audit, vault_journal};

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
        for (writer, noted) in chains {
            if audit::last_batch(&mut reader, writer).await? < noted {
                return Err(JournalError::DatabaseIsOlder);
            }
        }
        Ok(())
    }

    /// Notes how far this process's own chain reaches, if that is further than was noted.
    pub(super) async fn note_chain(&self, reader: &mut Reader) -> Result<(), JournalError> {
        let writer = self.ledger.writer();
        // In this order: several may be at it.
        let noted = self.noted.load(Ordering::Acquire);
        let reaches = audit::last_batch(reader, writer).await?;
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
        let forgotten: Result<u64, Error> = self
            .vault
            .write(before, |tx, &before| {
                Box::pin(vault_journal::forget_chains(tx, before))
            })
            .await;
        forgotten.map(drop)
    }
}
