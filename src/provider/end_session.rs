//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::Provider;
use super::subject::sector_of;
use crate::accounts::ended::{EndError, LogoutReceipt};
use crate::accounts::logout::LogoutOrigin;
use crate::crypto::jwt::{ExpectedType, verify_jwt};
use crate::crypto::seal::{SealError, Sealed};
use crate::domain::client::{Client, ClientId};
use crate::domain::instant::Instant;
use crate::domain::session::Session;
use crate::protocol::end_session::{EndSessionRequest, LogoutTarget};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::id_token::IdTokenHint;
use crate::protocol::jose::JwtHeader;
use crate::storage::{self, subjects};

/// A logout that waits for the resident to confirm it. Travels in the page's address, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingLogout {
    /// Who asked.
    pub client_id: Option<ClientId>,
    /// Where to go afterwards.
    pub target: Option<LogoutTarget>,
    created_at: Instant,
}

impl Sealed for PendingLogout {
    const PURPOSE: &'static str = "pending-logout";
}

/// How a logout request goes on.
pub enum LogoutOutcome {
    /// There is no login any more; the browser may go on.
    Done {
        /// Who asked.
        client: Option<Arc<Client>>,
        /// Where to.
        target: Option<LogoutTarget>,
        /// What ended just now, if anything did.
        receipt: Option<LogoutReceipt>,
    },
    /// The resident is asked, since the request does not prove that it is theirs.
    Confirm(String),
}

/// Why a logout request was refused: a page says so.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The request cannot be acted on.
    #[error("{}", .0.description())]
    Request(OAuthError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The session could not be ended.
    #[error(transparent)]
    End(#[from] EndError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<OAuthError> for EndSessionError {
    fn from(error: OAuthError) -> Self {
        Self::Request(error)
    }
}

impl Provider {
    /// Ends the browser's login, at once if the hint proves that the request is about it.
    pub async fn end_session(
        &self,
        request: &EndSessionRequest,
        session_cookie: Option<&str>,
    ) -> Result<LogoutOutcome, EndSessionError> {
        let hint = match &request.id_token_hint {
            Some(hint) => Some(self.verify_id_token_hint(hint.expose()).ok_or_else(|| {
                ErrorCode::InvalidRequest.because("id_token_hint is not an ID token of ours.")
            })?),
            None => None,
        };
        let client = self.logging_out(request, hint.as_ref()).await?;
        let target = match &client {
            Some(client) => request.target(&client.metadata)?,
            // Without a client there is nobody to have registered the address (§3).
            None if request.post_logout_redirect_uri.is_some() => {
                let reason = "post_logout_redirect_uri needs an id_token_hint or a client_id.";
                return Err(ErrorCode::InvalidRequest.because(reason).into());
            }
            None => None,
        };
        let session = match session_cookie {
            Some(cookie) => self.accounts.session(cookie).await?,
            None => None,
        };
        let Some(session) = session else {
            return Ok(LogoutOutcome::Done {
                client,
                target,
                receipt: None,
            });
        };
        if let (Some(client), Some(hint)) = (&client, &hint)
            && self.is_about(&session, client, hint).await?
        {
            let origin = LogoutOrigin::Client(client.id.clone());
            let receipt = self.accounts.logout(&session, origin).await?;
            return Ok(LogoutOutcome::Done {
                client: Some(Arc::clone(client)),
                target,
                receipt: Some(receipt),
            });
        }
        let client_id = client.map(|client| client.id.clone());
        let pending = PendingLogout {
            client_id,
            target,
            created_at: self.now(),
        };
        Ok(LogoutOutcome::Confirm(
            self.ring().sealer().seal(&pending, &*self.entropy)?,
        ))
    }

    /// Opens a logout that waits for the resident.
    pub fn open_pending_logout(&self, sealed: &str) -> Option<PendingLogout> {
        let pending = self.ring().sealer().open::<PendingLogout>(sealed)?;
        let age = self.now().since(pending.created_at);
        (age <= self.lifetimes.interaction).then_some(pending)
    }

    /// The client that asks: the one the hint was issued to, which `client_id` must not contradict.
    async fn logging_out(
        &self,
        request: &EndSessionRequest,
        hint: Option<&IdTokenHint>,
    ) -> Result<Option<Arc<Client>>, EndSessionError> {
        let named = request.client_id.as_deref();
        let hinted = hint.map(|hint| hint.aud.as_str());
        if let (Some(named), Some(hinted)) = (named, hinted)
            && named != hinted
        {
            let reason = "client_id is not the client that id_token_hint was issued to.";
            return Err(ErrorCode::InvalidRequest.because(reason).into());
        }
        let Some(id) = hinted.or(named) else {
            return Ok(None);
        };
        let unknown = || ErrorCode::InvalidRequest.because("The client is not registered here.");
        let id: ClientId = id.parse().map_err(|_| unknown())?;
        Ok(Some(
            self.clients.find_active(&id).await?.ok_or_else(unknown)?,
        ))
    }

    /// Whether a hint speaks of this very login.
    async fn is_about(
        &self,
        session: &Session,
        client: &Client,
        hint: &IdTokenHint,
    ) -> Result<bool, storage::Error> {
        if let Some(sid) = &hint.sid {
            return Ok(*sid == self.derive_sid(session.id, client));
        }
        let mut reader = self.ledger.reader().await?;
        let subject =
            subjects::find(&mut reader, session.account_id, sector_of(&client.metadata)).await?;
        Ok(subject.as_deref() == Some(hint.sub.as_str()))
    }

    /// An ID token of ours, of any age: that it has expired does not matter for a hint
    /// (Core §3.1.2.1).
    pub(super) fn verify_id_token_hint(&self, token: &str) -> Option<IdTokenHint> {
        let ring = self.ring();
        let keys = |header: &JwtHeader| {
            header
                .kid
                .as_deref()
                .and_then(|kid| ring.verifying_key(kid))
        };
        let hint: IdTokenHint = verify_jwt(token, keys, ExpectedType::Optional("JWT")).ok()?;
        (hint.iss == self.issuer.as_str()).then_some(hint)
    }
}
