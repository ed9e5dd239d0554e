//! Loss: whoever proves a document or a phone better takes it over, and the account that had it
//! loses it with everything that rested on it.
//!
//! What the account keeps is sealed anew before the transaction, which replaces the profile only if
//! it is still the one that was read, and only after it has locked the account.

use serde_json::json;

use super::Accounts;
use super::profile::Profile;
use crate::crypto::seal::SealError;
use crate::domain::account::SealedProfile;
use crate::domain::document::IdentityDocument;
use crate::domain::id::{AccountId, NoticeId};
use crate::domain::instant::Instant;
use crate::domain::message::{Message, MessageText, Recipient};
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::phone::PhoneNumber;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::ledger::outbox::OutboxItem;
use crate::ledger::profiles::ProfileError;
use crate::protocol::language::Language;
use crate::storage::{
    self, account_index, accounts, authorizations, checks, grants, notices, sessions,
};

/// What an account is to lose.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Lost<'a> {
    pub(super) document: Option<&'a IdentityDocument>,
    pub(super) phone: Option<&'a PhoneNumber>,
}

/// An account's loss, ready to be written.
pub(super) struct Loss {
    account_id: AccountId,
    document_key: Option<String>,
    phone_key: Option<String>,
    profile: (SealedProfile, SealedProfile),
    notices: Vec<(NoticeId, Notice)>,
    messages: Vec<OutboxItem>,
    told: OutboxItem,
    now: Instant,
}

/// Why a loss could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The profile could not be opened or sealed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A message could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Accounts {
    /// Prepares what an account loses; none if it has nothing of it.
    pub(super) async fn prepare_loss(
        &self,
        account_id: AccountId,
        lost: Lost<'_>,
    ) -> Result<Option<Loss>, LossError> {
        let Some((account, mut profile)) = self.profile(account_id).await? else {
            return Ok(None);
        };
        // What it has lost to somebody else since it was looked up, it does not lose again.
        let lost = Lost {
            phone: lost.phone.filter(|phone| profile.phones.contains(phone)),
            ..lost
        };
        if lost.document.is_none() && lost.phone.is_none() {
            return Ok(None);
        }
        let now = self.now();
        if let Some(document) = lost.document {
            profile.documents.retain(|held| held != document);
            // The name was the document's: it is not this person's to use any more.
            if profile.documents.is_empty() {
                profile.name = None;
            }
        }
        if let Some(phone) = lost.phone {
            profile.phones.retain(|held| held != phone);
        }
        let kinds = [
            lost.document.map(|_| NoticeKind::DocumentLost),
            lost.phone.map(|_| NoticeKind::PhoneLost),
        ];
        let notices = kinds
            .into_iter()
            .flatten()
            .map(|kind| self.notice(kind, now))
            .collect();
        let texts = [
            lost.document
                .map(|_| MessageText::DocumentTakenOver { at: now }),
            lost.phone.map(|phone| MessageText::PhoneLeft {
                at: now,
                masked_phone: phone.masked(),
            }),
        ];
        let reachable = self.reachable(account_id, &profile).await?;
        let mut messages = Vec::new();
        for text in texts.into_iter().flatten() {
            // To what it keeps: the phone it loses is somebody else's. Which language they speak is
            // not known: the country's.
            messages.extend(self.tell(
                (account_id, &reachable),
                (&text, Language::default()),
                now,
            )?);
        }
        let sealed = self.seal_changed(account_id, &account.sealed, &profile);
        Ok(Some(Loss {
            account_id,
            document_key: lost.document.map(|document| self.document_key(document)),
            phone_key: lost.phone.map(|phone| self.phone_key(phone)),
            profile: (account.sealed.clone(), sealed.await?),
            notices,
            messages,
            told: self.sessions_ended(account_id, now)?,
            now,
        }))
    }

    /// A notice with its identifier.
    pub(super) fn notice(&self, kind: NoticeKind, at: Instant) -> (NoticeId, Notice) {
        let id = NoticeId::ordered(at, &*self.entropy);
        let notice = Notice {
            kind,
            at,
            client_id: None,
        };
        (id, notice)
    }

    /// A person without the phones that were not confirmed for so long that they may be somebody
    /// else's by now.
    pub(super) async fn reachable(
        &self,
        id: AccountId,
        profile: &Profile,
    ) -> Result<Profile, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        let mut reachable = profile.clone();
        reachable.phones.clear();
        for phone in &profile.phones {
            if self.phone_counts(self.confirmed_at(&mut reader, id, phone).await?) {
                reachable.phones.push(phone.clone());
            }
        }
        Ok(reachable)
    }

    /// One message to every channel of a person.
    pub(super) fn tell(
        &self,
        (id, profile): (AccountId, &Profile),
        (text, language): (&MessageText, Language),
        now: Instant,
    ) -> Result<Vec<OutboxItem>, SealError> {
        let phones = profile.phones.iter().cloned().map(Recipient::Phone);
        let emails = profile.emails.iter().cloned().map(Recipient::Email);
        let ring = self.ring();
        phones
            .chain(emails)
            .map(|to| {
                let message = Message {
                    to,
                    locale: language,
                    text: text.clone(),
                };
                let item = OutboxItem::new(&message, (&ring, &*self.entropy), now)?;
                Ok(item.about(id))
            })
            .collect()
    }
}

impl Loss {
    /// Whose loss it is.
    pub(super) const fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// Keeps everyone else from changing the account meanwhile. False when there is none.
    pub(super) async fn lock(&self, entry: &mut Entry<'_>) -> Result<bool, storage::Error> {
        let locked = accounts::lock(entry.tx(), self.account_id, self.now).await?;
        Ok(locked.is_some())
    }

    /// Writes it, once locked. False when the profile has changed since it was read.
    pub(super) async fn write(&self, entry: &mut Entry<'_>) -> Result<bool, storage::Error> {
        let (id, now) = (self.account_id, self.now);
        let (old, new) = &self.profile;
        let tx = entry.tx();
        if !accounts::replace_profile(tx, id, (old, new), now).await? {
            return Ok(false);
        }
        if let Some(key) = &self.document_key {
            checks::end_with_document(tx, id, key, now).await?;
            grants::revoke_all(tx, id, now).await?;
        }
        if let Some(key) = &self.phone_key {
            account_index::remove_phone(tx, key, id).await?;
            checks::end_with_phone(tx, id, key, now).await?;
        }
        end_access(entry, id, (&self.told, now)).await?;
        for (notice_id, notice) in &self.notices {
            notices::insert(entry.tx(), id, *notice_id, notice).await?;
        }
        for message in &self.messages {
            entry.enqueue(message).await?;
        }
        let event = Event::new(EventKind::ProofLost, now)
            .account(id)
            .detail(json!({
                "document": self.document_key.is_some(),
                "phone": self.phone_key.is_some(),
            }));
        entry.record(&event).await?;
        Ok(true)
    }
}

/// Ends whatever was begun with an account until now, also what is being written at this moment;
/// what begins afterwards counts. The access epoch that begins.
pub(super) async fn end_access(
    entry: &mut Entry<'_>,
    id: AccountId,
    (told, now): (&OutboxItem, Instant),
) -> Result<i64, storage::Error> {
    let access_epoch = accounts::raise_epoch(entry.tx(), id).await?;
    if sessions::end_all(entry.tx(), id, now).await? > 0 {
        entry.enqueue(told).await?;
    }
    authorizations::revoke_all(entry.tx(), id, now).await?;
    entry.announce(Change::AccountChanged(id));
    entry.announce(Change::AccountRestored(id));
    Ok(access_epoch)
}
