//! The verification authority: asks whether name, document and phone belong to one person.
//!
//! It verifies and tells nothing: three words come back, never data. Whatever goes wrong is one
//! more word, [`CheckResult::Unavailable`], so that no fault of the authority can be taken for an
//! answer. A breaker, a bulkhead and a quota keep a slow authority from taking this server along,
//! and this server from breaking the authority's terms. Nothing of a person is ever logged.

mod breaker;
mod quota;
mod tally;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time;

use self::breaker::{Breaker, Outcome, Pass};
use self::quota::Quota;
use self::tally::{NotAsked, Tally};
use super::partner::{PartnerClient, PartnerToken, PartnerUrl};
use super::transport::FetchError;
use crate::domain::check::{CheckLabel, CheckMethod, CheckResult};
use crate::domain::clock::Clock;
use crate::domain::document::{CountryCode, DocumentType, IdentityDocument};
use crate::domain::entropy::Entropy;
use crate::domain::name::PersonName;
use crate::domain::phone::PhoneNumber;
use crate::domain::secret::Secret;

pub use self::breaker::BreakerState;
pub use self::tally::Durations;

const PATH: &str = "v1/verifications";
/// Three short texts come back.
const MAX_ANSWER: usize = 4096;

/// Where the authority is, and what may be asked of it.
#[derive(Debug, Clone)]
pub struct AuthoritySettings {
    /// Its address.
    pub url: PartnerUrl,
    /// What this server shows it.
    pub token: Option<Secret<String>>,
    /// How long a check may take.
    pub timeout: Duration,
    /// Checks under way at once; more are refused, not queued.
    pub max_concurrent: usize,
    /// Checks that its terms allow in a minute.
    pub calls_per_minute: usize,
    /// How long it is left alone when it does not answer.
    pub open_for: Duration,
}

/// 三要素: what is asked about.
#[derive(Debug, Clone)]
pub struct ThreeElements {
    /// The name.
    pub name: PersonName,
    /// The document.
    pub document: IdentityDocument,
    /// The phone that the carrier knows the person by.
    pub phone: PhoneNumber,
}

/// What is to be recorded of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What the authority answered.
    pub result: CheckResult,
    /// Who answered, or who should have.
    pub authority: CheckLabel,
    /// The check's name, there and here.
    pub transaction: CheckLabel,
}

/// A verification authority. Cheap to clone; clones share breaker, bulkhead and quota.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    client: PartnerClient,
    endpoint: PartnerUrl,
    token: PartnerToken,
    /// What it is called until it has said its name.
    label: CheckLabel,
    calls: Semaphore,
    breaker: Mutex<Breaker>,
    quota: Mutex<Quota>,
    tally: Tally,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Serialize)]
struct Request<'a> {
    transaction: &'a str,
    method: CheckMethod,
    name: &'a str,
    document_type: DocumentType,
    document_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_country: Option<CountryCode>,
    phone_number: &'a str,
}

/// What else an answer holds is not read.
#[derive(Deserialize)]
struct Answer {
    transaction: String,
    authority: CheckLabel,
    result: Word,
}

/// What an authority can answer; any other word is no answer.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Word {
    Match,
    Mismatch,
    NoRecord,
}

/// Why there was no answer to use.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the answer is of another transaction")]
    Transaction,
}

impl Failure {
    /// What it says of the authority. That it refuses one request, it does while it is well: one
    /// person's odd number must not keep it from being asked about others.
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Fetch(FetchError::Status(400 | 402 | 404..=407 | 409..=428 | 430..=499)) => {
                Outcome::Answered
            }
            Self::Fetch(_) | Self::Transaction => Outcome::Failed,
        }
    }
}

impl Authority {
    /// An authority that has not been asked yet.
    pub fn new(
        settings: AuthoritySettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, FetchError> {
        let label = CheckLabel::parse(settings.url.host())
            .or_else(|_| CheckLabel::parse("authority"))
            .map_err(|_| FetchError::Setup)?;
        Ok(Self(Arc::new(Inner {
            client: PartnerClient::new(settings.timeout)?,
            endpoint: settings.url.below(PATH),
            token: PartnerToken::new(settings.token),
            label,
            calls: Semaphore::new(settings.max_concurrent),
            breaker: Mutex::new(Breaker::new(settings.open_for)),
            quota: Mutex::new(Quota::new(settings.calls_per_minute)),
            tally: Tally::default(),
            clock,
            entropy,
        })))
    }

    /// Shows the authority another token from the next check on.
    pub fn replace_token(&self, token: Option<Secret<String>>) {
        self.0.token.replace(token);
    }

    /// Whether name, document and phone belong to one person.
    pub async fn verify(&self, asked: &ThreeElements) -> Verdict {
        let inner = &*self.0;
        let transaction = CheckLabel::random(&*inner.entropy);
        let answer = match inner.begin() {
            Ok(call) => call.make(&transaction, asked).await,
            Err(why) => {
                inner.tally.not_asked(why);
                tracing::debug!(
                    why = why.as_str(),
                    "the verification authority is not asked"
                );
                None
            }
        };
        let (result, authority) =
            answer.unwrap_or_else(|| (CheckResult::Unavailable, inner.label.clone()));
        Verdict {
            result,
            authority,
            transaction,
        }
    }

    /// Whether it is asked at all now.
    pub fn breaker_state(&self) -> BreakerState {
        let now = self.0.clock.now();
        self.0.breaker().state(now)
    }

    /// How many checks ended how, since the start: the four results of checks that were asked, and
    /// why others were not asked.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.0.tally.counts()
    }

    /// How long the checks took that were asked.
    pub fn durations(&self) -> Durations {
        self.0.tally.durations()
    }
}

impl Inner {
    /// Takes a place among the calls, or says why not. The quota comes last: only what is asked
    /// counts against it.
    fn begin(&self) -> Result<Call<'_>, NotAsked> {
        let place = self.calls.try_acquire().map_err(|_| NotAsked::Busy)?;
        let now = self.clock.now();
        let pass = self.breaker().ask(now).ok_or(NotAsked::Open)?;
        let call = Call {
            inner: self,
            pass,
            outcome: Outcome::Abandoned,
            _place: place,
        };
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        if quota.take(now) {
            Ok(call)
        } else {
            Err(NotAsked::Quota)
        }
    }

    /// Never held across an await.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(
        &self,
        transaction: &CheckLabel,
        asked: &ThreeElements,
    ) -> Result<(CheckResult, CheckLabel), Failure> {
        let request = Request {
            transaction: transaction.as_str(),
            method: CheckMethod::ThreeElements,
            name: asked.name.as_str(),
            document_type: asked.document.document_type(),
            document_number: asked.document.number().as_str(),
            document_country: asked.document.issuing_country(),
            phone_number: asked.phone.as_str(),
        };
        let token = self.token.current();
        let answer: Answer = self
            .client
            .post_json(&self.endpoint, token.as_deref(), &request, MAX_ANSWER)
            .await?;
        if answer.transaction != transaction.as_str() {
            return Err(Failure::Transaction);
        }
        let result = match answer.result {
            Word::Match => CheckResult::Match,
            Word::Mismatch => CheckResult::Mismatch,
            Word::NoRecord => CheckResult::NoRecord,
        };
        Ok((result, answer.authority))
    }
}

/// A call that was let pass. Dropped before its end (the resident has gone), it is reported too:
/// a probe that nobody reports would keep the breaker shut.
struct Call<'a> {
    inner: &'a Inner,
    pass: Pass,
    outcome: Outcome,
    _place: tokio::sync::SemaphorePermit<'a>,
}

impl Call<'_> {
    async fn make(
        mut self,
        transaction: &CheckLabel,
        asked: &ThreeElements,
    ) -> Option<(CheckResult, CheckLabel)> {
        let started = time::Instant::now();
        let answer = self.inner.ask(transaction, asked).await;
        let (result, outcome) = match &answer {
            Ok((result, _)) => (*result, Outcome::Answered),
            Err(failure) => {
                tracing::debug!(%failure, "no answer from the verification authority");
                (CheckResult::Unavailable, failure.outcome())
            }
        };
        self.inner.tally.answered(result, started.elapsed());
        self.outcome = outcome;
        answer.ok()
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let now = self.inner.clock.now();
        let mut breaker = self.inner.breaker();
        let before = breaker.state(now);
        breaker.report(self.pass, self.outcome, now);
        let after = breaker.state(now);
        drop(breaker);
        match (before, after) {
            (BreakerState::Closed | BreakerState::HalfOpen, BreakerState::Open) => {
                tracing::warn!("the verification authority fails: it is left alone for a while");
            }
            (BreakerState::HalfOpen | BreakerState::Open, BreakerState::Closed) => {
                tracing::info!("the verification authority answers again");
            }
            _ => {}
        }
    }
}
