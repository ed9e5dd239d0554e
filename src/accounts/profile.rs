//! The profile: what is known of an account's person. In the clear only in memory.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Accounts;
use crate::domain::account::Account;
use crate::domain::document::IdentityDocument;
use crate::domain::email::EmailAddress;
use crate::domain::id::AccountId;
use crate::domain::name::PersonName;
use crate::domain::phone::PhoneNumber;
use crate::storage::{self, accounts};

/// What is known of a person. Sealed as one piece under the account's key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// The name as its bearer writes it.
    pub name: PersonName,
    /// Identity documents, the first one registered first.
    pub documents: Vec<IdentityDocument>,
    /// Confirmed phones, the preferred one first.
    pub phones: Vec<PhoneNumber>,
    /// E-mail addresses, none of them confirmed: e-mail never authenticates.
    pub emails: Vec<EmailAddress>,
}

impl Accounts {
    /// The account and its opened profile.
    pub async fn profile(
        &self,
        id: AccountId,
    ) -> Result<Option<(Account, Profile)>, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        let Some(account) = accounts::find(&mut reader, id).await? else { return Ok(None) };
        drop(reader);
        let profile = self.open_profile(&account).await?;
        Ok(Some((account, profile)))
    }

    /// Opens the profile of an account.
    pub async fn open_profile(&self, account: &Account) -> Result<Profile, storage::Error> {
        let corrupt = || storage::Error::Corrupt { table: "accounts", column: "profile" };
        let plain = self.profiles.open(account.id, &account.sealed).await?;
        serde_json::from_slice(&plain).map_err(|_| corrupt())
    }
}

/// The bytes of a profile that are sealed.
pub(super) fn to_bytes(profile: &Profile) -> Result<Zeroizing<Vec<u8>>, storage::Error> {
    serde_json::to_vec(profile)
        .map(Zeroizing::new)
        .map_err(|_| storage::Error::Corrupt { table: "accounts", column: "profile" })
}
