//! That sessions ended: told to the clients that were entered in them.
//!
//! Whoever ends a session puts this into the outbox in the same transaction, so that none ends
//! unheard. Which clients there are to tell is found out afterwards, when no code of the session can
//! be redeemed any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::crypto::seal::{SealError, Sealed};
use crate::domain::id::{AccountId, DeliveryId};
use crate::domain::instant::Instant;
use crate::ledger::outbox::{Deliverable, OutboxItem, OutboxKind};
use crate::storage;
use crate::storage::authorizations::EnteredClient;

/// A portal that has been down for longer has forgotten its sessions.
pub const LOGOUT_LIFETIME: Duration = Duration::from_hours(24);

/// Sessions of one account that ended together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsEnded {
    /// Whose.
    pub account_id: AccountId,
    /// When: which sessions they are.
    pub ended_at: Instant,
    /// Who was entered in them, where that cannot be found out any more: the account is removed.
    pub entered: Option<Vec<EnteredClient>>,
}

impl Sealed for SessionsEnded {
    const PURPOSE: &'static str = "sessions-ended";
}

impl Deliverable for SessionsEnded {
    const KIND: OutboxKind = OutboxKind::SessionsEnded;

    fn lives_for(&self) -> Duration {
        LOGOUT_LIFETIME
    }
}

/// Why a session was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// What tells of it could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// By which it can be asked afterwards who has confirmed a logout.
#[derive(Debug, Clone)]
pub struct LogoutReceipt {
    /// What ended.
    pub ended: SessionsEnded,
    /// The item by which it is told.
    pub item: DeliveryId,
}

impl Accounts {
    /// What tells of the sessions of an account that end now.
    pub(super) fn sessions_ended(
        &self,
        account_id: AccountId,
        ended_at: Instant,
    ) -> Result<OutboxItem, SealError> {
        let ended = SessionsEnded {
            account_id,
            ended_at,
            entered: None,
        };
        self.tell_ended(&ended)
    }

    pub(super) fn tell_ended(&self, ended: &SessionsEnded) -> Result<OutboxItem, SealError> {
        OutboxItem::new(ended, (&self.ring(), &*self.entropy), ended.ended_at)
    }
}
