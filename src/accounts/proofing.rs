//! Proofing: whether the person who typed name, document and phone is who they say.
//!
//! The phone is proven before (a code came back); here the authority says whether all three are one
//! person's. Which of them disagreed, and whether anybody is known by them, nobody is told.

use std::time::Duration;

use serde_json::json;

use super::Accounts;
use super::challenge::OpenChallenge;
use super::draft::Application;
use super::limits;
use crate::domain::challenge::ChallengeOutcome;
use crate::domain::check::{Check, CheckMethod, CheckResult};
use crate::domain::document::IdentityDocument;
use crate::domain::id::ChallengeId;
use crate::domain::instant::Instant;
use crate::ledger::audit::{Event, EventKind};
use crate::outbound::authority::{ThreeElements, Verdict};
use crate::protocol::acr::Ial;
use crate::storage::{self, challenges};

/// What the check that we can have made proves.
pub(super) const PROVES: Ial = CheckMethod::ThreeElements.level();

/// How long one who asks has, even if this process dies at it. An authority that takes longer may be
/// asked once more, no harm is in that.
const CHECK_LEASE: Duration = Duration::from_secs(5);

/// How long a form that was sent twice waits for what becomes of the first: as long as that has.
const PATIENCE: usize = 120;
const PAUSE: Duration = Duration::from_millis(50);

/// What the authority said.
pub(super) enum Proof {
    /// They are one person's.
    Proven(Check),
    /// They are not, as far as the authority knows.
    NotProven(Event),
    /// It said nothing.
    Unavailable,
    /// The same challenge is being asked about at this moment.
    AtIt,
}

impl Accounts {
    /// Whether residents can register and recover here: an authority can be asked, and codes sent.
    pub const fn proves_identities(&self) -> bool {
        self.authority.is_some() && self.sends_messages
    }

    /// Whether one-time codes can be sent here.
    pub const fn sends_codes(&self) -> bool {
        self.sends_messages
    }

    /// Asks the authority. The code that came back pays for it, but whoever tries again and again
    /// while it is down must not use up what it does for others.
    pub(super) async fn prove(
        &self,
        open: &OpenChallenge,
        application: &Application,
    ) -> Result<Proof, storage::Error> {
        let Some(authority) = &self.authority else {
            return Ok(Proof::Unavailable);
        };
        match self.take_check(open.id, &application.document).await {
            Ok(()) => {}
            Err(NotTaken::AtIt) => return Ok(Proof::AtIt),
            Err(NotTaken::Limited) => return Ok(Proof::Unavailable),
            Err(NotTaken::Storage(error)) => return Err(error),
        }
        let asked = ThreeElements {
            name: application.name.clone(),
            document: application.document.clone(),
            phone: application.phone.clone(),
        };
        let verdict = authority.verify(&asked).await;
        let now = self.now();
        Ok(match verdict.result {
            CheckResult::Match => Proof::Proven(Check {
                method: CheckMethod::ThreeElements,
                authority: verdict.authority,
                performed_at: now,
                transaction: verdict.transaction,
                result: CheckResult::Match,
                expires_at: Some(now.plus(self.check_lifetime)),
            }),
            CheckResult::Mismatch | CheckResult::NoRecord => {
                Proof::NotProven(checked(open, &verdict, now))
            }
            CheckResult::Unavailable => {
                self.return_check(open.id, checked(open, &verdict, now))
                    .await?;
                Proof::Unavailable
            }
        })
    }

    /// Ends a challenge without doing what it was for. How it has ended: when the same code was sent
    /// twice, the other may have come first. Nothing if its time is over.
    pub(super) async fn refuse_challenge(
        &self,
        open: &OpenChallenge,
        outcome: ChallengeOutcome,
        told: Option<Event>,
    ) -> Result<Option<ChallengeOutcome>, storage::Error> {
        let (id, now) = (open.id, self.now());
        let refused = Event::new(EventKind::ChallengeRefused, now).detail(json!({
            "challenge": id,
            "purpose": open.purpose,
            "outcome": outcome,
        }));
        let events: Vec<Event> = told.into_iter().chain([refused]).collect();
        self.ledger
            .write(events, move |entry, events| {
                Box::pin(async move {
                    if !challenges::finish(entry.tx(), id, outcome, now).await? {
                        let stored = challenges::find(entry.tx(), id).await?;
                        return Ok(stored.and_then(|stored| stored.outcome));
                    }
                    for event in events {
                        entry.record(event).await?;
                    }
                    Ok(Some(outcome))
                })
            })
            .await
    }

    /// Takes the right to ask the authority about a document: one of a challenge asks at a time, and
    /// for one document not more often than its limit.
    async fn take_check(
        &self,
        id: ChallengeId,
        document: &IdentityDocument,
    ) -> Result<(), NotTaken> {
        let now = self.now();
        let allowances = self.check_allowances(document);
        self.ledger
            .write(allowances, move |entry, allowances| {
                Box::pin(async move {
                    let span = (now, now.plus(CHECK_LEASE));
                    let Some(time) = challenges::take_check(entry.tx(), id, span).await? else {
                        let stored = challenges::find(entry.tx(), id).await?;
                        let is_open = stored.is_some_and(|stored| {
                            stored.outcome.is_none() && stored.checking_until.is_none()
                        });
                        return Err(if is_open {
                            NotTaken::Limited
                        } else {
                            NotTaken::AtIt
                        });
                    };
                    // Each code that came back counts once, however often it has to be tried.
                    if time > 1 {
                        return Ok(());
                    }
                    let allowed = limits::take(entry.tx(), allowances, now).await?;
                    allowed.map_err(|_| NotTaken::Limited)
                })
            })
            .await
    }

    /// How a challenge ends that somebody else is at; nothing if they come to nothing, or have died.
    pub(super) async fn outcome_of_other(
        &self,
        id: ChallengeId,
    ) -> Result<Option<ChallengeOutcome>, storage::Error> {
        for _ in 0..PATIENCE {
            let mut reader = self.ledger.reader().await?;
            let stored = challenges::find(&mut reader, id).await?;
            drop(reader);
            match stored {
                Some(stored) if stored.outcome.is_some() => return Ok(stored.outcome),
                Some(stored) if stored.checking_until > Some(self.now()) => {}
                Some(_) | None => return Ok(None),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }

    /// Gives it back: what followed the answer did not come about.
    pub(super) async fn release_check(&self, id: ChallengeId) -> Result<(), storage::Error> {
        self.ledger
            .write(id, |entry, id| {
                Box::pin(challenges::return_check(entry.tx(), *id))
            })
            .await
    }

    /// Gives it back, and records that the authority said nothing.
    async fn return_check(&self, id: ChallengeId, event: Event) -> Result<(), storage::Error> {
        self.ledger
            .write(event, move |entry, event| {
                Box::pin(async move {
                    challenges::return_check(entry.tx(), id).await?;
                    entry.record(event).await
                })
            })
            .await
    }
}

/// Why the authority is not to be asked now.
enum NotTaken {
    /// Somebody is at it, or was.
    AtIt,
    /// Often enough.
    Limited,
    Storage(storage::Error),
}

impl From<storage::Error> for NotTaken {
    fn from(error: storage::Error) -> Self {
        Self::Storage(error)
    }
}

fn checked(open: &OpenChallenge, verdict: &Verdict, now: Instant) -> Event {
    Event::new(EventKind::IdentityChecked, now).detail(json!({
        "challenge": open.id,
        "authority": verdict.authority,
        "transaction": verdict.transaction,
        "result": verdict.result,
    }))
}
