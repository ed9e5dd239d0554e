//! Logout: ends a session everywhere it reaches.

use super::Accounts;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::session::Session;
use crate::ledger::event::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::storage::{self, sessions};

/// Who asked for a logout, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutOrigin {
    /// The resident, on a page of ours.
    Resident,
    /// A client, by RP-initiated logout.
    Client(String),
}

struct Logout {
    account_id: AccountId,
    session_id: SessionId,
    origin: LogoutOrigin,
    now: Instant,
}

impl Accounts {
    /// Ends a session. Ending one that has ended is no fault.
    pub async fn logout(
        &self,
        session: &Session,
        origin: LogoutOrigin,
    ) -> Result<(), storage::Error> {
        let logout = Logout {
            account_id: session.account_id,
            session_id: session.id,
            origin,
            now: self.now(),
        };
        self.ledger
            .write(logout, |entry, logout| {
                Box::pin(async move {
                    let Logout { account_id, session_id, origin, now } = logout;
                    if !sessions::end(entry.tx(), *account_id, *session_id, *now).await? {
                        return Ok(());
                    }
                    entry.announce(Change::SessionEnded(*session_id));
                    let event = Event::new(*now, EventKind::Logout)
                        .of_account(Some(*account_id))
                        .with("session", session_id.to_string());
                    entry
                        .record(match origin {
                            LogoutOrigin::Resident => event,
                            LogoutOrigin::Client(client_id) => event.of_client(client_id.clone()),
                        })
                        .await
                })
            })
            .await
    }
}
