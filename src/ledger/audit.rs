//! The audit log: every login, decision, disclosure and change, in the transaction of what it
//! records.
//!
//! Each process keeps its own chain of signed batches over the events that it saw committed; no
//! event row is ever updated. [`verify`] proves afterwards that nothing was changed. Nothing
//! personal is written: accounts and clients by their ids, details by their codes.

pub(crate) mod batch;
pub(crate) mod chain;
pub mod export;
mod recover;
mod seal;
pub(crate) mod spans;
mod tips;
pub(crate) mod tree;
pub mod verify;
mod writer;

pub use batch::{Head, Heads, ParseHeadError, statement};
pub(crate) use chain::Chain;
pub(crate) use seal::Tools;
pub(crate) use writer::{Ticket, lock};

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::id::{AccountId, WriterId};
use crate::domain::instant::Instant;
use crate::storage::audit::EventRow;

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What happened. The name is stored: never rename one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $kind,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The stored name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

event_kinds! {
    /// A resident proved who they are.
    Login = "login",
    /// Somebody failed to.
    LoginFailed = "login_failed",
    /// A resident ended a session.
    Logout = "logout",
    /// A resident allowed a client what it asked for.
    ConsentGiven = "consent_given",
    /// A resident was told what a client receives by law, and went on.
    NoticeAcknowledged = "notice_acknowledged",
    /// A resident refused.
    ConsentDenied = "consent_denied",
    /// A resident took back what they had allowed a client.
    ConsentWithdrawn = "consent_withdrawn",
    /// A code was redeemed: the first issue of tokens, with the claims they can fetch.
    AuthorizationRedeemed = "authorization_redeemed",
    /// A redeemed code came again.
    CodeReplayed = "code_replayed",
    /// A superseded refresh token came again.
    RefreshReplayed = "refresh_replayed",
    /// A client gave a token back.
    TokenRevoked = "token_revoked",
    /// An authorization ended with all its tokens.
    AuthorizationRevoked = "authorization_revoked",
    /// An account came by import.
    AccountImported = "account_imported",
    /// A resident opened an account.
    AccountRegistered = "account_registered",
    /// A resident set a new password after proving anew who they are.
    AccountRecovered = "account_recovered",
    /// A registration or recovery ended without doing what it was for.
    ChallengeRefused = "challenge_refused",
    /// A one-time code came back.
    PhoneConfirmed = "phone_confirmed",
    /// An authority was asked about an identity.
    IdentityChecked = "identity_checked",
    /// An account lost a document or a phone to one that is proven better.
    ProofLost = "proof_lost",
    /// An account was frozen.
    AccountFrozen = "account_frozen",
    /// An account was released.
    AccountUnfrozen = "account_unfrozen",
    /// An account was removed with all that belonged to it.
    AccountRemoved = "account_removed",
    /// The key of a bucket of accounts was replaced: removed accounts open no more.
    BucketKeyReplaced = "bucket_key_replaced",
    /// A backup was made.
    BackupTaken = "backup_taken",
    /// The database was restored from one.
    Restored = "restored",
    /// A password's hash was made anew with today's parameters.
    PasswordUpgraded = "password_upgraded",
    /// A client was registered.
    ClientAdded = "client_added",
    /// A client's metadata changed.
    ClientUpdated = "client_updated",
    /// A client was suspended.
    ClientSuspended = "client_suspended",
    /// A client was resumed.
    ClientResumed = "client_resumed",
    /// A client was removed.
    ClientRemoved = "client_removed",
    /// The provider made its keys.
    KeysCreated = "keys_created",
    /// Keys took the place of others.
    KeysRotated = "keys_rotated",
    /// All keys were brought under the current master key.
    KeysRewrapped = "keys_rewrapped",
}

/// On whose order something is done, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    operator: String,
    reason: String,
}

impl Operation {
    /// By `operator`, for `reason`.
    pub fn new(operator: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            operator: operator.into(),
            reason: reason.into(),
        }
    }
}

/// Something to record.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    kind: EventKind,
    at: Instant,
    account_id: Option<AccountId>,
    client_id: Option<String>,
    detail: Value,
}

impl Event {
    /// An event of a kind.
    #[must_use]
    pub const fn new(kind: EventKind, at: Instant) -> Self {
        Self {
            kind,
            at,
            account_id: None,
            client_id: None,
            detail: Value::Null,
        }
    }

    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// Whom it concerns.
    #[must_use]
    pub const fn account(mut self, account_id: AccountId) -> Self {
        self.account_id = Some(account_id);
        self
    }

    /// Which client it concerns.
    #[must_use]
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// What else is worth knowing, beside what was said before: the members of an object, small,
    /// codes and ids only, nothing personal.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        match (&mut self.detail, detail) {
            (Value::Object(said), Value::Object(more)) => said.extend(more),
            (said, more) => *said = more,
        }
        self
    }

    /// On whose order it was done, and why.
    #[must_use]
    pub fn by(self, operation: &Operation) -> Self {
        self.detail(json!(operation))
    }

    pub(crate) fn row(&self, writer: WriterId, seq: i64) -> EventRow {
        EventRow {
            writer,
            seq,
            at: self.at,
            kind: self.kind.name().to_owned(),
            account_id: self.account_id,
            client_id: self.client_id.clone(),
            detail: if self.detail.is_null() {
                "{}".to_owned()
            } else {
                self.detail.to_string()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let names: std::collections::BTreeSet<_> =
            EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
    }

    #[test]
    fn who_and_why_stand_beside_what_else_is_known() {
        let stored = |event: Event| event.row(WriterId::from_u128(1), 1).detail;
        let event = Event::new(EventKind::KeysRotated, Instant::from_seconds(1));
        let by = Operation::new("li", "leak");
        assert_eq!(stored(event.clone()), "{}");
        let ordered = r#"{"operator":"li","reason":"leak"}"#;
        assert_eq!(stored(event.clone().by(&by)), ordered);
        let both = r#"{"keys":2,"operator":"li","reason":"leak"}"#;
        let keys = json!({ "keys": 2 });
        assert_eq!(stored(event.clone().by(&by).detail(keys.clone())), both);
        assert_eq!(stored(event.detail(keys).by(&by)), both);
    }
}
