//! The changes of the last minutes that void access tokens, in memory.
//!
//! Access tokens are not stored; one that verifies is good unless what it rests on ended since. An
//! entry is kept as long as a token issued before it can live.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::change::Change;
use crate::domain::id::{AccessTokenId, AccountId, AuthorizationId, SessionId};
use crate::domain::instant::Instant;

/// How far a node's clock may be from the database's: one that is further off is not ready.
pub const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// What a token rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenGrounds {
    /// The account it speaks for; none with client credentials.
    pub account: Option<AccountId>,
    /// The session it was issued in, if any.
    pub session: Option<SessionId>,
    /// The authorization it belongs to, if any.
    pub authorization: Option<AuthorizationId>,
    /// The token itself.
    pub token: AccessTokenId,
    /// Its `iat`.
    pub issued_at: Instant,
}

/// When something ended.
#[derive(Debug, Clone, Copy)]
struct Ended {
    at: Instant,
    /// Since when it is good again.
    restored: Option<Instant>,
}

#[derive(Debug, Default)]
struct Lists {
    accounts: HashMap<AccountId, Ended>,
    sessions: HashMap<SessionId, Instant>,
    authorizations: HashMap<AuthorizationId, Instant>,
    tokens: HashMap<AccessTokenId, Instant>,
    last_swept: Option<Instant>,
}

/// What recent changes revoked.
#[derive(Debug)]
pub struct Revocations {
    lists: RwLock<Lists>,
    retention: Duration,
}

impl Revocations {
    pub(crate) fn new(retention: Duration) -> Self {
        Self {
            lists: RwLock::default(),
            retention,
        }
    }

    /// Whether a token whose signature and times hold is void nevertheless.
    #[must_use]
    pub fn is_revoked(&self, grounds: &TokenGrounds) -> bool {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists.tokens.contains_key(&grounds.token)
            || grounds
                .session
                .and_then(|session| lists.sessions.get(&session))
                // What was granted offline goes on after a logout: only tokens from before it end.
                .is_some_and(|at| grounds.issued_at <= at.plus(CLOCK_SKEW))
            || grounds
                .authorization
                .is_some_and(|one| lists.authorizations.contains_key(&one))
            || grounds
                .account
                .and_then(|account| lists.accounts.get(&account))
                .is_some_and(|ended| ended.voids(grounds.issued_at))
    }

    pub(crate) fn apply(&self, change: &Change, at: Instant) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::ClientChanged(_)
            | Change::KeysChanged
            | Change::GrantWithdrawn(..)
            | Change::BucketKeyReplaced(_) => {}
            Change::AccountChanged(id) => {
                let ended = Ended { at, restored: None };
                let entry = lists.accounts.entry(*id).or_insert(ended);
                if entry.at <= at {
                    *entry = ended;
                }
            }
            Change::AccountRestored(id) => {
                if let Some(ended) = lists.accounts.get_mut(id) {
                    ended.restored = Some(at);
                }
            }
            Change::SessionEnded(_, id) => {
                lists.sessions.insert(*id, at);
            }
            Change::AuthorizationRevoked(_, id) => {
                lists.authorizations.insert(*id, at);
            }
            Change::AccessTokenRevoked(id) => {
                lists.tokens.insert(*id, at);
            }
        }
    }

    /// Drops what no living token can rest on any more; at most once in ten seconds.
    pub(crate) fn forget_old(&self, now: Instant) {
        const PAUSE: Duration = Duration::from_secs(10);
        let is_due = |lists: &Lists| {
            lists
                .last_swept
                .is_none_or(|swept| now.since(swept) >= PAUSE)
        };
        if !is_due(&self.lists.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let keep = |at: Instant| at >= now.minus(self.retention);
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.accounts.retain(|_, ended| keep(ended.at));
        lists.sessions.retain(|_, at| keep(*at));
        lists.authorizations.retain(|_, at| keep(*at));
        lists.tokens.retain(|_, at| keep(*at));
        lists.last_swept = Some(now);
    }
}

impl Ended {
    /// A token's time may be written by another node's clock, a little ahead; and it is written in
    /// whole seconds.
    fn voids(&self, issued_at: Instant) -> bool {
        let ended = issued_at <= self.at.plus(CLOCK_SKEW);
        let restored = self
            .restored
            .is_some_and(|at| issued_at.as_seconds() >= at.as_seconds());
        ended && !restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    const RETENTION: Duration = Duration::from_mins(15);

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn token(issued_at: Instant) -> TokenGrounds {
        TokenGrounds {
            account: Some(Id::from_u128(1)),
            session: Some(Id::from_u128(2)),
            authorization: Some(Id::from_u128(3)),
            token: Id::from_u128(4),
            issued_at,
        }
    }

    #[test]
    fn each_end_voids_its_tokens_and_no_others() {
        for change in [
            Change::AccountChanged(Id::from_u128(1)),
            Change::SessionEnded(Id::from_u128(1), Id::from_u128(2)),
            Change::AuthorizationRevoked(Id::from_u128(1), Id::from_u128(3)),
            Change::AccessTokenRevoked(Id::from_u128(4)),
        ] {
            let list = Revocations::new(RETENTION);
            assert!(!list.is_revoked(&token(at(100))));
            list.apply(&change, at(101));
            assert!(list.is_revoked(&token(at(100))), "{change:?}");
            let other = TokenGrounds {
                account: Some(Id::from_u128(11)),
                session: None,
                authorization: Some(Id::from_u128(13)),
                token: Id::from_u128(14),
                issued_at: at(100),
            };
            assert!(!list.is_revoked(&other), "{change:?}");
        }
    }

    #[test]
    fn a_token_refreshed_after_a_logout_is_good() {
        let list = Revocations::new(RETENTION);
        list.apply(
            &Change::SessionEnded(Id::from_u128(1), Id::from_u128(2)),
            at(100),
        );
        assert!(list.is_revoked(&token(at(102))));
        assert!(!list.is_revoked(&token(at(103))));
    }

    #[test]
    fn a_frozen_account_loses_old_tokens_and_keeps_those_after_its_release() {
        let list = Revocations::new(RETENTION);
        list.apply(&Change::AccountChanged(Id::from_u128(1)), at(100));
        // The clock of the node that issued it runs a little ahead.
        assert!(list.is_revoked(&token(at(102))));
        list.apply(&Change::AccountRestored(Id::from_u128(1)), at(101));
        assert!(list.is_revoked(&token(at(100))));
        assert!(!list.is_revoked(&token(at(101))));
        list.apply(&Change::AccountChanged(Id::from_u128(1)), at(103));
        assert!(list.is_revoked(&token(at(101))));
    }

    #[test]
    fn entries_go_when_no_token_can_need_them() {
        let list = Revocations::new(RETENTION);
        list.apply(&Change::AccessTokenRevoked(Id::from_u128(4)), at(100));
        list.forget_old(at(1000));
        assert!(list.is_revoked(&token(at(100))));
        list.forget_old(at(1001));
        assert!(list.is_revoked(&token(at(100))), "too soon after the last");
        list.forget_old(at(1010));
        assert!(!list.is_revoked(&token(at(100))));
    }
}
