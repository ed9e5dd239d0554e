//! What can change under a process's feet.

use std::str::FromStr;

use crate::crypto::digest::sha256;
use crate::domain::id::{AccessTokenId, AccountId, AuthorizationId, GrantId, SessionId};
use crate::storage::changes::LANES;

/// A change that every process must know of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// A client's record: registered, updated, suspended, resumed or removed.
    ClientChanged(String),
    /// The provider's keys.
    KeysChanged,
    /// An account was frozen, removed or weakened: its tokens issued until now are void.
    AccountChanged(AccountId),
    /// An account is good again: its tokens issued from now on count.
    AccountRestored(AccountId),
    /// A session of an account ended.
    SessionEnded(AccountId, SessionId),
    /// An authorization of an account ended.
    AuthorizationRevoked(AccountId, AuthorizationId),
    /// A grant of an account was withdrawn. Whoever uses a token of it reads the grant.
    GrantWithdrawn(AccountId, GrantId),
    /// A single access token was given back.
    AccessTokenRevoked(AccessTokenId),
    /// The key of a bucket of accounts is being replaced, or has been.
    BucketKeyReplaced(u16),
}

impl Change {
    /// The stored name of the kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::ClientChanged(_) => "client",
            Self::KeysChanged => "keys",
            Self::AccountChanged(_) => "account",
            Self::AccountRestored(_) => "account_restored",
            Self::SessionEnded(..) => "session",
            Self::AuthorizationRevoked(..) => "authorization",
            Self::GrantWithdrawn(..) => "grant",
            Self::AccessTokenRevoked(_) => "access_token",
            Self::BucketKeyReplaced(_) => "bucket_key",
        }
    }

    /// Which one changed, as text.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::ClientChanged(client_id) => client_id.clone(),
            Self::KeysChanged => String::new(),
            Self::AccountChanged(id) | Self::AccountRestored(id) => id.to_string(),
            Self::SessionEnded(account, id) => format!("{id} {account}"),
            Self::AuthorizationRevoked(account, id) => format!("{id} {account}"),
            Self::GrantWithdrawn(account, id) => format!("{id} {account}"),
            Self::AccessTokenRevoked(id) => id.to_string(),
            Self::BucketKeyReplaced(bucket) => bucket.to_string(),
        }
    }

    /// What a stored row says.
    pub(crate) fn parse(kind: &str, subject: &str) -> Option<Self> {
        match kind {
            "client" => Some(Self::ClientChanged(subject.to_owned())),
            "keys" => Some(Self::KeysChanged),
            "account" => subject.parse().ok().map(Self::AccountChanged),
            "account_restored" => subject.parse().ok().map(Self::AccountRestored),
            "session" => owned(subject).map(|(account, id)| Self::SessionEnded(account, id)),
            "authorization" => {
                owned(subject).map(|(account, id)| Self::AuthorizationRevoked(account, id))
            }
            "grant" => owned(subject).map(|(account, id)| Self::GrantWithdrawn(account, id)),
            "access_token" => subject.parse().ok().map(Self::AccessTokenRevoked),
            "bucket_key" => subject.parse().ok().map(Self::BucketKeyReplaced),
            _ => None,
        }
    }

    /// Its lane: the same for all changes of one subject, so that they stay in order.
    pub(crate) fn lane(&self) -> i64 {
        let [first, ..] = sha256(&[self.subject().as_bytes()]);
        i64::from(first) % LANES
    }
}

/// A thing of an account: by its account alone it is found in the tables.
fn owned<T: FromStr>(subject: &str) -> Option<(AccountId, T)> {
    let (id, account) = subject.split_once(' ')?;
    Some((account.parse().ok()?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn every_change_is_read_as_it_was_written() {
        for change in [
            Change::ClientChanged("portal".to_owned()),
            Change::KeysChanged,
            Change::AccountChanged(Id::from_u128(1)),
            Change::AccountRestored(Id::from_u128(1)),
            Change::SessionEnded(Id::from_u128(1), Id::from_u128(2)),
            Change::AuthorizationRevoked(Id::from_u128(1), Id::from_u128(3)),
            Change::GrantWithdrawn(Id::from_u128(1), Id::from_u128(5)),
            Change::AccessTokenRevoked(Id::from_u128(4)),
            Change::BucketKeyReplaced(65_535),
        ] {
            assert_eq!(
                Change::parse(change.kind(), &change.subject()),
                Some(change.clone())
            );
            assert!((0..LANES).contains(&change.lane()));
        }
        assert_eq!(Change::parse("weather", "rain"), None);
        assert_eq!(Change::parse("session", "acc_1"), None);
    }

    #[test]
    fn all_lanes_are_used() {
        let lanes: std::collections::BTreeSet<i64> = (0..400)
            .map(|n| Change::SessionEnded(Id::from_u128(1), Id::from_u128(n)).lane())
            .collect();
        assert_eq!(lanes.len(), 16);
    }
}
