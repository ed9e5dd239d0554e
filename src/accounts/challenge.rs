//! Challenges: a phone is proven by a one-time code before anything else is looked at.
//!
//! What is typed at the start is sealed under a key that travels in the page's address and nowhere
//! else; the row it lies in opens only with the browser that began. Nobody is looked up here: known
//! and unknown documents and phones take the same path to the same answers.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Accounts;
use super::browser::BrowserTag;
use super::draft::{Application, Draft};
use super::limits::{self, Allowance};
use crate::crypto::encoding;
use crate::crypto::seal::{SealError, Sealed};
use crate::domain::challenge::{ChallengeOutcome, ChallengePurpose};
use crate::domain::client_address::ClientAddress;
use crate::domain::id::ChallengeId;
use crate::domain::instant::Instant;
use crate::domain::message::{CODE_LIFETIME, Message, MessageText, Recipient};
use crate::domain::one_time_code::OneTimeCode;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::keyring::{KeyRing, MacUse};
use crate::ledger::outbox::OutboxItem;
use crate::protocol::language::Language;
use crate::storage::challenges::{NewChallenge, StoredChallenge, TRIES_PER_CODE};
use crate::storage::{self, challenges};

/// How long a challenge lasts: enough to wait for an authority that is down for a while.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_mins(30);

/// Who is on the other side.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// The cookie of the browser.
    pub browser_cookie: &'a str,
    /// Where it calls from.
    pub address: ClientAddress,
    /// The language it speaks.
    pub language: Language,
}

/// What travels in the page's address, sealed.
#[derive(Serialize, Deserialize)]
struct Handle {
    id: ChallengeId,
    purpose: ChallengePurpose,
    key: [u8; 32],
    browser: BrowserTag,
}

impl Sealed for Handle {
    const PURPOSE: &'static str = "challenge";
}

/// A challenge opened in the browser that began it.
#[derive(Debug)]
pub struct OpenChallenge {
    pub(super) id: ChallengeId,
    pub(super) purpose: ChallengePurpose,
    pub(super) draft: Draft,
    stage: ChallengeStage,
}

/// How far a challenge has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeStage {
    /// A code was sent and has not come back.
    Sent,
    /// The code came back; what it was for is not done yet.
    Confirmed,
}

impl OpenChallenge {
    /// How far it has come.
    pub const fn stage(&self) -> ChallengeStage {
        self.stage
    }

    /// The phone the code went to, masked.
    pub fn masked_phone(&self) -> String {
        self.draft.phone().masked()
    }
}

/// Why a challenge did not begin, or got no other code.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Too many were asked for.
    #[error("no more codes may be sent for {} s", .0.as_secs())]
    Limited(Duration),
    /// It cannot go on: a code came back, or it is over.
    #[error("the challenge awaits no code")]
    Over,
    /// Nothing can be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// Why a challenge does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was not begun here, in this browser, for this; or is over.
    #[error("the challenge is unknown or over")]
    Over,
    /// It has ended.
    #[error("the challenge has ended: {0}")]
    Ended(ChallengeOutcome),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeVerdict {
    /// It is the one that was sent.
    Right,
    /// It is not; so many tries are left.
    Wrong {
        /// At least one.
        tries_left: u32,
    },
    /// It was mistyped too often: only another one counts.
    TooManyTries,
    /// It came too late.
    Expired,
}

/// A code on its way: everything its transaction writes.
struct Sending {
    allowances: Vec<Allowance>,
    item: OutboxItem,
    code_tag: String,
    now: Instant,
}

impl Accounts {
    /// Begins a registration or recovery: a code goes to the phone. What goes into the address of
    /// the page where it is typed.
    pub async fn apply(
        &self,
        purpose: ChallengePurpose,
        application: Application,
        visitor: Visitor<'_>,
    ) -> Result<String, SendError> {
        self.begin(purpose, Draft::Identity(application), visitor)
            .await
    }

    pub(super) async fn begin(
        &self,
        purpose: ChallengePurpose,
        draft: Draft,
        visitor: Visitor<'_>,
    ) -> Result<String, SendError> {
        let now = self.now();
        let id = ChallengeId::ordered(now, &*self.entropy);
        let handle = Handle {
            id,
            purpose,
            key: self.entropy.bytes(),
            browser: BrowserTag::of(visitor.browser_cookie),
        };
        let sending = self.sending((id, purpose), &draft, visitor)?;
        let new = NewChallenge {
            id,
            purpose,
            draft: draft.seal((id, handle.key), &*self.entropy)?,
            code_tag: sending.code_tag.clone(),
            code_expires_at: now.plus(CODE_LIFETIME),
            created_at: now,
            expires_at: now.plus(CHALLENGE_LIFETIME),
        };
        self.ledger
            .write((new, sending), |entry, (new, sending)| {
                Box::pin(async move {
                    take(entry, sending).await?;
                    challenges::insert(entry.tx(), new).await?;
                    Ok::<_, SendError>(entry.enqueue(&sending.item).await?)
                })
            })
            .await?;
        Ok(self.ring().sealer().seal(&handle, &*self.entropy)?)
    }

    /// Sends another code in place of the last.
    pub async fn send_again(
        &self,
        open: &OpenChallenge,
        visitor: Visitor<'_>,
    ) -> Result<(), SendError> {
        let sending = self.sending((open.id, open.purpose), &open.draft, visitor)?;
        let id = open.id;
        self.ledger
            .write(sending, move |entry, sending| {
                Box::pin(async move {
                    take(entry, sending).await?;
                    let times = (sending.now, sending.now.plus(CODE_LIFETIME));
                    if !challenges::renew_code(entry.tx(), id, &sending.code_tag, times).await? {
                        return Err(SendError::Over);
                    }
                    Ok(entry.enqueue(&sending.item).await?)
                })
            })
            .await
    }

    fn sending(
        &self,
        (id, purpose): (ChallengeId, ChallengePurpose),
        draft: &Draft,
        visitor: Visitor<'_>,
    ) -> Result<Sending, SealError> {
        let now = self.now();
        let code = OneTimeCode::draw(&*self.entropy);
        let ring = self.ring();
        let code_tag = code_tag(&ring, id, &code);
        let message = Message {
            to: Recipient::Phone(draft.phone().clone()),
            locale: visitor.language,
            text: match purpose {
                ChallengePurpose::Registration => MessageText::RegistrationCode { code },
                ChallengePurpose::Recovery => MessageText::RecoveryCode { code },
                ChallengePurpose::PhoneConfirmation => MessageText::PhoneCode { code },
            },
        };
        Ok(Sending {
            allowances: self.allowances(visitor.address, draft.phone(), draft.document()),
            item: OutboxItem::new(&message, (&ring, &*self.entropy), now)?,
            code_tag,
            now,
        })
    }

    /// Opens the challenge of an address in the browser that began it.
    pub async fn open_challenge(
        &self,
        purpose: ChallengePurpose,
        sealed: &str,
        browser_cookie: Option<&str>,
    ) -> Result<OpenChallenge, OpenError> {
        let handle = self.ring().sealer().open::<Handle>(sealed);
        let handle = handle
            .filter(|handle| handle.purpose == purpose && handle.browser.is_of(browser_cookie))
            .ok_or(OpenError::Over)?;
        let mut reader = self.ledger.reader().await?;
        let stored = challenges::find(&mut reader, handle.id).await?;
        drop(reader);
        let stored = stored.ok_or(OpenError::Over)?;
        if stored.expires_at <= self.now() {
            return Err(OpenError::Over);
        }
        if let Some(outcome) = stored.outcome {
            return Err(OpenError::Ended(outcome));
        }
        Ok(OpenChallenge {
            id: handle.id,
            purpose,
            draft: Draft::open((handle.id, handle.key), &stored.draft).ok_or(OpenError::Over)?,
            stage: match stored.confirmed_at {
                Some(_) => ChallengeStage::Confirmed,
                None => ChallengeStage::Sent,
            },
        })
    }

    /// Takes a code that was typed. Each try is counted before it is compared.
    pub async fn confirm_code(
        &self,
        open: &OpenChallenge,
        typed: &str,
    ) -> Result<CodeVerdict, storage::Error> {
        let now = self.now();
        // What is no code counts as a try all the same: its tag is nobody's.
        let typed = OneTimeCode::parse(typed).map(|code| code_tag(&self.ring(), open.id, &code));
        let tag = typed.unwrap_or_default();
        let id = open.id;
        self.ledger
            .write((id, tag, now), |entry, (id, tag, now)| {
                Box::pin(async move {
                    let (id, now) = (*id, *now);
                    if !challenges::take_try(entry.tx(), id, now).await? {
                        let stored = challenges::find(entry.tx(), id).await?;
                        return Ok(why_not_tried(stored.as_ref(), now));
                    }
                    if challenges::confirm(entry.tx(), id, tag, now).await? {
                        let event = Event::new(EventKind::PhoneConfirmed, now);
                        let event = event.detail(json!({ "challenge": id }));
                        entry.record(&event).await?;
                        return Ok(CodeVerdict::Right);
                    }
                    let stored = challenges::find(entry.tx(), id).await?;
                    let tries = stored.map_or(TRIES_PER_CODE, |stored| stored.tries);
                    Ok(match TRIES_PER_CODE.saturating_sub(tries) {
                        0 => CodeVerdict::TooManyTries,
                        tries_left => CodeVerdict::Wrong { tries_left },
                    })
                })
            })
            .await
    }
}

/// What is stored of a code: it counts for its challenge only.
fn code_tag(ring: &Arc<KeyRing>, id: ChallengeId, code: &OneTimeCode) -> String {
    let parts = [&id.to_u128().to_be_bytes()[..], code.as_str().as_bytes()];
    encoding::encode(&ring.mac(MacUse::Code).tag("one-time code", &parts))
}

async fn take(entry: &mut Entry<'_>, sending: &Sending) -> Result<(), SendError> {
    limits::take(entry.tx(), &sending.allowances, sending.now)
        .await?
        .map_err(|until| SendError::Limited(coarse(until.since(sending.now))))
}

/// Rounded up to a quarter of an hour: to the second it would tell when somebody else asked.
fn coarse(wait: Duration) -> Duration {
    const QUARTER: u64 = 15 * 60;
    Duration::from_secs(wait.as_secs().div_ceil(QUARTER).max(1) * QUARTER)
}

fn why_not_tried(stored: Option<&StoredChallenge>, now: Instant) -> CodeVerdict {
    match stored {
        Some(stored) if stored.confirmed_at.is_some() => CodeVerdict::Right,
        Some(stored) if stored.tries >= TRIES_PER_CODE && stored.code_expires_at > now => {
            CodeVerdict::TooManyTries
        }
        _ => CodeVerdict::Expired,
    }
}
