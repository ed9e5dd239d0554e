//! The second half of registration and recovery, once the code has come back: ask, write, log in;
//! and begin anew when what was looked at has changed before it was written.

use super::Accounts;
use super::challenge::OpenChallenge;
use super::draft::Draft;
use super::login::{LoginError, LoginPlace, NewLogin};
use super::loss::LossError;
use super::proofing::Proof;
use super::recovery::Recovery;
use super::registration::Registration;
use crate::crypto::password::PasswordError;
use crate::crypto::seal::SealError;
use crate::domain::challenge::{ChallengeOutcome, ChallengePurpose};
use crate::domain::id::{AccountId, CredentialId};
use crate::ledger::audit::Event;
use crate::ledger::profiles::ProfileError;
use crate::storage;
use crate::storage::credentials::PasswordCredential;

/// How often another change may come between looking and writing.
const ATTEMPTS: usize = 8;

/// A new account's access epoch.
const FIRST_EPOCH: i64 = 0;

/// What became of a challenge whose code came back.
pub enum Completion {
    /// It is done, and its person logged in.
    Done(NewLogin),
    /// It has ended without.
    Ended(ChallengeOutcome),
    /// The authority says nothing for now; it may be asked again.
    Unavailable,
}

/// Why it is not known what became of it.
#[derive(Debug, thiserror::Error)]
pub enum CompletionError {
    /// The code has not come back, or it has ended meanwhile.
    #[error("the challenge is not to be completed")]
    Over,
    /// Too many passwords are being hashed.
    #[error("password hashing is at its limit")]
    Busy,
    /// A profile could not be opened or sealed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Something could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<PasswordError> for CompletionError {
    fn from(error: PasswordError) -> Self {
        match error {
            // The form has refused it.
            PasswordError::TooLong => Self::Over,
            PasswordError::Busy | PasswordError::Failed => Self::Busy,
        }
    }
}

impl From<LossError> for CompletionError {
    fn from(error: LossError) -> Self {
        match error {
            LossError::Profile(error) => Self::Profile(error),
            LossError::Seal(error) => Self::Seal(error),
            LossError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<LoginError> for CompletionError {
    fn from(error: LoginError) -> Self {
        match error {
            // No password is held against anything here.
            LoginError::WrongCredentials
            | LoginError::NotAllowed
            | LoginError::Throttled { .. } => Self::Over,
            LoginError::Busy => Self::Busy,
            LoginError::Seal(error) => Self::Seal(error),
            LoginError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Why a transaction was given up.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Something is not as it was when it was prepared: prepare it anew.
    Changed,
    /// The challenge has ended meanwhile.
    Over,
    /// Storage did not answer.
    Storage(storage::Error),
}

impl From<storage::Error> for WriteError {
    fn from(error: storage::Error) -> Self {
        Self::Storage(error)
    }
}

/// What is to be written, or why nothing is.
pub(super) enum Prepared {
    Registration(Box<Registration>),
    Recovery(Box<Recovery>),
    Refused(ChallengeOutcome),
}

impl Accounts {
    /// Does what a registration or recovery is for, once its code has come back: the authority is
    /// asked, then one transaction does all of it, and its person is logged in.
    pub async fn complete(
        &self,
        open: &OpenChallenge,
        place: LoginPlace<'_>,
    ) -> Result<Completion, CompletionError> {
        let Draft::Identity(application) = &open.draft else {
            return Err(CompletionError::Over);
        };
        let proof = match self.prove(open, application).await? {
            // Sent twice: whoever comes second is told how it ended, or takes over.
            Proof::AtIt => match self.outcome_of_other(open.id).await? {
                Some(ChallengeOutcome::Done) => return Err(CompletionError::Over),
                Some(outcome) => return Ok(Completion::Ended(outcome)),
                None => self.prove(open, application).await?,
            },
            proof @ (Proof::Proven(_) | Proof::NotProven(_) | Proof::Unavailable) => proof,
        };
        let check = match proof {
            Proof::Proven(check) => check,
            Proof::NotProven(event) => {
                let outcome = ChallengeOutcome::NotVerified;
                return self.end_without(open, outcome, Some(event)).await;
            }
            Proof::Unavailable | Proof::AtIt => return Ok(Completion::Unavailable),
        };
        let hash = match self.passwords.hash(application.password.clone()).await {
            Ok(hash) => hash,
            Err(error) => {
                self.release_check(open.id).await?;
                return Err(error.into());
            }
        };
        let password = PasswordCredential {
            id: CredentialId::ordered(self.now(), &*self.entropy),
            hash: hash.as_str().to_owned(),
        };
        for _ in 0..ATTEMPTS {
            let proofs = (check.clone(), password.clone());
            let prepared = match open.purpose {
                ChallengePurpose::Registration => {
                    self.prepare_registration(open, application, proofs).await?
                }
                ChallengePurpose::Recovery => {
                    self.prepare_recovery(open, application, proofs).await?
                }
                ChallengePurpose::PhoneConfirmation => return Err(CompletionError::Over),
            };
            if let Prepared::Refused(outcome) = prepared {
                return self.end_without(open, outcome, None).await;
            }
            match self.write_prepared(prepared).await {
                Err(WriteError::Changed) => {}
                Err(WriteError::Over) => return Err(CompletionError::Over),
                Err(WriteError::Storage(error)) => return Err(error.into()),
                Ok(proven) => {
                    let session = self.new_session(proven, place).await?;
                    return Ok(Completion::Done(self.open_session(session).await?));
                }
            }
        }
        let reason = "an account changes faster than it can be read";
        Err(storage::Error::Unavailable(reason.to_owned()).into())
    }

    /// Ends the challenge; whoever asks twice at once is told how it ended.
    async fn end_without(
        &self,
        open: &OpenChallenge,
        outcome: ChallengeOutcome,
        told: Option<Event>,
    ) -> Result<Completion, CompletionError> {
        match self.refuse_challenge(open, outcome, told).await? {
            Some(ended) => Ok(Completion::Ended(ended)),
            None => Err(CompletionError::Over),
        }
    }

    /// The account that was opened or given back, and its access epoch from then on.
    async fn write_prepared(&self, prepared: Prepared) -> Result<(AccountId, i64), WriteError> {
        self.ledger
            .write(prepared, |entry, prepared| {
                Box::pin(async move {
                    match prepared {
                        Prepared::Registration(registration) => {
                            registration.write(entry).await?;
                            Ok((registration.account_id(), FIRST_EPOCH))
                        }
                        Prepared::Recovery(recovery) => {
                            let access_epoch = recovery.write(entry).await?;
                            Ok((recovery.account_id(), access_epoch))
                        }
                        Prepared::Refused(_) => Err(WriteError::Over),
                    }
                })
            })
            .await
    }
}
