//! Recovery: a new password for whoever proves to be the account's person, at the level that the
//! account is proven. Never by a phone alone, and never with a phone that is not the account's.
//!
//! Whatever was begun with the account ends, and every channel of it is told.

use serde_json::json;

use super::Accounts;
use super::challenge::OpenChallenge;
use super::completion::{CompletionError, Prepared, WriteError};
use super::draft::Application;
use super::loss::{Loss, end_access};
use super::proofing::PROVES;
use super::registration::Losses;
use crate::domain::account::{AccountStatus, SealedProfile};
use crate::domain::assurance;
use crate::domain::challenge::ChallengeOutcome;
use crate::domain::check::Check;
use crate::domain::id::{AccountId, ChallengeId, NoticeId};
use crate::domain::instant::Instant;
use crate::domain::message::MessageText;
use crate::domain::name::PersonName;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::phone_holder;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::outbox::OutboxItem;
use crate::storage::checks::NewCheck;
use crate::storage::credentials::PasswordCredential;
use crate::storage::{
    self, Reader, account_index, accounts, challenges, checks, credentials, notices, privacy,
};

/// All that the transaction of a recovery writes.
pub(super) struct Recovery {
    challenge: ChallengeId,
    account_id: AccountId,
    document_key: String,
    phone_key: String,
    phone_horizon: Instant,
    check: NewCheck,
    password: PasswordCredential,
    losses: Vec<Loss>,
    /// Who keeps the phone, being the same person.
    kept: Vec<AccountId>,
    /// The profile with the name that was proven, if it had another.
    renamed: Option<(SealedProfile, SealedProfile)>,
    privacy_version: String,
    notice: (NoticeId, Notice),
    messages: Vec<OutboxItem>,
    told: OutboxItem,
    now: Instant,
}

impl Accounts {
    /// Giving the account that a challenge is for its new password.
    pub(super) async fn prepare_recovery(
        &self,
        open: &OpenChallenge,
        application: &Application,
        (check, password): (Check, PasswordCredential),
    ) -> Result<Prepared, CompletionError> {
        let now = self.now();
        let document_key = self.document_key(&application.document);
        let phone_key = self.phone_key(&application.phone);
        let mut reader = self.ledger.reader().await?;
        let Some(account_id) = account_index::find_by_document(&mut reader, &document_key).await?
        else {
            return Ok(Prepared::Refused(ChallengeOutcome::NoAccount));
        };
        let phone = (phone_key.as_str(), self.phone_horizon());
        if let Some(outcome) = obstacle(&mut reader, account_id, phone, now).await? {
            return Ok(Prepared::Refused(outcome));
        }
        drop(reader);
        let Some((account, mut profile)) = self.profile(account_id).await? else {
            return Ok(Prepared::Refused(ChallengeOutcome::NoAccount));
        };
        // The check is about this name: the level must not vouch for another.
        let is_same = |name: &PersonName| name.matches(&application.name);
        let renamed = if profile.name.as_ref().is_some_and(is_same) {
            None
        } else {
            profile.name = Some(application.name.clone());
            let old = account.sealed;
            let new = self.seal_changed(account_id, &old, &profile).await?;
            Some((old, new))
        };
        let Losses { losses, kept } = self.losses(None, application, Some(account_id)).await?;
        let message = MessageText::AccountRecovered { at: now };
        let reachable = self.reachable(account_id, &profile).await?;
        Ok(Prepared::Recovery(Box::new(Recovery {
            challenge: open.id,
            account_id,
            check: self.new_check(check, &document_key, &phone_key),
            document_key,
            phone_key,
            phone_horizon: self.phone_horizon(),
            password,
            losses,
            kept,
            renamed,
            privacy_version: application.privacy_version.clone(),
            notice: self.notice(NoticeKind::Recovered, now),
            messages: self.tell(
                (account_id, &reachable),
                (&message, application.language),
                now,
            )?,
            told: self.sessions_ended(account_id, now)?,
            now,
        })))
    }
}

/// What keeps an account from being recovered with this check and this phone.
async fn obstacle(
    reader: &mut Reader,
    account_id: AccountId,
    (phone_key, phone_horizon): (&str, Instant),
    now: Instant,
) -> Result<Option<ChallengeOutcome>, storage::Error> {
    let Some(account) = accounts::find(reader, account_id).await? else {
        return Ok(Some(ChallengeOutcome::NoAccount));
    };
    if account.status == AccountStatus::Frozen {
        return Ok(Some(ChallengeOutcome::Frozen));
    }
    let held = checks::list(reader, account_id).await?;
    if assurance::derive(&held, now).is_some_and(|level| level > PROVES) {
        return Ok(Some(ChallengeOutcome::NeedsMore));
    }
    let holders = account_index::list_by_phone(reader, phone_key, phone_horizon).await?;
    if !holders.contains(&account_id) {
        return Ok(Some(ChallengeOutcome::OtherPhone));
    }
    Ok(None)
}

impl Recovery {
    /// The account it gives back.
    pub(super) const fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// Writes it; the access epoch that begins.
    pub(super) async fn write(&self, entry: &mut Entry<'_>) -> Result<i64, WriteError> {
        let (id, now) = (self.account_id, self.now);
        let outcome = ChallengeOutcome::Done;
        if !challenges::finish(entry.tx(), self.challenge, outcome, now).await? {
            return Err(WriteError::Over);
        }
        self.lock_all(entry).await?;
        self.look_again(entry).await?;
        for loss in &self.losses {
            if !loss.write(entry).await? {
                return Err(WriteError::Changed);
            }
        }
        let access_epoch = end_access(entry, id, (&self.told, now)).await?;
        let tx = entry.tx();
        if let Some((old, new)) = &self.renamed
            && !accounts::replace_profile(tx, id, (old, new), now).await?
        {
            return Err(WriteError::Changed);
        }
        if !credentials::replace_password(tx, id, &self.password.hash, now).await? {
            credentials::insert_password(tx, id, &self.password, now).await?;
        }
        checks::insert(tx, id, &self.check).await?;
        account_index::confirm_phone(tx, &self.phone_key, id, (now, true)).await?;
        privacy::insert(tx, id, &self.privacy_version, now).await?;
        let (notice_id, notice) = &self.notice;
        notices::insert(tx, id, *notice_id, notice).await?;
        for message in &self.messages {
            entry.enqueue(message).await?;
        }
        let check = &self.check.check;
        let event = Event::new(EventKind::AccountRecovered, now)
            .account(id)
            .detail(json!({
                "challenge": self.challenge,
                "method": check.method,
                "authority": check.authority,
                "transaction": check.transaction,
            }));
        entry.record(&event).await?;
        Ok(access_epoch)
    }

    /// Its own account and the losers', in one order for all.
    async fn lock_all(&self, entry: &mut Entry<'_>) -> Result<(), WriteError> {
        let mut ids: Vec<AccountId> = self.losses.iter().map(Loss::account_id).collect();
        ids.push(self.account_id);
        ids.sort_unstable();
        for id in ids {
            let locked = accounts::lock(entry.tx(), id, self.now).await?;
            locked.ok_or(WriteError::Changed)?;
        }
        Ok(())
    }

    /// Whether document, level, phone and who else has it are what they were, behind the lock.
    async fn look_again(&self, entry: &mut Entry<'_>) -> Result<(), WriteError> {
        let tx = entry.tx();
        let holder = account_index::find_by_document(tx, &self.document_key).await?;
        let phone = (self.phone_key.as_str(), self.phone_horizon);
        let obstacle = obstacle(tx, self.account_id, phone, self.now).await?;
        let phone_holders = account_index::list_holders(tx, &self.phone_key).await?;
        let losers = phone_holder::losers(&phone_holders, Some(self.account_id));
        let is_prepared = |loser| {
            self.kept.contains(&loser) || self.losses.iter().any(|loss| loss.account_id() == loser)
        };
        let is_same = holder == Some(self.account_id) && losers.into_iter().all(is_prepared);
        if is_same && obstacle.is_none() {
            Ok(())
        } else {
            Err(WriteError::Changed)
        }
    }
}
