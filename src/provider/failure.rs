//! What the wire is told of what is not the client's fault.

use crate::ledger::profiles::ProfileError;
use crate::ledger::vault::VaultError;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::storage;

/// What the wire is told when storage does not answer.
pub(super) fn of_storage(error: &storage::Error) -> OAuthError {
    match error {
        storage::Error::Unavailable(_) => ErrorCode::TemporarilyUnavailable
            .because("The server cannot answer just now. Try again."),
        storage::Error::Corrupt { .. } | storage::Error::Refused(_) => {
            ErrorCode::ServerError.because("The server failed.")
        }
    }
}

/// The same for a profile that was to be opened.
pub(super) fn of_profile(error: &ProfileError) -> OAuthError {
    match error {
        ProfileError::Storage(error) | ProfileError::Vault(VaultError::Storage(error)) => {
            of_storage(error)
        }
        ProfileError::Vault(_)
        | ProfileError::OtherVault
        | ProfileError::Damaged
        | ProfileError::Primitive(_) => ErrorCode::ServerError.because("The server failed."),
    }
}
