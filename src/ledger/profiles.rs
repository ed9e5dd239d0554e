//! Sealed profiles: what is personal about an account, as one text that its key alone opens.
//!
//! The account's key lies wrapped beside its rows; who has the database but not the key store, or
//! both but not the master key, has nothing. What the bytes of a profile mean is the accounts'
//! business.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::Ledger;
use super::feed::{Change, Notice};
use super::vault::{Bucket, Vault, VaultError};
use crate::crypto::PrimitiveError;
use crate::crypto::data_key::DataKey;
use crate::domain::entropy::Entropy;
use crate::domain::id::AccountId;
use crate::storage::{self, keys};

/// The fact that names the key store that belongs to a database.
const VAULT: &str = "vault";

/// An account's key as it is stored beside the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose key wraps it.
    pub bucket: Bucket,
    /// Which version of it.
    pub version: i64,
    /// The wrapped key.
    pub wrapped: String,
}

/// Why a profile cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The key store gives no key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database does not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The key store belongs to another database.
    #[error("the key store is not the one that belongs to this database")]
    OtherVault,
    /// The text is not what this account's key sealed.
    #[error("what is stored does not open with the account's key")]
    Damaged,
    /// The primitive failed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// Opens and makes the keys of accounts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Profiles {
    pub(super) vault: Vault,
    pub(super) ledger: Ledger,
    /// Changes were missed: any bucket's key may have been replaced.
    missed: Arc<Notify>,
}

impl Profiles {
    /// Profiles of a database and the key store that belongs to it; on first use they are tied
    /// together, since another key store would silently make new keys.
    pub async fn open(ledger: &Ledger, vault: Vault) -> Result<Self, ProfileError> {
        let id = vault.id().to_owned();
        let noted: String = ledger
            .write(id, |entry, id| {
                Box::pin(async move { keys::note_fact(entry.tx(), VAULT, id).await })
            })
            .await?;
        if noted != vault.id() {
            return Err(ProfileError::OtherVault);
        }
        let missed = Arc::new(Notify::new());
        let (held, notify) = (vault.clone(), Arc::clone(&missed));
        ledger.feed().subscribe(move |notice| match notice {
            Notice::Changed(Change::BucketKeyReplaced(bucket)) => {
                held.forget(Bucket::new(*bucket));
            }
            Notice::Changed(_) => {}
            Notice::Everything => notify.notify_one(),
        });
        Ok(Self {
            vault,
            ledger: ledger.clone(),
            missed,
        })
    }

    /// Waits until changes were missed. [`Profiles::reload`] is for the caller.
    pub async fn missed(&self) {
        self.missed.notified().await;
    }

    /// Loads the key store's keys anew.
    pub async fn reload(&self) -> Result<(), ProfileError> {
        Ok(self.vault.reload().await?)
    }

    /// Looks up which keys of an account's bucket there are now: for when its key was replaced
    /// between sealing and storing.
    pub async fn refresh(&self, account: AccountId) -> Result<(), ProfileError> {
        Ok(self.vault.learn(bucket_of(account)).await?)
    }

    /// A new account's key.
    pub async fn new_key(
        &self,
        account: AccountId,
    ) -> Result<(AccountKey, WrappedKey), ProfileError> {
        let bucket = bucket_of(account);
        let (version, wrapping) = self.vault.current(bucket).await?;
        let entropy = self.ledger.entropy();
        let key = DataKey::generate(entropy);
        let wrapped = wrapping.wrap(&key_context(account), &key, entropy)?;
        let wrapped = WrappedKey {
            bucket,
            version,
            wrapped,
        };
        Ok((AccountKey { account, key }, wrapped))
    }

    /// An account's key.
    pub async fn open_key(
        &self,
        account: AccountId,
        wrapped: &WrappedKey,
    ) -> Result<AccountKey, ProfileError> {
        let wrapping: Arc<DataKey> = self.vault.key(wrapped.bucket, wrapped.version).await?;
        let key = wrapping.unwrap_key(&key_context(account), &wrapped.wrapped);
        Ok(AccountKey {
            account,
            key: key.ok_or(ProfileError::Damaged)?,
        })
    }

    /// The version of the newest key of a bucket.
    pub(super) async fn newest_version(&self, bucket: Bucket) -> Result<i64, ProfileError> {
        Ok(self.vault.current(bucket).await?.0)
    }

    /// An account's key, wrapped under the newest key of its bucket.
    pub(super) async fn wrap_for(
        &self,
        account: AccountId,
        key: &DataKey,
    ) -> Result<String, ProfileError> {
        let (_, wrapping) = self.vault.current(bucket_of(account)).await?;
        Ok(wrapping.wrap(&key_context(account), key, self.ledger.entropy())?)
    }

    /// Makes the bucket keys of many accounts at once, ahead of an import.
    pub async fn prepare(&self, accounts: &[AccountId]) -> Result<(), ProfileError> {
        let buckets: Vec<Bucket> = accounts.iter().copied().map(bucket_of).collect();
        Ok(self.vault.prepare(&buckets).await?)
    }
}

/// An account's key, open.
pub struct AccountKey {
    account: AccountId,
    key: DataKey,
}

impl AccountKey {
    /// Seals the account's profile.
    pub fn seal(&self, profile: &[u8], entropy: &dyn Entropy) -> Result<String, ProfileError> {
        Ok(self
            .key
            .seal(&profile_context(self.account), profile, entropy)?)
    }

    /// Opens the account's profile; wiped when dropped.
    pub fn open(&self, sealed: &str) -> Result<Zeroizing<Vec<u8>>, ProfileError> {
        self.key
            .open(&profile_context(self.account), sealed)
            .ok_or(ProfileError::Damaged)
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccountKey").field(&self.account).finish()
    }
}

/// The first 16 bits of an account's id, which are random.
fn bucket_of(account: AccountId) -> Bucket {
    let [high, low, ..] = account.to_u128().to_be_bytes();
    Bucket::new(u16::from_be_bytes([high, low]))
}

pub(super) fn key_context(account: AccountId) -> String {
    format!("account_keys:{account}")
}

fn profile_context(account: AccountId) -> String {
    format!("profiles:{account}")
}
