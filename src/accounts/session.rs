//! Sessions: what a browser holds of one, and whether it still stands.

use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::crypto::seal::Sealed;
use crate::crypto::{digest, encoding};
use crate::domain::id::{AccountId, SessionId};
use crate::domain::session::Session;
use crate::storage;
use crate::storage::sessions::{self, SessionForClient, StoredSession};

/// What the session cookie carries, sealed: the account, so that a login is found in one shard,
/// and a secret whose digest is stored, so that neither the database nor the seal key alone makes
/// a cookie.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionCookie {
    pub(super) account_id: AccountId,
    pub(super) session_id: SessionId,
    pub(super) secret: [u8; 16],
}

impl Sealed for SessionCookie {
    const PURPOSE: &'static str = "session-cookie";
}

impl SessionCookie {
    /// What is stored of the secret.
    pub(super) fn secret_hash(&self) -> String {
        encoding::encode(&digest::sha256(&[&self.secret]))
    }
}

impl Accounts {
    /// The login a cookie stands for, while it lasts.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>, storage::Error> {
        let Some(cookie) = self.ring().sealer().open::<SessionCookie>(cookie) else {
            return Ok(None);
        };
        let mut reader = self.ledger.reader().await?;
        let found = sessions::find(&mut reader, cookie.account_id, cookie.session_id).await?;
        Ok(found
            .filter(|stored| self.stands(stored, &cookie))
            .map(|stored| stored.session))
    }

    /// Whether a cookie stood for a login that has ended. One that is not ours stood for none, and
    /// is told from it by the seal alone: whoever makes one up learns nothing.
    pub async fn has_ended(&self, cookie: &str) -> Result<bool, storage::Error> {
        let is_ours = self.ring().sealer().open::<SessionCookie>(cookie).is_some();
        Ok(is_ours && self.session(cookie).await?.is_none())
    }

    /// The session as [`Accounts::session`] finds it, with what its account has given one client: one
    /// read for a whole authorization request.
    pub async fn session_for_client(
        &self,
        cookie: &str,
        client_id: &str,
        sector: &str,
    ) -> Result<Option<SessionForClient>, storage::Error> {
        let Some(cookie) = self.ring().sealer().open::<SessionCookie>(cookie) else {
            return Ok(None);
        };
        let mut reader = self.ledger.reader().await?;
        let ids = (cookie.account_id, cookie.session_id);
        let found = sessions::find_for_client(&mut reader, ids, client_id, sector).await?;
        Ok(found.filter(|found| self.stands(&found.stored, &cookie)))
    }

    fn stands(&self, stored: &StoredSession, cookie: &SessionCookie) -> bool {
        stored.ended_at.is_none()
            && stored.is_supported
            && stored.session.expires_at > self.now()
            && digest::equal(
                stored.secret_hash.as_bytes(),
                cookie.secret_hash().as_bytes(),
            )
    }
}
