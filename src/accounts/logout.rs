//! Logout: ends a session everywhere it reaches.

use serde_json::json;

use super::Accounts;
use super::ended::{EndError, LogoutReceipt, SessionsEnded};
use crate::domain::client::ClientId;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::session::Session;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::ledger::outbox::OutboxItem;
use crate::storage::{self, sessions};

/// Who asked for a logout, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutOrigin {
    /// The resident, on a page of ours.
    Resident,
    /// A client, by RP-initiated logout.
    Client(ClientId),
}

struct Logout {
    account_id: AccountId,
    session_id: SessionId,
    origin: LogoutOrigin,
    told: OutboxItem,
    now: Instant,
}

impl Accounts {
    /// Ends a session. Ending one that has ended is no fault. By what it gives it can be asked
    /// afterwards which clients have not confirmed it.
    pub async fn logout(
        &self,
        session: &Session,
        origin: LogoutOrigin,
    ) -> Result<LogoutReceipt, EndError> {
        let now = self.now();
        let account_id = session.account_id;
        let told = self.sessions_ended(account_id, now)?;
        let receipt = LogoutReceipt {
            ended: SessionsEnded {
                account_id,
                ended_at: now,
                entered: None,
            },
            item: told.id(),
        };
        let logout = Logout {
            account_id,
            session_id: session.id,
            origin,
            told,
            now,
        };
        let ended: Result<(), storage::Error> = self
            .ledger
            .write(logout, |entry, logout| {
                Box::pin(async move {
                    let Logout {
                        account_id,
                        session_id,
                        origin,
                        told,
                        now,
                    } = logout;
                    if !sessions::end(entry.tx(), *account_id, *session_id, *now).await? {
                        return Ok(());
                    }
                    entry.announce(Change::SessionEnded(*account_id, *session_id));
                    entry.enqueue(told).await?;
                    let event = Event::new(EventKind::Logout, *now)
                        .account(*account_id)
                        .detail(json!({ "session": session_id }));
                    let event = match origin {
                        LogoutOrigin::Resident => event,
                        LogoutOrigin::Client(client_id) => event.client(client_id.as_str()),
                    };
                    entry.record(&event).await
                })
            })
            .await;
        ended?;
        Ok(receipt)
    }
}
