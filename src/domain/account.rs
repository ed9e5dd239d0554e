//! Accounts: one natural person each.

use super::id::AccountId;
use super::instant::Instant;

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Stopped by an operator; nothing of it works until it is unfrozen.
    Frozen,
}

impl AccountStatus {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
        }
    }

    /// From what [`AccountStatus::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Frozen]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// An account as stored: its person is sealed inside `profile`.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// The profile under its key.
    pub sealed: SealedProfile,
    /// When it was made.
    pub created_at: Instant,
    /// When any of this last changed.
    pub changed_at: Instant,
}

/// A profile at rest: ciphertext, and which keys open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedProfile {
    /// The bucket whose key wraps the account's key.
    pub key_bucket: u16,
    /// The version of that bucket key.
    pub key_version: i64,
    /// The account's key, wrapped.
    pub wrapped_key: String,
    /// The profile, sealed under the account's key.
    pub profile: String,
}
