//! Registration: an account is opened for whoever proved to be its person, and nobody else can
//! take the name away afterwards.
//!
//! One transaction ends the challenge, takes the document (from an account that was proven less, if
//! one has it), takes the phone (from an account whose person it no longer is), and writes the
//! account with its check. What the holder of document or phone looked like before is looked at
//! again inside, behind its lock; if it has changed, all of it begins anew.

use std::collections::BTreeMap;

use serde_json::json;

use super::Accounts;
use super::challenge::OpenChallenge;
use super::completion::{CompletionError, Prepared, WriteError};
use super::draft::Application;
use super::loss::{Loss, Lost};
use super::opening::{AccountParts, NewAccount};
use super::proofing::PROVES;
use crate::domain::account::AccountStatus;
use crate::domain::assurance;
use crate::domain::challenge::ChallengeOutcome;
use crate::domain::check::Check;
use crate::domain::id::{AccountId, ChallengeId, NoticeId};
use crate::domain::instant::Instant;
use crate::domain::message::MessageText;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::phone_holder;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::outbox::OutboxItem;
use crate::protocol::acr::Ial;
use crate::storage::accounts::Insertion;
use crate::storage::credentials::PasswordCredential;
use crate::storage::{self, Reader, account_index, accounts, challenges, checks, notices, privacy};

/// All that the transaction of a registration writes.
pub(super) struct Registration {
    challenge: ChallengeId,
    new: NewAccount,
    /// The account that has the document and is to lose it.
    holder: Option<AccountId>,
    losses: Vec<Loss>,
    /// Who keeps the phone, being the same person.
    kept: Vec<AccountId>,
    privacy_version: String,
    notices: Vec<(NoticeId, Notice)>,
    messages: Vec<OutboxItem>,
    now: Instant,
}

/// What others lose, and who keeps the phone though it is proven anew.
pub(super) struct Losses {
    pub(super) losses: Vec<Loss>,
    pub(super) kept: Vec<AccountId>,
}

/// How an account that has the document stands to whoever has just proven it.
enum Standing {
    Weaker,
    AsGood,
    Frozen,
}

impl Accounts {
    /// Opening the account that a challenge is for.
    pub(super) async fn prepare_registration(
        &self,
        open: &OpenChallenge,
        application: &Application,
        (check, password): (Check, PasswordCredential),
    ) -> Result<Prepared, CompletionError> {
        let now = self.now();
        let document_key = self.document_key(&application.document);
        let mut reader = self.ledger.reader().await?;
        let holder = account_index::find_by_document(&mut reader, &document_key).await?;
        if let Some(holder) = holder {
            match standing(&mut reader, holder, now).await? {
                Some(Standing::Weaker) | None => {}
                Some(Standing::AsGood) => {
                    return Ok(Prepared::Refused(ChallengeOutcome::AlreadyRegistered));
                }
                Some(Standing::Frozen) => {
                    return Ok(Prepared::Refused(ChallengeOutcome::Frozen));
                }
            }
        }
        drop(reader);
        let new = self
            .new_account(
                AccountParts {
                    id: AccountId::random(&*self.entropy),
                    name: application.name.clone(),
                    document: application.document.clone(),
                    phone: application.phone.clone(),
                    email: None,
                    checks: vec![Check::phone_confirmed_by("code", now), check],
                    password,
                },
                now,
            )
            .await?;
        let Losses { losses, kept } = self.losses(holder, application, None).await?;
        let mut notices = vec![self.notice(NoticeKind::Registered, now)];
        if holder.is_some() {
            notices.push(self.notice(NoticeKind::DocumentTaken, now));
        }
        let message = MessageText::AccountRegistered;
        Ok(Prepared::Registration(Box::new(Registration {
            challenge: open.id,
            holder,
            losses,
            kept,
            privacy_version: application.privacy_version.clone(),
            notices,
            messages: self.tell(
                (new.id(), new.profile()),
                (&message, application.language),
                now,
            )?,
            new,
            now,
        })))
    }

    /// What others lose to whoever proved document and phone: the document's holder the document,
    /// accounts of other people the phone. By account, so that all lock them in one order.
    pub(super) async fn losses(
        &self,
        holder: Option<AccountId>,
        application: &Application,
        own: Option<AccountId>,
    ) -> Result<Losses, CompletionError> {
        let mut lost: BTreeMap<AccountId, Lost<'_>> = BTreeMap::new();
        if let Some(holder) = holder {
            lost.entry(holder).or_default().document = Some(&application.document);
        }
        let mut reader = self.ledger.reader().await?;
        let phone_key = self.phone_key(&application.phone);
        let phone_holders = account_index::list_holders(&mut reader, &phone_key).await?;
        drop(reader);
        let mut losers = phone_holder::losers(&phone_holders, own);
        let kept = self.namesakes(&losers, application).await?;
        losers.retain(|loser| !kept.contains(loser));
        // Whoever claimed this document on this phone claimed to be this person.
        let claimed = phone_holders
            .iter()
            .map(|phone_holder| phone_holder.account_id)
            .filter(|account_id| holder == Some(*account_id));
        for loser in losers.into_iter().chain(claimed) {
            lost.entry(loser).or_default().phone = Some(&application.phone);
        }
        let mut losses = Vec::with_capacity(lost.len());
        for (account_id, lost) in lost {
            losses.extend(self.prepare_loss(account_id, lost).await?);
        }
        Ok(Losses { losses, kept })
    }

    /// Who of the losers bears the proven name: the same person under another document, from whom
    /// the phone has not gone. Somebody else of that name gains nothing by keeping it: who recovers
    /// must be known by it to the carrier.
    async fn namesakes(
        &self,
        losers: &[AccountId],
        application: &Application,
    ) -> Result<Vec<AccountId>, CompletionError> {
        let mut namesakes = Vec::new();
        for loser in losers {
            let profile = self.profile(*loser).await?;
            let name = profile.and_then(|(_, profile)| profile.name);
            if name.is_some_and(|name| name.matches(&application.name)) {
                namesakes.push(*loser);
            }
        }
        Ok(namesakes)
    }
}

impl Registration {
    /// The account it opens.
    pub(super) const fn account_id(&self) -> AccountId {
        self.new.id()
    }

    pub(super) async fn write(&self, entry: &mut Entry<'_>) -> Result<(), WriteError> {
        let (id, now) = (self.new.id(), self.now);
        let outcome = ChallengeOutcome::Done;
        if !challenges::finish(entry.tx(), self.challenge, outcome, now).await? {
            return Err(WriteError::Over);
        }
        for loss in &self.losses {
            if !loss.lock(entry).await? {
                return Err(WriteError::Changed);
            }
        }
        self.take_document(entry).await?;
        for loss in &self.losses {
            if !loss.write(entry).await? {
                return Err(WriteError::Changed);
            }
        }
        // Somebody else's came between: look again who is to leave.
        if !self.new.claim_phone(entry).await? {
            return Err(WriteError::Changed);
        }
        let phone_key = self.new.phone_key();
        let phone_holders = account_index::list_holders(entry.tx(), phone_key).await?;
        let losers = phone_holder::losers(&phone_holders, Some(id));
        if losers.iter().any(|loser| !self.kept.contains(loser)) {
            return Err(WriteError::Changed);
        }
        // Begun anew, it is another account, under another key.
        match self.new.insert(entry).await? {
            Insertion::Inserted => {}
            Insertion::KeyReplaced => return Err(WriteError::Changed),
        }
        privacy::insert(entry.tx(), id, &self.privacy_version, now).await?;
        for (notice_id, notice) in &self.notices {
            notices::insert(entry.tx(), id, *notice_id, notice).await?;
        }
        for message in &self.messages {
            entry.enqueue(message).await?;
        }
        let event = Event::new(EventKind::AccountRegistered, now)
            .account(id)
            .detail(json!({
                "challenge": self.challenge,
                "privacy": self.privacy_version,
                "checks": self.new.check_details(),
                "from": self.holder,
            }));
        Ok(entry.record(&event).await?)
    }

    /// Free, or held by the account that is locked and still weaker.
    async fn take_document(&self, entry: &mut Entry<'_>) -> Result<(), WriteError> {
        let Some(holder) = self.holder else {
            let claimed = self.new.claim_document(entry).await?;
            return claimed.then_some(()).ok_or(WriteError::Changed);
        };
        let tx = entry.tx();
        let is_weaker = matches!(
            standing(tx, holder, self.now).await?,
            Some(Standing::Weaker)
        );
        let key = self.new.document_key();
        let parties = (holder, self.new.id());
        if is_weaker && account_index::transfer_document(tx, key, parties).await? {
            Ok(())
        } else {
            Err(WriteError::Changed)
        }
    }
}

/// How an account stands to whoever proves its document now; none if there is no such account.
async fn standing(
    reader: &mut Reader,
    id: AccountId,
    now: Instant,
) -> Result<Option<Standing>, storage::Error> {
    let Some(account) = accounts::find(reader, id).await? else {
        return Ok(None);
    };
    if account.status == AccountStatus::Frozen {
        return Ok(Some(Standing::Frozen));
    }
    let checks = checks::list(reader, id).await?;
    let level: Option<Ial> = assurance::derive(&checks, now);
    Ok(Some(match level {
        Some(level) if level >= PROVES => Standing::AsGood,
        Some(_) | None => Standing::Weaker,
    }))
}
