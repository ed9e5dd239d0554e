//! Removal of an account: its rows at once, and for good when the key that its profile lay under
//! is nowhere any more.
//!
//! What goes at once is one transaction, and tokens die with it everywhere. Then the key is
//! replaced ([`crate::ledger::erasures`]); a server finishes what is interrupted. What stays is
//! that the account was there, in the log and in `erasures`: an identifier, nobody's.

use serde::Serialize;

use super::Accounts;
use super::ended::SessionsEnded;
use crate::crypto::seal::SealError;
use crate::domain::id::{AccountId, DeliveryId};
use crate::domain::instant::Instant;
use crate::ledger::Change;
use crate::ledger::audit::{Event, EventKind, Operation};
use crate::ledger::erasures::{BACKUPS_KEPT, ErasureError};
use crate::ledger::outbox::OutboxItem;
use crate::storage::erasures::{self, Erasure};
use crate::storage::{self, authorizations, outbox, sessions};

/// What is left of a removed account.
#[derive(Debug, Serialize)]
pub struct RemovalSummary {
    /// Its identifier.
    pub account_id: AccountId,
    /// `removed`.
    pub status: &'static str,
    /// When it was removed (RFC 3339).
    pub removed_at: String,
    /// When the key that could open it left the key store (RFC 3339); none while that is to come.
    pub key_replaced_at: Option<String>,
    /// When the key store's backups that still hold the key have lapsed (RFC 3339).
    pub complete_after: Option<String>,
}

impl From<Erasure> for RemovalSummary {
    fn from(erasure: Erasure) -> Self {
        let replaced = erasure.key_replaced_at;
        Self {
            account_id: erasure.account_id,
            status: "removed",
            removed_at: erasure.removed_at.to_string(),
            key_replaced_at: replaced.map(|at| at.to_string()),
            complete_after: replaced.map(|at| at.plus(BACKUPS_KEPT).to_string()),
        }
    }
}

/// Why an account was not removed, or not for good.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is no such account, and there was none.
    #[error("there is no such account")]
    Unknown,
    /// What tells of it could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The account is removed; its key is still to be replaced.
    #[error(
        "the account is removed, but its key is not replaced yet ({0}): a server tries again every \
         minute, and so does the same command again"
    )]
    Unfinished(ErasureError),
}

struct Removal {
    account_id: AccountId,
    operation: Operation,
    /// What tells of it, and what told that the sessions ended.
    told: Option<(OutboxItem, DeliveryId)>,
    now: Instant,
}

impl Accounts {
    /// Removes an account with all that belongs to it. Once more, it finishes what was interrupted.
    pub async fn remove(
        &self,
        account_id: AccountId,
        operation: Operation,
    ) -> Result<RemovalSummary, RemoveError> {
        let now = self.now();
        let removal = Removal {
            account_id,
            operation,
            told: self.end_before_removal(account_id, now).await?,
            now,
        };
        let removed: Result<bool, storage::Error> = self
            .ledger
            .write(removal, |entry, removal| {
                Box::pin(async move {
                    let Removal {
                        account_id, now, ..
                    } = *removal;
                    let found = erasures::remove_account(entry.tx(), account_id, now).await?;
                    if found.is_some() {
                        if let Some((told, first)) = &removal.told
                            && outbox::find(entry.tx(), *first).await?.is_some()
                        {
                            entry.enqueue(told).await?;
                        }
                        entry.announce(Change::AccountChanged(account_id));
                        let event = Event::new(EventKind::AccountRemoved, now)
                            .account(account_id)
                            .by(&removal.operation);
                        entry.record(&event).await?;
                    }
                    Ok(found.is_some())
                })
            })
            .await;
        removed?;
        let finished = self.erasures.finish(account_id).await;
        let erasure = finished.map_err(RemoveError::Unfinished)?;
        erasure
            .map(RemovalSummary::from)
            .ok_or(RemoveError::Unknown)
    }

    /// Ends the sessions, so that no client enters one any more, and finds out whom the removal
    /// must tell, since the rows that say so go with the account. Who dies in between has told of
    /// the end already; so it has when that was heard before the rows are gone.
    async fn end_before_removal(
        &self,
        account_id: AccountId,
        now: Instant,
    ) -> Result<Option<(OutboxItem, DeliveryId)>, RemoveError> {
        let told = self.sessions_ended(account_id, now)?;
        let first = told.id();
        let ended: Result<u64, storage::Error> = self
            .ledger
            .write((account_id, told, now), |entry, (account_id, told, now)| {
                Box::pin(async move {
                    let ended = sessions::end_all(entry.tx(), *account_id, *now).await?;
                    if ended > 0 {
                        entry.enqueue(told).await?;
                        entry.announce(Change::AccountChanged(*account_id));
                    }
                    Ok(ended)
                })
            })
            .await;
        if ended? == 0 {
            return Ok(None);
        }
        let mut reader = self.ledger.reader().await?;
        let entered = authorizations::list_entered(&mut reader, account_id, now).await?;
        let ended = SessionsEnded {
            account_id,
            ended_at: now,
            entered: Some(entered),
        };
        Ok(Some((self.tell_ended(&ended)?, first)))
    }

    /// What is left of an account that was removed, if it was.
    pub async fn removal(&self, id: AccountId) -> Result<Option<RemovalSummary>, storage::Error> {
        let erasure = self.erasures.find(id).await?;
        Ok(erasure.map(RemovalSummary::from))
    }
}
