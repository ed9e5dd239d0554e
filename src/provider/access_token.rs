//! Access tokens: made at the token endpoint, recognized at userinfo, introspection and
//! revocation.
//!
//! A JWT of RFC 9068. Its `jti` is the token's identity sealed, so that the account behind it is
//! found in one shard, and no two portals can tell that theirs speak of one account.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::crypto::jwt::{ExpectedType, verify_jwt};
use crate::crypto::seal::Sealed;
use crate::domain::client::Client;
use crate::domain::id::{AccessTokenId, AccountId, AuthorizationId, SessionId};
use crate::domain::instant::Instant;
use crate::ledger::TokenGrounds;
use crate::protocol::access_token::{AccessTokenClaims, TYPE};
use crate::protocol::jose::JwtHeader;
use crate::storage;

/// What a token's `jti` says to us.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct TokenIdentity {
    pub(super) id: AccessTokenId,
    /// Whom it speaks for; none with client credentials.
    pub(super) owner: Option<TokenOwner>,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct TokenOwner {
    pub(super) account: AccountId,
    pub(super) authorization: AuthorizationId,
    pub(super) session: SessionId,
}

impl Sealed for TokenIdentity {
    const PURPOSE: &'static str = "access-token-id";
}

/// An access token that is ours, in time and not revoked as far as the change feed tells.
#[derive(Debug)]
pub(super) struct LiveToken {
    pub(super) identity: TokenIdentity,
    pub(super) claims: AccessTokenClaims,
    /// Whom it was issued to: active now.
    pub(super) client: Arc<Client>,
}

impl Provider {
    /// Recognizes an access token; none if it is not ours, has expired or was revoked, or if its
    /// client is suspended or gone.
    ///
    /// A process that has lost sight of the change feed cannot tell, and says so.
    pub(super) async fn recognize(&self, token: &str) -> Result<Option<LiveToken>, storage::Error> {
        let feed = self.ledger.feed();
        feed.require_fresh()?;
        let now = self.now();
        let Some(claims) = self.verified_claims(token, now) else {
            return Ok(None);
        };
        if claims.iss != self.issuer.as_str() || Instant::from_seconds(claims.exp) <= now {
            return Ok(None);
        }
        let identity = self.ring().sealer().open::<TokenIdentity>(&claims.jti);
        let Some(identity) = identity else {
            return Ok(None);
        };
        let grounds = TokenGrounds {
            account: identity.owner.map(|owner| owner.account),
            session: identity.owner.map(|owner| owner.session),
            authorization: identity.owner.map(|owner| owner.authorization),
            token: identity.id,
            issued_at: Instant::from_seconds(claims.iat),
        };
        if feed.revocations().is_revoked(&grounds) {
            return Ok(None);
        }
        let Ok(client_id) = claims.client_id.parse() else {
            return Ok(None);
        };
        let Some(client) = self.clients.find_active(&client_id).await? else {
            return Ok(None);
        };
        Ok(Some(LiveToken {
            identity,
            claims,
            client,
        }))
    }

    /// The claims of a token that we signed. One that this very process signed, and knows by its
    /// whole text, needs no second look at its signature.
    fn verified_claims(&self, token: &str, now: Instant) -> Option<AccessTokenClaims> {
        if self.tokens.knows(token, now) {
            let payload = token.split('.').nth(1)?;
            return serde_json::from_slice(&crate::crypto::encoding::decode(payload)?).ok();
        }
        let ring = self.ring();
        let keys = |header: &JwtHeader| {
            header
                .kid
                .as_deref()
                .and_then(|kid| ring.verifying_key(kid))
        };
        verify_jwt(token, keys, ExpectedType::Required(TYPE)).ok()
    }
}
