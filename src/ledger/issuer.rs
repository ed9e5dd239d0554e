//! The name under which an installation is known.
//!
//! Portals hold it in their configuration, and every token and everything sealed carries it. It is
//! noted at the first start and stays as soon as there is an account or a client.

use super::Ledger;
use crate::protocol::issuer::Issuer;
use crate::storage::{self, keys};

/// The fact about the installation.
const ISSUER: &str = "issuer";

/// What becomes of an installation that is known by another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rename {
    /// It does not start.
    Refused,
    /// It goes by the new name: nobody outside knows it.
    Allowed,
}

/// Why an installation does not start under a name.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// It is known by another.
    #[error(
        "the accounts and clients of this database belong to the issuer {noted}, not to {asked}: \
         set server.issuer to {noted}, or begin with another database"
    )]
    Other {
        /// The name it is known by.
        noted: String,
        /// The name it was to have.
        asked: String,
    },
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// Notes the name of an installation, or finds it noted.
pub async fn note(ledger: &Ledger, issuer: &Issuer, rename: Rename) -> Result<(), IssuerError> {
    let asked = issuer.as_str().to_owned();
    let noted: String = ledger
        .write((asked.clone(), rename), |entry, (asked, rename)| {
            Box::pin(async move {
                match rename {
                    Rename::Refused => {
                        keys::note_fact_of_the_empty(entry.tx(), ISSUER, asked).await
                    }
                    Rename::Allowed => keys::replace_fact(entry.tx(), ISSUER, asked).await,
                }
            })
        })
        .await?;
    if noted == asked {
        Ok(())
    } else {
        Err(IssuerError::Other { noted, asked })
    }
}
