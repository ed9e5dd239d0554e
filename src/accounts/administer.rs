//! What an operator does to one account: look at it, freeze it, unfreeze it.

use serde::Serialize;

use super::Accounts;
use crate::crypto::seal::SealError;
use crate::domain::account::AccountStatus;
use crate::domain::assurance;
use crate::domain::check::Check;
use crate::domain::document::IdentityDocument;
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;
use crate::domain::phone::PhoneNumber;
use crate::ledger::audit::{Event, EventKind, Operation};
use crate::ledger::feed::Change;
use crate::ledger::outbox::OutboxItem;
use crate::ledger::profiles::ProfileError;
use crate::protocol::acr::Acr;
use crate::storage::{self, account_index, accounts, authorizations, checks, sessions};

/// An account as an operator sees it: enough to know which it is, not to learn who.
#[derive(Debug, Serialize)]
pub struct AccountSummary {
    /// Its identifier.
    pub account_id: AccountId,
    /// `active` or `frozen`.
    pub status: &'static str,
    /// The name, masked.
    pub name: String,
    /// Documents: type and masked number.
    pub documents: Vec<MaskedDocument>,
    /// Phones, masked.
    pub phone_numbers: Vec<String>,
    /// The identity assurance level the checks below amount to now; none when they prove nothing.
    pub identity_assurance_level: Option<String>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// When it last changed (RFC 3339).
    pub changed_at: String,
}

/// A document, masked.
#[derive(Debug, Serialize)]
pub struct MaskedDocument {
    /// Its type.
    pub document_type: &'static str,
    /// Its number, masked.
    pub document_number: String,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// It is in that state already.
    #[error("the account is {} already", .0.as_str())]
    Already(AccountStatus),
    /// What tells of it could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

struct StatusChange {
    account_id: AccountId,
    to: AccountStatus,
    operation: Operation,
    told: OutboxItem,
    now: Instant,
}

impl Accounts {
    /// The holder of a document.
    pub async fn find_by_document(
        &self,
        document: &IdentityDocument,
    ) -> Result<Option<AccountId>, storage::Error> {
        let key = self.document_key(document);
        let mut reader = self.ledger.reader().await?;
        account_index::find_by_document(&mut reader, &key).await
    }

    /// What an operator may see of an account.
    pub async fn summarize(&self, id: AccountId) -> Result<Option<AccountSummary>, ProfileError> {
        let Some((account, profile)) = self.profile(id).await? else {
            return Ok(None);
        };
        let mut reader = self.ledger.reader().await?;
        let checks = checks::list(&mut reader, id).await?;
        let level = assurance::derive(&checks, self.now());
        Ok(Some(AccountSummary {
            account_id: id,
            status: account.status.as_str(),
            name: profile.masked(),
            documents: profile
                .documents
                .iter()
                .map(|document| MaskedDocument {
                    document_type: document.document_type().as_str(),
                    document_number: document.masked(),
                })
                .collect(),
            phone_numbers: profile.phones.iter().map(PhoneNumber::masked).collect(),
            identity_assurance_level: level.map(|level| Acr::Identity(level).to_string()),
            checks,
            created_at: account.created_at.to_string(),
            changed_at: account.changed_at.to_string(),
        }))
    }

    /// Stops an account: every session ends, every token and refresh family dies.
    pub async fn freeze(&self, id: AccountId, operation: Operation) -> Result<(), AdministerError> {
        self.change_status(id, AccountStatus::Frozen, operation)
            .await
    }

    /// Lets a frozen account be used again. What was ended by freezing stays ended.
    pub async fn unfreeze(
        &self,
        id: AccountId,
        operation: Operation,
    ) -> Result<(), AdministerError> {
        self.change_status(id, AccountStatus::Active, operation)
            .await
    }

    async fn change_status(
        &self,
        account_id: AccountId,
        to: AccountStatus,
        operation: Operation,
    ) -> Result<(), AdministerError> {
        let now = self.now();
        let change = StatusChange {
            account_id,
            to,
            operation,
            told: self.sessions_ended(account_id, now)?,
            now,
        };
        self.ledger
            .write(change, |entry, change| {
                Box::pin(async move {
                    let StatusChange {
                        account_id,
                        to,
                        told,
                        now,
                        ..
                    } = change;
                    let (from, kind, announced) = match to {
                        AccountStatus::Frozen => (
                            AccountStatus::Active,
                            EventKind::AccountFrozen,
                            Change::AccountChanged(*account_id),
                        ),
                        AccountStatus::Active => (
                            AccountStatus::Frozen,
                            EventKind::AccountUnfrozen,
                            Change::AccountRestored(*account_id),
                        ),
                    };
                    let tx = entry.tx();
                    if !accounts::update_status(tx, *account_id, (from, *to), *now).await? {
                        let known = accounts::find(tx, *account_id).await?.is_some();
                        return Err(if known {
                            AdministerError::Already(*to)
                        } else {
                            AdministerError::Unknown
                        });
                    }
                    // Ended for good: what somebody stole before does not revive with the account.
                    let ended = sessions::end_all(tx, *account_id, *now).await?;
                    authorizations::revoke_all(tx, *account_id, *now).await?;
                    if ended > 0 {
                        entry.enqueue(told).await?;
                    }
                    entry.announce(announced);
                    let event = Event::new(kind, *now)
                        .account(*account_id)
                        .by(&change.operation);
                    entry.record(&event).await?;
                    Ok(())
                })
            })
            .await
    }
}
