//! What the journal notes of a change, and what it reads of that again.

use serde::{Deserialize, Serialize};

use super::{Change, ChangeRow, JournalError, TakeawayRow};
use crate::crypto::digest::sha256;
use crate::crypto::encoding;
use crate::domain::account::AccountStatus;
use crate::domain::client::{Client, ClientId, ClientStatus};
use crate::domain::id::{
    AccessTokenId, AccountId, AuthorizationId, CheckId, CredentialId, GrantId, SessionId,
};
use crate::domain::instant::Instant;
use crate::protocol::client_metadata::ClientMetadata;
use crate::storage::holdings::{self, Holdings};
use crate::storage::keys::{self, KeyRow};
use crate::storage::{Error, Reader, clients};

pub(super) const CLIENT: &str = "client";
pub(super) const KEY: &str = "key";
pub(super) const ACCOUNT: &str = "account";
pub(super) const SESSION: &str = "session";
pub(super) const AUTHORIZATION: &str = "authorization";
pub(super) const GRANT: &str = "grant";
pub(super) const ACCESS_TOKEN: &str = "access_token";

/// Something as it stood after its last change.
pub(super) enum Takeaway {
    /// A client's whole record: also a narrower one than before.
    Client(Box<Client>),
    /// One of the provider's keys: also one that was retired since it had leaked.
    Key(Box<KeyRow>),
    /// What was left of an account; none when it was removed.
    Account(AccountId, Option<Box<AccountState>>),
    /// It ended.
    Session(AccountId, SessionId),
    /// It ended.
    Authorization(AccountId, AuthorizationId),
    /// It was withdrawn.
    Grant(AccountId, GrantId),
    /// It ended.
    AccessToken(AccessTokenId),
}

#[derive(Serialize, Deserialize)]
struct ClientState {
    status: ClientStatus,
    metadata: ClientMetadata,
    secret_hash: Option<String>,
    registered_at: Instant,
    changed_at: Instant,
}

/// What was left of an account. Credentials by a digest: a password from before a recovery must not
/// count again, and the journal is no place for one that counts.
#[derive(Serialize, Deserialize)]
pub(super) struct AccountState {
    pub(super) frozen: bool,
    pub(super) access_epoch: i64,
    pub(super) credentials: Vec<(CredentialId, String)>,
    pub(super) documents: Vec<String>,
    pub(super) phones: Vec<String>,
    pub(super) grants: Vec<GrantId>,
    pub(super) sessions: Vec<SessionId>,
    pub(super) checks: Vec<(CheckId, Option<Instant>)>,
}

impl AccountState {
    fn of(held: Holdings) -> Self {
        Self {
            frozen: held.status == AccountStatus::Frozen,
            access_epoch: held.access_epoch,
            credentials: held
                .credentials
                .into_iter()
                .map(|(id, secret)| (id, digest(&secret)))
                .collect(),
            documents: held.documents,
            phones: held.phones,
            grants: held.grants,
            sessions: held.sessions,
            checks: held.checks,
        }
    }
}

/// By which a secret is known again.
pub(super) fn digest(secret: &str) -> String {
    encoding::encode(&sha256(&[secret.as_bytes()]))
}

/// What is to be noted of a change: kind, subject, state. How things stand is read now, at the
/// change or later; a later change is noted again.
pub(super) async fn of(
    reader: &mut Reader,
    row: &ChangeRow,
) -> Result<Vec<(&'static str, String, Option<String>)>, JournalError> {
    // Of a newer release, whose schema does not admit this one.
    let Some(change) = Change::parse(&row.kind, &row.subject) else {
        return Ok(Vec::new());
    };
    let subject = change.subject();
    let one = |kind: &'static str, state| Ok(vec![(kind, subject.clone(), state)]);
    match &change {
        Change::ClientChanged(_) => {
            let id: Option<ClientId> = subject.clone().try_into().ok();
            let found = match id {
                Some(id) => clients::find(reader, &id).await?,
                None => None,
            };
            match found {
                Some(client) => {
                    let state = ClientState {
                        status: client.status,
                        metadata: client.metadata,
                        secret_hash: client.secret_hash,
                        registered_at: client.registered_at,
                        changed_at: client.changed_at,
                    };
                    one(CLIENT, Some(to_json(&state)?))
                }
                None => Ok(Vec::new()),
            }
        }
        Change::KeysChanged => {
            let rows = keys::list(reader).await?;
            let noted = rows.iter();
            noted
                .map(|row| Ok((KEY, row.key_id.clone(), Some(to_json(row)?))))
                .collect()
        }
        Change::AccountChanged(id) | Change::AccountRestored(id) => {
            let held = holdings::find(reader, *id).await?;
            let state = held.map(AccountState::of);
            one(ACCOUNT, state.as_ref().map(to_json).transpose()?)
        }
        Change::SessionEnded(..) => one(SESSION, None),
        Change::AuthorizationRevoked(..) => one(AUTHORIZATION, None),
        Change::GrantWithdrawn(..) => one(GRANT, None),
        Change::AccessTokenRevoked(_) => one(ACCESS_TOKEN, None),
        // The key store knows.
        Change::BucketKeyReplaced(_) => Ok(Vec::new()),
    }
}

/// What a row says.
pub(super) fn read(row: &TakeawayRow) -> Result<Takeaway, JournalError> {
    try_read(row).ok_or_else(|| JournalError::Unreadable {
        kind: row.kind.clone(),
        subject: row.subject.clone(),
    })
}

fn try_read(row: &TakeawayRow) -> Option<Takeaway> {
    let state = row.state.as_deref();
    match row.kind.as_str() {
        CLIENT => {
            let ClientState {
                status,
                metadata,
                secret_hash,
                registered_at,
                changed_at,
            } = serde_json::from_str(state?).ok()?;
            Some(Takeaway::Client(Box::new(Client {
                id: row.subject.clone().try_into().ok()?,
                status,
                metadata,
                secret_hash,
                registered_at,
                changed_at,
            })))
        }
        KEY => serde_json::from_str(state?).ok().map(Takeaway::Key),
        ACCOUNT => {
            let state = state.map(serde_json::from_str).transpose().ok()?;
            Some(Takeaway::Account(row.subject.parse().ok()?, state))
        }
        kind => match Change::parse(kind, &row.subject)? {
            Change::SessionEnded(account, id) => Some(Takeaway::Session(account, id)),
            Change::AuthorizationRevoked(account, id) => Some(Takeaway::Authorization(account, id)),
            Change::GrantWithdrawn(account, id) => Some(Takeaway::Grant(account, id)),
            Change::AccessTokenRevoked(id) => Some(Takeaway::AccessToken(id)),
            Change::ClientChanged(_)
            | Change::KeysChanged
            | Change::AccountChanged(_)
            | Change::AccountRestored(_)
            | Change::BucketKeyReplaced(_) => None,
        },
    }
}

fn to_json(state: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(state).map_err(|_| Error::Corrupt {
        table: "takeaways",
        column: "state",
    })
}
