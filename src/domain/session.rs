//! A resident's login at this provider.

use super::authentication::AuthenticationMethods;
use super::id::{AccountId, SessionId};
use super::instant::Instant;

/// A login that has not ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who logged in.
    pub account_id: AccountId,
    /// Its identifier.
    pub id: SessionId,
    /// How they logged in.
    pub methods: AuthenticationMethods,
    /// When they last proved who they are (`auth_time`).
    pub authenticated_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
}
