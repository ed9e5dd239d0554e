//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): clients hear that a session ended.

pub mod health;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::accounts::ended::{LOGOUT_LIFETIME, LogoutReceipt, SessionsEnded};
use crate::crypto::digest;
use crate::crypto::jwt::sign_jwt;
use crate::crypto::seal::{SealError, Sealed};
use crate::crypto::signing::SigningError;
use crate::domain::client::{Client, ClientId, ClientStatus};
use crate::domain::id::{DeliveryId, SessionId};
use crate::domain::instant::Instant;
use crate::ledger::outbox::{Deliverable, OutboxItem, OutboxKind, OutboxState};
use crate::protocol::logout_token::{LogoutEvents, LogoutTokenClaims, TYPE};
use crate::protocol::text::SecretText;
use crate::protocol::web_uri::WebUri;
use crate::storage;
use crate::storage::authorizations::{self, EnteredClient};
use health::ClientHealth;

/// How long a logout token is to be accepted: it is made anew for every attempt (§2.4 advises two
/// minutes at most).
const TOKEN_LIFETIME: Duration = Duration::from_mins(2);

/// That a session ended, to one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutNotice {
    /// Who is to hear of it.
    pub client_id: ClientId,
    /// The session.
    pub session_id: SessionId,
    /// The subject, as this client knows it.
    pub subject: String,
}

impl Sealed for LogoutNotice {
    const PURPOSE: &'static str = "logout-notice";
}

impl Deliverable for LogoutNotice {
    const KIND: OutboxKind = OutboxKind::Logout;

    fn lives_for(&self) -> Duration {
        LOGOUT_LIFETIME
    }

    fn ordering(&self) -> Option<String> {
        Some(format!("{} {}", self.client_id, self.session_id))
    }
}

/// Why a logout was not told, or what was told is not known.
#[derive(Debug, thiserror::Error)]
pub enum BackchannelError {
    /// No key signs as the client asks.
    #[error("no key for the client's algorithm")]
    NoKey,
    /// An operator has stopped the client. If it is let go on, it is to hear what it missed.
    #[error("the client is suspended")]
    Suspended,
    /// The token could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A notice could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// Who has not confirmed a logout.
#[derive(Debug, Clone, Default)]
pub struct Unconfirmed {
    /// The clients.
    pub clients: Vec<Arc<Client>>,
    /// Whether one of them may in a moment: it is being told, and has not been failing.
    pub is_pending: bool,
}

impl Provider {
    /// Puts a notice into the outbox for each client that was entered in sessions that ended, and
    /// wants to hear of it. Done again, it changes nothing.
    pub async fn announce_logouts(&self, ended: &SessionsEnded) -> Result<(), BackchannelError> {
        let mut items = Vec::new();
        for (entered, _) in self.entered_clients(ended).await? {
            let id = notice_id(ended.ended_at, &entered);
            let notice = LogoutNotice {
                client_id: entered.client_id,
                session_id: entered.session_id,
                subject: entered.subject,
            };
            let sealing = (&*self.ring(), &*self.entropy);
            items.push(OutboxItem::with_id(id, &notice, sealing, self.now())?);
        }
        let written: Result<(), storage::Error> = self
            .ledger
            .write(items, |entry, items| {
                Box::pin(async move {
                    for item in items {
                        entry.enqueue(item).await?;
                    }
                    Ok(())
                })
            })
            .await;
        Ok(written?)
    }

    /// The clients that have not confirmed a logout, as of now.
    pub async fn unconfirmed(
        &self,
        receipt: &LogoutReceipt,
    ) -> Result<Unconfirmed, BackchannelError> {
        let outbox = self.ledger.outbox();
        // Asked first: when this is gone, every notice has been put in.
        let announcement = outbox.state(receipt.item).await?;
        let mut unconfirmed = Unconfirmed::default();
        for (entered, client) in self.entered_clients(&receipt.ended).await? {
            let state = match announcement {
                Some(state) => Some(state),
                None => {
                    outbox
                        .state(notice_id(receipt.ended.ended_at, &entered))
                        .await?
                }
            };
            if state.is_none() {
                continue;
            }
            unconfirmed.is_pending |= state == Some(OutboxState::Waiting)
                && client.status == ClientStatus::Active
                && !self.client_health.is_failing(&client.id);
            unconfirmed.clients.push(client);
        }
        Ok(unconfirmed)
    }

    /// How clients answer when they are told.
    pub const fn client_health(&self) -> &ClientHealth {
        &self.client_health
    }

    /// Where a notice goes and the token that says it (§2.4); nothing when its client is gone, or
    /// no longer wants to hear of it.
    pub async fn logout_token(
        &self,
        notice: &LogoutNotice,
        id: DeliveryId,
    ) -> Result<Option<(WebUri, SecretText)>, BackchannelError> {
        let Some(client) = self.clients.find(&notice.client_id).await? else {
            return Ok(None);
        };
        match client.status {
            ClientStatus::Active => {}
            ClientStatus::Suspended => return Err(BackchannelError::Suspended),
            ClientStatus::Removed => return Ok(None),
        }
        let metadata = &client.metadata;
        let Some(uri) = metadata.logout().backchannel_logout_uri.clone() else {
            return Ok(None);
        };
        let ring = self.ring();
        let key = ring
            .signing_key(metadata.id_token_algorithm())
            .ok_or(BackchannelError::NoKey)?;
        let now = self.now();
        let claims = LogoutTokenClaims {
            iss: self.issuer.as_str().to_owned(),
            sub: notice.subject.clone(),
            aud: client.id.to_string(),
            iat: now.as_seconds(),
            exp: now.plus(TOKEN_LIFETIME).as_seconds(),
            jti: id.to_string(),
            sid: self.derive_sid(notice.session_id, &client),
            events: LogoutEvents::default(),
        };
        let token = SecretText::new(sign_jwt(key, Some(TYPE), &claims)?);
        Ok(Some((uri, token)))
    }

    /// The clients of ended sessions that want to hear of it.
    async fn entered_clients(
        &self,
        ended: &SessionsEnded,
    ) -> Result<Vec<(EnteredClient, Arc<Client>)>, storage::Error> {
        let entered = if let Some(entered) = &ended.entered {
            entered.clone()
        } else {
            let mut reader = self.ledger.reader().await?;
            authorizations::list_entered(&mut reader, ended.account_id, ended.ended_at).await?
        };
        let mut hearing = Vec::with_capacity(entered.len());
        for entered in entered {
            let client = self.clients.find(&entered.client_id).await?;
            let client = client.filter(|client| {
                client.status != ClientStatus::Removed
                    && client.metadata.logout().backchannel_logout_uri.is_some()
            });
            hearing.extend(client.map(|client| (entered, client)));
        }
        Ok(hearing)
    }
}

/// The same whoever works it out, so that nothing is told twice under two names; in time order, as
/// the outbox is.
fn notice_id(ended_at: Instant, entered: &EnteredClient) -> DeliveryId {
    let session = entered.session_id.to_u128().to_be_bytes();
    let digest = digest::sha256(&[b"logout", &session, entered.client_id.as_str().as_bytes()]);
    let random: [u8; 16] = digest.first_chunk().copied().unwrap_or_default();
    DeliveryId::ordered_with(ended_at, random)
}
