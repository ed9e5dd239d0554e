//! `refresh_token` (RFC 6749 §6).
//!
//! A refresh token is a family and a counter, sealed; the family is the authorization's row and
//! holds the counter. A confidential client keeps its token. A public client's rotates: the current
//! one moves the counter on; its predecessor gets the very same successor for a minute, since an
//! answer can be lost and two tabs can ask at once; anything older was stolen or kept, and ends the
//! family (RFC 9700 §4.14.2).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::issue::Occasion;
use super::{ExchangeError, rotates};
use crate::crypto::seal::Sealed;
use crate::domain::authorization::Authorization;
use crate::domain::id::{AccountId, AuthorizationId};
use crate::domain::instant::Instant;
use crate::ledger::audit::EventKind;
use crate::ledger::usage::UsageKind;
use crate::protocol::scope::{OFFLINE_ACCESS, Scope};
use crate::protocol::text::SecretText;
use crate::protocol::token_response::TokenResponse;
use crate::provider::Provider;
use crate::provider::client_authentication::AuthenticatedClient;
use crate::storage;
use crate::storage::authorizations::{self, StoredAuthorization};

/// How long after a rotation the superseded token still gets its successor.
const GRACE: Duration = Duration::from_mins(1);

/// A refresh token, unsealed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::provider) struct RefreshToken {
    pub(in crate::provider) account_id: AccountId,
    pub(in crate::provider) authorization_id: AuthorizationId,
    count: u32,
}

impl Sealed for RefreshToken {
    const PURPOSE: &'static str = "refresh-token";
}

/// What a presented counter is to the family's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Current,
    Predecessor,
    Superseded,
}

impl RefreshToken {
    /// The refresh token of an authorization as it stands; none if it has no family.
    pub(super) fn of(authorization: &Authorization) -> Option<Self> {
        authorization.refresh_count.map(|count| Self {
            account_id: authorization.account_id,
            authorization_id: authorization.id,
            count,
        })
    }

    /// Whether it would be taken.
    pub(in crate::provider) fn is_usable(self, stored: &StoredAuthorization, now: Instant) -> bool {
        self.standing(stored, now) != Standing::Superseded
    }

    fn standing(self, stored: &StoredAuthorization, now: Instant) -> Standing {
        let Some(current) = stored.authorization.refresh_count else {
            return Standing::Superseded;
        };
        let is_recent = stored.rotated_at.is_some_and(|at| now.since(at) <= GRACE);
        match current.checked_sub(self.count) {
            Some(0) => Standing::Current,
            Some(1) if is_recent => Standing::Predecessor,
            _ => Standing::Superseded,
        }
    }
}

impl Provider {
    pub(super) async fn refresh(
        &self,
        client: &AuthenticatedClient,
        presented: &SecretText,
        narrowed: Option<&Scope>,
    ) -> Result<TokenResponse, ExchangeError> {
        let token = self
            .ring()
            .sealer()
            .open::<RefreshToken>(presented.expose())
            .ok_or(ExchangeError::RefreshUnknown)?;
        let now = self.now();
        let stored = self.stored_family(token).await?;
        let stored = stored
            .filter(|stored| stored.authorization.client_id == client.client().id)
            .ok_or(ExchangeError::RefreshUnknown)?;
        if !stored.holds(now) || self.is_void_family(client, &stored) {
            return Err(ExchangeError::RefreshUnknown);
        }
        let standing = token.standing(&stored, now);
        if standing == Standing::Superseded {
            let key = (token.account_id, token.authorization_id);
            let kind = EventKind::RefreshReplayed;
            self.revoke_authorization(key, &client.client().id, kind)
                .await?;
            return Err(ExchangeError::RefreshReplayed(token.authorization_id));
        }
        // What the client is cleared for by now bounds what was granted then.
        let cleared = client.client().metadata.scope();
        let granted = stored.authorization.scope.intersection(cleared);
        if !granted.contains(OFFLINE_ACCESS) {
            return Err(ExchangeError::RefreshUnknown);
        }
        // Narrowing is for this access token; the family keeps what was granted (RFC 6749 §6).
        if narrowed.is_some_and(|scope| !scope.is_subset(&granted)) {
            return Err(ExchangeError::Scope);
        }
        let authorization = if standing == Standing::Current && rotates(client) {
            self.rotate(token, stored, now).await?
        } else {
            stored.authorization
        };
        let mut authorization = authorization.limited_to(cleared);
        if let Some(scope) = narrowed {
            authorization.scope = scope.clone();
        }
        self.ledger
            .usage()
            .count(authorization.client_id.as_str(), UsageKind::Refresh, now);
        self.issue(client, &authorization, Occasion::Refresh, now)
            .await
    }

    /// Whether a family may have rotated in a time that a restore took away: its counter would
    /// count again what was used up.
    pub(in crate::provider) fn is_void_family(
        &self,
        client: &AuthenticatedClient,
        stored: &StoredAuthorization,
    ) -> bool {
        rotates(client) && self.is_void(stored.authorization.issued_at)
    }

    pub(in crate::provider) async fn stored_family(
        &self,
        token: RefreshToken,
    ) -> Result<Option<StoredAuthorization>, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        authorizations::find(&mut reader, token.account_id, token.authorization_id).await
    }

    /// Moves the counter on. Who loses the race to another of the same token has become the
    /// predecessor of this very moment, and gets the same successor.
    async fn rotate(
        &self,
        token: RefreshToken,
        stored: StoredAuthorization,
        now: Instant,
    ) -> Result<Authorization, ExchangeError> {
        let rotated: Result<bool, storage::Error> = self
            .ledger
            .write((token, now), |entry, (token, now)| {
                let (account_id, id) = (token.account_id, token.authorization_id);
                Box::pin(authorizations::rotate_refresh(
                    entry.tx(),
                    account_id,
                    id,
                    token.count,
                    *now,
                ))
            })
            .await;
        if rotated? {
            let count = token.count.checked_add(1);
            return Ok(Authorization {
                refresh_count: count,
                ..stored.authorization
            });
        }
        let again = self
            .stored_family(token)
            .await?
            .ok_or(ExchangeError::RefreshUnknown)?;
        if again.holds(now) && token.standing(&again, now) == Standing::Predecessor {
            Ok(again.authorization)
        } else {
            Err(ExchangeError::RefreshUnknown)
        }
    }
}
