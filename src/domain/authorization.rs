//! An authorization: one redeemed code, and the tokens that came of it.

use serde::{Deserialize, Serialize};

use super::authentication::AuthenticationMethods;
use super::client::ClientId;
use super::id::{AccountId, AuthorizationId, GrantId, SessionId};
use super::instant::Instant;
use crate::protocol::acr::{Acr, Ial};
use crate::protocol::claims_request::Claim;
use crate::protocol::scope::Scope;

/// One redeemed code. Replaying the code revokes this, never the grant.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Whose data it reaches.
    pub account_id: AccountId,
    /// Its identifier, which the code already carried.
    pub id: AuthorizationId,
    /// Who redeemed the code.
    pub client_id: ClientId,
    /// The login it came from.
    pub session_id: SessionId,
    /// The remembered consent it rests on.
    pub grant_id: GrantId,
    /// The subject the client knows the account by.
    pub subject: String,
    /// What was granted.
    pub scope: Scope,
    /// What tokens issued later must repeat.
    pub details: AuthorizationDetails,
    /// When the code was redeemed.
    pub issued_at: Instant,
    /// When nothing of it works any more.
    pub expires_at: Instant,
    /// The refresh token family's counter; none when no refresh token was issued.
    pub refresh_count: Option<u32>,
}

impl Authorization {
    /// The same without what its client is cleared for no longer, whatever was granted before.
    #[must_use]
    pub fn limited_to(mut self, cleared: &Scope) -> Self {
        self.scope = self.scope.intersection(cleared);
        let is_cleared = |claim: &Claim| cleared.contains(claim.scope());
        self.details.userinfo_claims.retain(is_cleared);
        self.details.id_token_claims.retain(is_cleared);
        self
    }
}

/// Facts of the login that every token of the authorization repeats. Stored as JSON, and carried
/// inside the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationDetails {
    /// When the resident proved who they are.
    pub auth_time: Instant,
    /// `acr` as sent.
    pub acr: Acr,
    /// How they logged in, for `amr` and `aal`.
    pub methods: AuthenticationMethods,
    /// What was proven of their identity, for `ial`.
    pub ial: Option<Ial>,
    /// Claims asked for one by one at the userinfo endpoint.
    pub userinfo_claims: Vec<Claim>,
    /// Claims asked for one by one in the ID token.
    pub id_token_claims: Vec<Claim>,
}
