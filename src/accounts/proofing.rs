//! Proofing: whether the person who typed name, document and phone is who they say.
//!
//! The phone is proven before (a code came back); here the authority says whether all three are one
//! person's. Which of them disagreed, and whether anybody is known by them, nobody is told.

use serde_json::json;

use super::Accounts;
use super::challenge::OpenChallenge;
use super::draft::Application;
use super::limits;
use crate::domain::challenge::ChallengeOutcome;
use crate::domain::check::{Check, CheckMethod, CheckResult};
use crate::domain::instant::Instant;
use crate::ledger::audit::{Event, EventKind};
use crate::outbound::authority::{ThreeElements, Verdict};
use crate::protocol::acr::Ial;
use crate::storage::{self, challenges};

/// What the check that we can have made proves.
pub(super) const PROVES: Ial = CheckMethod::ThreeElements.level();

/// What the authority said.
pub(super) enum Proof {
    /// They are one person's.
    Proven(Check),
    /// They are not, as far as the authority knows.
    NotProven(Event),
    /// It said nothing.
    Unavailable,
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
        let now = self.now();
        let allowance = self.check_allowance(&application.document);
        let allowed: Result<Result<(), Instant>, storage::Error> = self
            .ledger
            .write(allowance, move |entry, allowance| {
                Box::pin(limits::take(
                    entry.tx(),
                    std::slice::from_ref(allowance),
                    now,
                ))
            })
            .await;
        if allowed?.is_err() {
            return Ok(Proof::Unavailable);
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
                self.note(checked(open, &verdict, now)).await?;
                Proof::Unavailable
            }
        })
    }

    /// Ends a challenge without doing what it was for.
    pub(super) async fn refuse_challenge(
        &self,
        open: &OpenChallenge,
        outcome: ChallengeOutcome,
        told: Option<Event>,
    ) -> Result<(), storage::Error> {
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
                    if challenges::finish(entry.tx(), id, outcome, now).await? {
                        for event in events {
                            entry.record(event).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Records something that happened, and nothing else.
    async fn note(&self, event: Event) -> Result<(), storage::Error> {
        self.ledger
            .write(event, |entry, event| Box::pin(entry.record(event)))
            .await
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
