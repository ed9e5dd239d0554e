//! Revocation (RFC 7009). A refresh token ends with its whole authorization; an access token
//! leaves a mark: a change, which every process remembers for longer than the token can live.

use serde_json::json;

use super::Provider;
use super::access_token::LiveToken;
use super::client_authentication::ClientAuthenticationError;
use super::token::refresh_token::RefreshToken;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::protocol::client_authentication::ClientCredentials;
use crate::protocol::revocation::RevocationRequest;
use crate::storage;

impl Provider {
    /// Ends a token of the client. A token that is unknown, another client's or dead already is
    /// no error (RFC 7009 §2.2).
    pub async fn revoke(
        &self,
        credentials: &ClientCredentials,
        request: &RevocationRequest,
    ) -> Result<(), ClientAuthenticationError> {
        let client = self.authenticate_client(credentials).await?;
        let client_id = &client.client().id;
        let token = request.token.expose();
        if let Some(live) = self.recognize(token).await? {
            if live.claims.client_id == client_id.as_str() {
                self.mark_revoked(live).await?;
            }
            return Ok(());
        }
        if let Some(token) = self.ring().sealer().open::<RefreshToken>(token)
            && let Some(stored) = self.stored_family(token).await?
            && stored.authorization.client_id == *client_id
        {
            let key = (token.account_id, token.authorization_id);
            let kind = EventKind::AuthorizationRevoked;
            self.revoke_authorization(key, client_id, kind).await?;
        }
        Ok(())
    }

    async fn mark_revoked(&self, live: LiveToken) -> Result<(), storage::Error> {
        let id = live.identity.id;
        let event = Event::new(EventKind::TokenRevoked, self.now())
            .client(live.claims.client_id.as_str())
            .detail(json!({ "token": id }));
        let event = match live.identity.owner {
            Some(owner) => event.account(owner.account),
            None => event,
        };
        self.ledger
            .write((id, event), |entry, (id, event)| {
                Box::pin(async move {
                    entry.announce(Change::AccessTokenRevoked(*id));
                    entry.record(event).await
                })
            })
            .await
    }
}
