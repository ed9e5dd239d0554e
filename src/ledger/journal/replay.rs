//! Takes away again what was taken away after a backup.
//!
//! Nothing is given: what a restored row has and the journal's last state has not goes, and what the
//! journal has and the row has not stays lost. A status is the last one: who was let go on after the
//! backup goes on. All may be done twice.

use serde::{Deserialize, Serialize};

use super::put_back;
use super::state::{self, AccountState, Takeaway, digest};
use super::{Change, Journal, JournalError, TakeawayRow, copied};
use crate::domain::account::AccountStatus;
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;
use crate::ledger::{CHANGE_RETENTION, Entry};
use crate::storage::changes::{self, Lane};
use crate::storage::holdings::{self, Holdings};
use crate::storage::{
    Error, Storage, account_index, authorizations, backup, checks, clients, erasures, keys,
    sessions, vault_journal,
};

/// Takeaways read, and written in one transaction, at a time.
const PAGE: u32 = 200;

/// What was taken away again.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Replayed {
    /// Clients that have their last record.
    pub clients: u64,
    /// Keys of the provider that have their last status.
    pub keys: u64,
    /// Accounts that have no more than was left of them.
    pub accounts: u64,
    /// Accounts that were removed.
    pub removed: u64,
    /// Sessions that ended.
    pub sessions: u64,
    /// Authorizations that ended.
    pub authorizations: u64,
    /// Grants that were withdrawn.
    pub grants: u64,
    /// Access tokens that were given back.
    pub access_tokens: u64,
    /// Accounts that may have lost documents or phones which their profiles still name.
    #[serde(skip)]
    pub narrowed: Vec<AccountId>,
}

/// How far a restore is that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoring {
    /// The numbers that the lanes of the change feed had in what was restored.
    pub lanes: Vec<i64>,
    /// When it began.
    pub began: Instant,
}

/// What one takeaway came to.
enum Done {
    /// Nothing was left to do.
    Nothing,
    /// It is taken away.
    Taken,
    /// And the account's profile may still name what it lost: perhaps in an earlier attempt, so
    /// whoever goes on looks at it.
    Narrowed(AccountId),
    /// The account is gone.
    Removed,
}

impl Restoring {
    /// Notes in a database what is to be taken away from it again, and brings its change feed to
    /// where the journal is: numbers that were given once are not given again. What was noted
    /// before stays: the numbers are not those of what was restored any more.
    pub async fn begin(self, main: &Storage, vault: &Storage) -> Result<Self, JournalError> {
        let noted = backup::restoring(&mut main.reader().await?).await?;
        let noted = noted.and_then(|text| serde_json::from_str(&text).ok());
        let restoring = noted.unwrap_or(self);
        let copied = copied(&mut vault.reader().await?).await?;
        let text = serde_json::to_string(&restoring).map_err(|_| corrupt())?;
        let written: Result<(), Error> = main
            .write((text, copied), |tx, (text, copied)| {
                Box::pin(async move {
                    if !backup::begin_restoring(tx, text).await? {
                        backup::note_restoring(tx, text).await?;
                    }
                    for lane in copied {
                        backup::advance_lane(tx, lane.lane, lane.seq).await?;
                    }
                    Ok(())
                })
            })
            .await;
        written?;
        // What the database does not know of any more is what is restored here.
        put_back::forget_chains(vault, Instant::from_millis(i64::MAX)).await?;
        Ok(restoring)
    }

    /// For a database as it is, restored by other means.
    pub async fn of_database(main: &Storage, began: Instant) -> Result<Self, Error> {
        let lanes = changes::lanes(&mut main.reader().await?).await?;
        Ok(Self {
            lanes: lanes.iter().map(|Lane { seq, .. }| *seq).collect(),
            began,
        })
    }

    fn concerns(&self, row: &TakeawayRow) -> bool {
        let lane = usize::try_from(row.lane).ok();
        let seen = lane.and_then(|lane| self.lanes.get(lane));
        seen.is_none_or(|seen| row.seq > *seen)
    }
}

impl Journal {
    /// Takes away what was taken away after a database had these numbers.
    pub async fn replay(&self, restoring: &Restoring) -> Result<Replayed, JournalError> {
        let mut replayed = Replayed::default();
        let mut last = (String::new(), String::new());
        loop {
            let mut reader = self.vault.reader().await?;
            let behind = (last.0.as_str(), last.1.as_str());
            let rows = vault_journal::page(&mut reader, behind, PAGE).await?;
            drop(reader);
            let Some(row) = rows.last() else {
                return Ok(replayed);
            };
            last = (row.kind.clone(), row.subject.clone());
            let mut takeaways = Vec::new();
            for row in rows.iter().filter(|row| restoring.concerns(row)) {
                takeaways.push((state::read(row)?, row.at));
            }
            if !takeaways.is_empty() {
                self.take_away(takeaways, &mut replayed).await?;
            }
        }
    }

    async fn take_away(
        &self,
        takeaways: Vec<(Takeaway, Instant)>,
        replayed: &mut Replayed,
    ) -> Result<(), JournalError> {
        let now = self.ledger.now();
        let outcomes: Result<Vec<(&'static str, Done)>, Error> = self
            .ledger
            .write((takeaways, now), |entry, (takeaways, now)| {
                Box::pin(async move {
                    let mut outcomes = Vec::with_capacity(takeaways.len());
                    for (takeaway, at) in takeaways {
                        let done = take(entry, takeaway, *now).await?;
                        // Tokens of what ended longer ago have expired.
                        if *at >= now.minus(CHANGE_RETENTION) {
                            announce(entry, takeaway);
                        }
                        outcomes.push((kind(takeaway), done));
                    }
                    Ok(outcomes)
                })
            })
            .await;
        for (kind, done) in outcomes? {
            replayed.count(kind, &done);
        }
        Ok(())
    }
}

impl Replayed {
    fn count(&mut self, kind: &str, done: &Done) {
        let counter = match (kind, done) {
            (_, Done::Nothing) => return,
            (_, Done::Removed) => &mut self.removed,
            (state::CLIENT, _) => &mut self.clients,
            (state::KEY, _) => &mut self.keys,
            (state::SESSION, _) => &mut self.sessions,
            (state::AUTHORIZATION, _) => &mut self.authorizations,
            (state::GRANT, _) => &mut self.grants,
            (state::ACCESS_TOKEN, _) => &mut self.access_tokens,
            _ => &mut self.accounts,
        };
        *counter += 1;
        if let Done::Narrowed(account) = done {
            self.narrowed.push(*account);
        }
    }
}

const fn kind(takeaway: &Takeaway) -> &'static str {
    match takeaway {
        Takeaway::Client(_) => state::CLIENT,
        Takeaway::Key(_) => state::KEY,
        Takeaway::Account(..) => state::ACCOUNT,
        Takeaway::Session(..) => state::SESSION,
        Takeaway::Authorization(..) => state::AUTHORIZATION,
        Takeaway::Grant(..) => state::GRANT,
        Takeaway::AccessToken(_) => state::ACCESS_TOKEN,
    }
}

/// Access tokens die by it in every process, as they did.
fn announce(entry: &mut Entry<'_>, takeaway: &Takeaway) {
    match takeaway {
        Takeaway::Client(client) => entry.announce(Change::ClientChanged(client.id.to_string())),
        Takeaway::Key(_) => entry.announce(Change::KeysChanged),
        Takeaway::Account(id, state) => {
            entry.announce(Change::AccountChanged(*id));
            if state.as_ref().is_some_and(|state| !state.frozen) {
                entry.announce(Change::AccountRestored(*id));
            }
        }
        Takeaway::Session(account, id) => entry.announce(Change::SessionEnded(*account, *id)),
        Takeaway::Authorization(account, id) => {
            entry.announce(Change::AuthorizationRevoked(*account, *id));
        }
        Takeaway::Grant(account, id) => entry.announce(Change::GrantWithdrawn(*account, *id)),
        Takeaway::AccessToken(id) => entry.announce(Change::AccessTokenRevoked(*id)),
    }
}

async fn take(entry: &mut Entry<'_>, takeaway: &Takeaway, now: Instant) -> Result<Done, Error> {
    let tx = entry.tx();
    let is_done = |taken| if taken { Done::Taken } else { Done::Nothing };
    Ok(match takeaway {
        Takeaway::Client(client) => {
            clients::put(tx, client).await?;
            Done::Taken
        }
        Takeaway::Key(row) => {
            if !keys::set_status(tx, row).await? {
                keys::insert(tx, row).await?;
            }
            Done::Taken
        }
        Takeaway::Account(id, None) => match erasures::remove_account(tx, *id, now).await? {
            Some(_) => Done::Removed,
            None => Done::Nothing,
        },
        Takeaway::Account(id, Some(left)) => match holdings::find(tx, *id).await? {
            Some(held) => narrow(entry, (*id, &held), left, now).await?,
            None => Done::Nothing,
        },
        Takeaway::Session(account, id) => is_done(sessions::end(tx, *account, *id, now).await?),
        Takeaway::Authorization(account, id) => {
            is_done(authorizations::revoke(tx, *account, *id, now).await?)
        }
        Takeaway::Grant(account, id) => {
            is_done(holdings::revoke_grant(tx, *account, *id, now).await?)
        }
        Takeaway::AccessToken(_) => Done::Taken,
    })
}

/// Leaves an account no more than it had.
async fn narrow(
    entry: &mut Entry<'_>,
    (id, held): (AccountId, &Holdings),
    left: &AccountState,
    now: Instant,
) -> Result<Done, Error> {
    let tx = entry.tx();
    let status = if left.frozen {
        AccountStatus::Frozen
    } else {
        AccountStatus::Active
    };
    holdings::set_standing(tx, id, (status, left.access_epoch), now).await?;
    if left.access_epoch > held.access_epoch {
        sessions::end_all(tx, id, now).await?;
        authorizations::revoke_all(tx, id, now).await?;
    }
    for session in held
        .sessions
        .iter()
        .filter(|one| !left.sessions.contains(one))
    {
        sessions::end(tx, id, *session, now).await?;
    }
    for grant in held.grants.iter().filter(|one| !left.grants.contains(one)) {
        holdings::revoke_grant(tx, id, *grant, now).await?;
    }
    for (credential, secret) in &held.credentials {
        if !left.credentials.contains(&(*credential, digest(secret))) {
            holdings::remove_credential(tx, id, *credential).await?;
        }
    }
    for (check, expires_at) in &left.checks {
        if let Some(expires_at) = expires_at {
            holdings::limit_check(tx, id, *check, *expires_at).await?;
        }
    }
    for document in held
        .documents
        .iter()
        .filter(|one| !left.documents.contains(one))
    {
        holdings::remove_document(tx, id, document).await?;
        checks::end_with_document(tx, id, document, now).await?;
    }
    for phone in held.phones.iter().filter(|one| !left.phones.contains(one)) {
        account_index::remove_phone(tx, phone, id).await?;
        checks::end_with_phone(tx, id, phone, now).await?;
    }
    Ok(Done::Narrowed(id))
}

const fn corrupt() -> Error {
    Error::Corrupt {
        table: "installation",
        column: "value",
    }
}
