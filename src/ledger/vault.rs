//! The key store: 65,536 bucket keys in a database of their own, all in memory.
//!
//! A profile lies under its account's key, that under its bucket's, that under the master key.
//! The key store's backups are short-lived: replacing a bucket's key is what makes a deletion
//! final. Knows nothing of what lies in a bucket.

mod rewrap;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::crypto::PrimitiveError;
use crate::crypto::custody::MasterKey;
use crate::crypto::data_key::DataKey;
use crate::crypto::encoding;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::storage::vault::{self, BucketKeyRow};
use crate::storage::{self, Storage};

const ID: &str = "id";
const CHECK: &str = "master_key_check";
const PAGE: i64 = 4_096;
/// Keys made in one transaction.
const MADE_AT_ONCE: usize = 512;

/// Which bucket an account lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u16);

impl Bucket {
    /// A bucket by its number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What a wrapped key of this bucket is bound to.
    pub(super) fn context(self, version: i64) -> String {
        format!("bucket_keys:{}:{version}", self.0)
    }
}

/// Why the key store does not give a key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key store does not answer.
    #[error("the key store: {0}")]
    Storage(#[from] storage::Error),
    /// The master key is another than the one that wrapped the keys.
    #[error("the master key does not open this key store")]
    WrongMasterKey,
    /// Another master key has taken this one's place.
    #[error(
        "the master key of this node is outdated: set vault.master_key to the one that took its place"
    )]
    OutdatedMasterKey,
    /// The key is not there: deleted, or the key store is not the one that belongs here.
    #[error("the key store has no key {version} for bucket {}", bucket.number())]
    NoSuchKey {
        /// The bucket.
        bucket: Bucket,
        /// The version asked for.
        version: i64,
    },
    /// A key could not be wrapped.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// The key store. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    storage: Storage,
    master: Arc<MasterKey>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    id: String,
    held: RwLock<Held>,
}

/// The keys in memory.
struct Held {
    keys: HashMap<Bucket, Versions>,
    /// How often keys were forgotten. What was read before is not taken up after: a key that is
    /// gone from the store must not stay here.
    forgotten: u64,
}

/// A bucket's keys, the newest last.
type Versions = Vec<(i64, Arc<DataKey>)>;

impl Vault {
    /// Opens the key store of a migrated database and loads its keys. On first use it is bound to
    /// the master key.
    pub async fn open(
        storage: Storage,
        master: Arc<MasterKey>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let id = identify(&storage, &master, &*entropy).await?;
        let keys = load(&storage, &master).await?;
        Ok(Self(Arc::new(Inner {
            storage,
            master,
            clock,
            entropy,
            id,
            held: RwLock::new(Held { keys, forgotten: 0 }),
        })))
    }

    /// A name for this key store, made with it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The key that seals anew in a bucket, and its version; made if it is the first.
    pub async fn current(&self, bucket: Bucket) -> Result<(i64, Arc<DataKey>), VaultError> {
        if let Some(found) = self.newest(bucket) {
            return Ok(found);
        }
        self.learn(bucket).await?;
        self.prepare(&[bucket]).await?;
        self.newest(bucket)
            .ok_or(VaultError::NoSuchKey { bucket, version: 1 })
    }

    /// A key by its version. One that is not in memory may have been made by another process.
    pub async fn key(&self, bucket: Bucket, version: i64) -> Result<Arc<DataKey>, VaultError> {
        if let Some(key) = self.held(bucket, version) {
            return Ok(key);
        }
        self.learn(bucket).await?;
        self.held(bucket, version)
            .ok_or(VaultError::NoSuchKey { bucket, version })
    }

    /// Makes the first keys of buckets that have none: many at once for an import.
    pub async fn prepare(&self, buckets: &[Bucket]) -> Result<(), VaultError> {
        let mut missing: Vec<Bucket> = buckets.to_vec();
        missing.retain(|bucket| self.newest(*bucket).is_none());
        missing.sort_unstable();
        missing.dedup();
        for page in missing.chunks(MADE_AT_ONCE) {
            let made = page.iter().map(|bucket| self.make(*bucket, 1));
            self.insert(made.collect::<Result<_, _>>()?).await?;
            // Another process may have been first: what is stored counts.
            self.learn_all(page).await?;
        }
        Ok(())
    }

    /// Makes sure that a bucket has a key above the version `outdated`; the version of its newest.
    pub async fn supersede(&self, bucket: Bucket, outdated: i64) -> Result<i64, VaultError> {
        loop {
            self.learn(bucket).await?;
            // Without any key the others of the bucket are lost already: somebody must look.
            let (newest, _) = self.newest(bucket).ok_or(VaultError::NoSuchKey {
                bucket,
                version: outdated,
            })?;
            if newest > outdated {
                return Ok(newest);
            }
            self.insert(vec![self.make(bucket, newest + 1)?]).await?;
        }
    }

    /// Adds those that are the next of their buckets, unless our master key is outdated.
    async fn insert(&self, rows: Vec<BucketKeyRow>) -> Result<(), VaultError> {
        let input = (rows, self.0.master.fingerprint(), self.0.clock.now());
        self.0
            .storage
            .write(input, |tx, (rows, master, now)| {
                Box::pin(async move {
                    if !vault::admit_wrapped(tx, master).await? {
                        return Err(VaultError::OutdatedMasterKey);
                    }
                    vault::insert_keys(tx, rows, *now).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Deletes the keys of a bucket below `version`, from every file of the key store too. What
    /// lies under one of them is lost for good.
    pub async fn destroy_below(&self, bucket: Bucket, version: i64) -> Result<(), VaultError> {
        let input = (i64::from(bucket.0), version);
        self.0
            .storage
            .write(input, |tx, &(bucket, version)| {
                Box::pin(async move { vault::delete_below(tx, bucket, version).await })
            })
            .await
            .map_err(|error: storage::Error| error)?;
        self.forget(bucket);
        Ok(self.0.storage.scrub().await?)
    }

    /// Drops a bucket's keys from memory: the next use asks the key store.
    pub fn forget(&self, bucket: Bucket) {
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        held.keys.remove(&bucket);
        held.forgotten += 1;
    }

    /// Loads all keys anew, for when it is not known which were replaced.
    pub async fn reload(&self) -> Result<(), VaultError> {
        loop {
            let before = self.forgotten();
            let keys = load(&self.0.storage, &self.0.master).await?;
            if self.take_up(before, |held| *held = keys) {
                return Ok(());
            }
        }
    }

    fn make(&self, bucket: Bucket, version: i64) -> Result<BucketKeyRow, VaultError> {
        let key = DataKey::generate(&*self.0.entropy);
        let context = bucket.context(version);
        Ok(BucketKeyRow {
            bucket: i64::from(bucket.0),
            version,
            wrapped: self.0.master.wrap(&context, &key, &*self.0.entropy)?,
        })
    }

    fn newest(&self, bucket: Bucket) -> Option<(i64, Arc<DataKey>)> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        let (version, key) = held.keys.get(&bucket)?.last()?;
        Some((*version, Arc::clone(key)))
    }

    fn held(&self, bucket: Bucket, version: i64) -> Option<Arc<DataKey>> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        let versions = held.keys.get(&bucket)?;
        let (_, key) = versions.iter().find(|(found, _)| *found == version)?;
        Some(Arc::clone(key))
    }

    fn forgotten(&self) -> u64 {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        held.forgotten
    }

    /// Changes the keys in memory, unless some were forgotten since `before`.
    fn take_up(&self, before: u64, change: impl FnOnce(&mut HashMap<Bucket, Versions>)) -> bool {
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        let is_current = held.forgotten == before;
        if is_current {
            change(&mut held.keys);
        }
        is_current
    }

    /// Brings a bucket's keys into memory as the key store has them now.
    pub(super) async fn learn(&self, bucket: Bucket) -> Result<(), VaultError> {
        self.learn_all(&[bucket]).await
    }

    async fn learn_all(&self, buckets: &[Bucket]) -> Result<(), VaultError> {
        let numbers: Vec<i64> = buckets.iter().map(|bucket| i64::from(bucket.0)).collect();
        loop {
            let before = self.forgotten();
            let mut reader = self.0.storage.reader().await?;
            let rows = vault::keys_of(&mut reader, &numbers).await?;
            drop(reader);
            let none = buckets.iter().map(|bucket| (*bucket, Versions::new()));
            let mut keys: HashMap<Bucket, Versions> = none.collect();
            for row in &rows {
                let bucket = bucket_of(row)?;
                let key = unwrap(bucket, row, &self.0.master)?;
                keys.entry(bucket).or_default().push(key);
            }
            if self.take_up(before, |held| held.extend(keys)) {
                return Ok(());
            }
        }
    }
}

/// Names the key store and binds it to the master key, or checks that it is bound to this one.
async fn identify(
    storage: &Storage,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<String, VaultError> {
    let id = encoding::encode(&entropy.bytes::<16>());
    let check = master.seal(CHECK, id.as_bytes(), entropy)?;
    storage
        .write((id, check), |tx, (id, check)| {
            Box::pin(async move {
                // Both or neither: whoever writes the first writes the second.
                if vault::note_fact(tx, ID, id).await? {
                    vault::note_fact(tx, CHECK, check).await?;
                }
                Ok::<_, storage::Error>(())
            })
        })
        .await?;
    let mut reader = storage.reader().await?;
    let id = vault::fact(&mut reader, ID).await?.unwrap_or_default();
    let check = vault::fact(&mut reader, CHECK).await?.unwrap_or_default();
    match master.open(CHECK, &check) {
        Some(opened) if *opened == id.as_bytes() => Ok(id),
        _ => Err(VaultError::WrongMasterKey),
    }
}

async fn load(
    storage: &Storage,
    master: &MasterKey,
) -> Result<HashMap<Bucket, Versions>, VaultError> {
    let mut reader = storage.reader().await?;
    let mut keys: HashMap<Bucket, Versions> = HashMap::new();
    let mut after = (-1, 0);
    loop {
        let rows = vault::keys(&mut reader, after, PAGE).await?;
        for row in &rows {
            let bucket = bucket_of(row)?;
            keys.entry(bucket)
                .or_default()
                .push(unwrap(bucket, row, master)?);
        }
        match rows.last() {
            Some(last) => after = (last.bucket, last.version),
            None => return Ok(keys),
        }
    }
}

fn bucket_of(row: &BucketKeyRow) -> Result<Bucket, storage::Error> {
    let number = u16::try_from(row.bucket).map_err(|_| storage::Error::Corrupt {
        table: "bucket_keys",
        column: "bucket",
    })?;
    Ok(Bucket(number))
}

fn unwrap(
    bucket: Bucket,
    row: &BucketKeyRow,
    master: &MasterKey,
) -> Result<(i64, Arc<DataKey>), VaultError> {
    let key = master.unwrap_key(&bucket.context(row.version), &row.wrapped);
    Ok((
        row.version,
        Arc::new(key.ok_or(VaultError::WrongMasterKey)?),
    ))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}
