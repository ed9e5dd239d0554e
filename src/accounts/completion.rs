//! What registration and recovery have in common once the code has come back: how they can end, and
//! how they write when what they looked at may have changed meanwhile.

use super::login::{LoginError, NewLogin};
use super::loss::LossError;
use crate::crypto::password::PasswordError;
use crate::crypto::seal::SealError;
use crate::domain::challenge::ChallengeOutcome;
use crate::ledger::profiles::ProfileError;
use crate::storage;

/// How often another change may come between looking and writing.
pub(super) const ATTEMPTS: usize = 8;

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
        }
    }
}

impl From<LoginError> for CompletionError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials | LoginError::NotAllowed => Self::Over,
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

/// Prepared too often in vain.
pub(super) fn contended() -> CompletionError {
    let reason = "an account changes faster than it can be read";
    storage::Error::Unavailable(reason.to_owned()).into()
}
