//! Confirming a phone of one's own account: it counts for 180 days from then.

use serde_json::json;

use super::Accounts;
use super::challenge::{OpenChallenge, SendError, Visitor};
use super::completion::WriteError;
use super::draft::Draft;
use crate::domain::challenge::{ChallengeOutcome, ChallengePurpose};
use crate::domain::id::{AccountId, ChallengeId, NoticeId};
use crate::domain::instant::Instant;
use crate::domain::notice::{Notice, NoticeKind};
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::profiles::ProfileError;
use crate::storage::{self, account_index, accounts, challenges, notices};

/// Why no code was sent to a phone of an account.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The account has no such phone, or nothing can be sent to it.
    #[error("no code can be sent to such a phone of the account")]
    Unknown,
    /// No code may be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The profile could not be opened.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

struct Confirmation {
    challenge: ChallengeId,
    account_id: AccountId,
    phone_key: String,
    notice: (NoticeId, Notice),
    now: Instant,
}

impl Accounts {
    /// Sends a code to the account's `place`th phone, from 0. What goes into the address of the page
    /// where it is typed.
    pub async fn ask_phone(
        &self,
        account_id: AccountId,
        place: usize,
        visitor: Visitor<'_>,
    ) -> Result<String, PhoneError> {
        if !self.sends_messages {
            return Err(PhoneError::Unknown);
        }
        let profile = self.profile(account_id).await?;
        let phone = profile.and_then(|(_, profile)| profile.phones.into_iter().nth(place));
        let draft = Draft::Phone {
            account_id,
            phone: phone.ok_or(PhoneError::Unknown)?,
        };
        let purpose = ChallengePurpose::PhoneConfirmation;
        Ok(self.begin(purpose, draft, visitor).await?)
    }

    /// Notes that the code came back. False when the phone is not the account's any more, or this
    /// was done before.
    pub async fn complete_phone_confirmation(
        &self,
        open: &OpenChallenge,
        asking: AccountId,
    ) -> Result<bool, storage::Error> {
        let Draft::Phone { account_id, phone } = &open.draft else {
            return Ok(false);
        };
        // Another person logged in here meanwhile.
        if *account_id != asking {
            return Ok(false);
        }
        let now = self.now();
        let confirmation = Confirmation {
            challenge: open.id,
            account_id: *account_id,
            phone_key: self.phone_key(phone),
            notice: self.notice(NoticeKind::PhoneConfirmed, now),
            now,
        };
        let written: Result<(), WriteError> = self
            .ledger
            .write(confirmation, |entry, confirmation| {
                Box::pin(async move {
                    let Confirmation {
                        challenge,
                        account_id,
                        phone_key,
                        notice: (notice_id, notice),
                        now,
                    } = confirmation;
                    let tx = entry.tx();
                    let outcome = ChallengeOutcome::Done;
                    if !challenges::finish(tx, *challenge, outcome, *now).await? {
                        return Err(WriteError::Over);
                    }
                    let locked = accounts::lock(tx, *account_id, *now).await?;
                    locked.ok_or(WriteError::Over)?;
                    let at = (*now, false);
                    if !account_index::confirm_phone(tx, phone_key, *account_id, at).await? {
                        return Err(WriteError::Over);
                    }
                    notices::insert(tx, *account_id, *notice_id, notice).await?;
                    let event = Event::new(EventKind::PhoneConfirmed, *now)
                        .account(*account_id)
                        .detail(json!({ "challenge": challenge }));
                    Ok(entry.record(&event).await?)
                })
            })
            .await;
        match written {
            Ok(()) => Ok(true),
            Err(WriteError::Over | WriteError::Changed) => Ok(false),
            Err(WriteError::Storage(error)) => Err(error),
        }
    }
}
