//! Introspection (RFC 7662): for clients that prove themselves, about tokens issued to them.

use super::Provider;
use super::access_token::LiveToken;
use super::client_authentication::{AuthenticatedClient, ClientAuthenticationError};
use super::token::refresh_token::RefreshToken;
use crate::ledger::usage::UsageKind;
use crate::protocol::client_authentication::ClientCredentials;
use crate::protocol::introspection::{ActiveToken, IntrospectionRequest, IntrospectionResponse};
use crate::protocol::token_response::TokenType;
use crate::storage::{self, authorizations};

impl Provider {
    /// Says whether a token is good, and what it allows.
    pub async fn introspect(
        &self,
        credentials: &ClientCredentials,
        request: &IntrospectionRequest,
    ) -> Result<IntrospectionResponse, ClientAuthenticationError> {
        let client = self.authenticate_client(credentials).await?;
        // RFC 7662 §2.1: whoever asks is authenticated, and naming oneself is no proof.
        if client.client().metadata.is_public() {
            return Err(ClientAuthenticationError::Method);
        }
        self.ledger.usage().count(
            client.client().id.as_str(),
            UsageKind::Introspection,
            self.now(),
        );
        let token = request.token.expose();
        let found = match self.introspect_access_token(&client, token).await? {
            Some(active) => Some(active),
            None => self.introspect_refresh_token(&client, token).await?,
        };
        Ok(found.map_or(IntrospectionResponse::Inactive, |active| {
            IntrospectionResponse::Active(Box::new(active))
        }))
    }

    async fn introspect_access_token(
        &self,
        client: &AuthenticatedClient,
        token: &str,
    ) -> Result<Option<ActiveToken>, storage::Error> {
        let Some(live) = self.recognize(token).await? else {
            return Ok(None);
        };
        // RFC 7662 §4: a token of another client is as good as none (attack case 37).
        if live.claims.client_id != client.client().id.as_str() {
            return Ok(None);
        }
        if !self.still_rests(&live).await? {
            return Ok(None);
        }
        let claims = live.claims;
        Ok(Some(ActiveToken {
            iss: claims.iss,
            sub: claims.sub,
            aud: Some(claims.aud),
            client_id: claims.client_id,
            scope: claims.scope,
            token_type: Some(TokenType::Bearer),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            jti: Some(claims.jti),
            auth_time: claims.auth_time,
            acr: claims.acr,
            aal: claims.aal,
            ial: claims.ial,
        }))
    }

    /// Whether what a token rests on stands: read, never remembered.
    async fn still_rests(&self, live: &LiveToken) -> Result<bool, storage::Error> {
        let Some(owner) = live.identity.owner else {
            return Ok(true);
        };
        let mut reader = self.ledger.reader().await?;
        let stored = authorizations::find(&mut reader, owner.account, owner.authorization).await?;
        Ok(stored.is_some_and(|stored| stored.holds(self.now())))
    }

    async fn introspect_refresh_token(
        &self,
        client: &AuthenticatedClient,
        token: &str,
    ) -> Result<Option<ActiveToken>, storage::Error> {
        let Some(token) = self.ring().sealer().open::<RefreshToken>(token) else {
            return Ok(None);
        };
        let now = self.now();
        let Some(stored) = self.stored_family(token).await? else {
            return Ok(None);
        };
        let is_good = stored.authorization.client_id == client.client().id
            && stored.holds(now)
            && !self.is_void_family(client, &stored)
            && token.is_usable(&stored, now);
        if !is_good {
            return Ok(None);
        }
        let authorization = stored.authorization;
        Ok(Some(ActiveToken {
            iss: self.issuer.as_str().to_owned(),
            sub: authorization.subject,
            aud: None,
            client_id: authorization.client_id.as_str().to_owned(),
            scope: authorization.scope,
            token_type: None,
            exp: Some(authorization.expires_at.as_seconds()),
            iat: Some(authorization.issued_at.as_seconds()),
            jti: None,
            auth_time: Some(authorization.details.auth_time.as_seconds()),
            acr: Some(authorization.details.acr),
            aal: Some(authorization.details.methods.aal()),
            ial: authorization.details.ial,
        }))
    }
}
