//! The profile: what is known of an account's person. In the clear only in memory.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Accounts;
use crate::domain::account::{Account, SealedProfile};
use crate::domain::assurance;
use crate::domain::document::IdentityDocument;
use crate::domain::email::EmailAddress;
use crate::domain::id::AccountId;
use crate::domain::name::PersonName;
use crate::domain::phone::PhoneNumber;
use crate::ledger::profiles::{AccountKey, ProfileError, WrappedKey};
use crate::ledger::vault::{Bucket, VaultError};
use crate::protocol::acr::Ial;
use crate::storage::{self, accounts, checks};

/// What is known of a person. Sealed as one piece under the account's key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// The name as its bearer writes it; none once the account has lost the last document that said
    /// so.
    pub name: Option<PersonName>,
    /// Identity documents, the first one registered first.
    pub documents: Vec<IdentityDocument>,
    /// Confirmed phones, the preferred one first.
    pub phones: Vec<PhoneNumber>,
    /// E-mail addresses, none of them confirmed: e-mail never authenticates.
    pub emails: Vec<EmailAddress>,
}

impl Profile {
    /// By what the person is addressed: the masked name, else a masked phone.
    pub fn masked(&self) -> String {
        let name = self.name.as_ref().map(PersonName::masked);
        let phone = || self.phones.first().map(PhoneNumber::masked);
        name.or_else(phone).unwrap_or_else(|| "*".to_owned())
    }
}

impl Accounts {
    /// The account and its opened profile.
    pub async fn profile(&self, id: AccountId) -> Result<Option<(Account, Profile)>, ProfileError> {
        let mut reader = self.ledger.reader().await?;
        let Some(account) = accounts::find(&mut reader, id).await? else {
            return Ok(None);
        };
        drop(reader);
        let profile = self.open_profile(account.id, &account.sealed).await?;
        Ok(Some((account, profile)))
    }

    /// Opens the profile of an account.
    pub async fn open_profile(
        &self,
        id: AccountId,
        sealed: &SealedProfile,
    ) -> Result<Profile, ProfileError> {
        let key = self.account_key(id, sealed).await?;
        let plain = key.open(&sealed.profile)?;
        serde_json::from_slice(&plain).map_err(|_| ProfileError::Damaged)
    }

    /// Seals the profile of a new account. When it cannot be stored since the bucket's key was
    /// replaced meanwhile ([`accounts::Insertion::KeyReplaced`]), [`Accounts::reseal_profile`].
    pub(super) async fn seal_profile(
        &self,
        id: AccountId,
        profile: &Profile,
    ) -> Result<SealedProfile, ProfileError> {
        let plain = serde_json::to_vec(profile).map(Zeroizing::new);
        let plain = plain.map_err(|_| ProfileError::Damaged)?;
        let (key, wrapped) = self.profiles.new_key(id).await?;
        Ok(SealedProfile {
            key_bucket: wrapped.bucket.number(),
            key_version: wrapped.version,
            wrapped_key: wrapped.wrapped,
            profile: key.seal(&plain, &*self.entropy)?,
        })
    }

    /// Seals a changed profile under the key that the account has.
    pub(super) async fn seal_changed(
        &self,
        id: AccountId,
        sealed: &SealedProfile,
        profile: &Profile,
    ) -> Result<SealedProfile, ProfileError> {
        let plain = serde_json::to_vec(profile).map(Zeroizing::new);
        let plain = plain.map_err(|_| ProfileError::Damaged)?;
        let key = self.account_key(id, sealed).await?;
        Ok(SealedProfile {
            profile: key.seal(&plain, &*self.entropy)?,
            ..sealed.clone()
        })
    }

    /// Seals the profile of a new account once more, under the bucket's key as it is now.
    pub(super) async fn reseal_profile(
        &self,
        id: AccountId,
        profile: &Profile,
    ) -> Result<SealedProfile, ProfileError> {
        self.profiles.refresh(id).await?;
        self.seal_profile(id, profile).await
    }

    /// The account's key. One that was wrapped anew since it was read, under a bucket's key that is
    /// no more, is read again: it is the same key, and opens the same profile.
    async fn account_key(
        &self,
        id: AccountId,
        sealed: &SealedProfile,
    ) -> Result<AccountKey, ProfileError> {
        let gone = match self.profiles.open_key(id, &wrapped_key(sealed)).await {
            Err(gone @ ProfileError::Vault(VaultError::NoSuchKey { .. })) => gone,
            opened => return opened,
        };
        let mut reader = self.ledger.reader().await?;
        let account = accounts::find(&mut reader, id).await?;
        drop(reader);
        match account.map(|account| account.sealed) {
            Some(now) if now.key_version != sealed.key_version => {
                self.profiles.open_key(id, &wrapped_key(&now)).await
            }
            Some(_) | None => Err(gone),
        }
    }

    /// What the account's checks prove now.
    pub async fn identity_level(&self, id: AccountId) -> Result<Option<Ial>, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        let checks = checks::list(&mut reader, id).await?;
        Ok(assurance::derive(&checks, self.now()))
    }
}

fn wrapped_key(sealed: &SealedProfile) -> WrappedKey {
    WrappedKey {
        bucket: Bucket::new(sealed.key_bucket),
        version: sealed.key_version,
        wrapped: sealed.wrapped_key.clone(),
    }
}
