//! An authorization: one redeemed code, and the tokens that came of it.

use serde::{Deserialize, Serialize};

use super::client::ClientId;
use super::id::{AccountId, AuthorizationId, GrantId, SessionId};
use super::instant::Instant;
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

/// Facts of the login that every token of the authorization repeats. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationDetails {
    /// When the resident proved who they are.
    pub auth_time: Instant,
    /// `acr` as sent.
    pub acr: String,
    /// `amr` as sent (RFC 8176).
    pub amr: Vec<String>,
    /// Authentication assurance level as sent.
    pub aal: String,
    /// Identity assurance level as sent; none when nothing is proven.
    pub ial: Option<String>,
    /// Claims asked for one by one at the userinfo endpoint.
    pub userinfo_claims: Vec<String>,
    /// Claims asked for one by one in the ID token.
    pub id_token_claims: Vec<String>,
}
