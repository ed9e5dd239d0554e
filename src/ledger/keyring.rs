//! The provider's keys: made on first start, kept wrapped, held parsed.
//!
//! A [`KeyRing`] is what holds at one moment; [`Keys`] replaces it when a change comes by the feed.
//! Of every kind that rotates there is a current key, a next one that is published and loaded on
//! every node before its first use, and retired ones for as long as what they made may live.

mod rewrap;
mod ring;
mod rotation;
mod stored;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

pub use rewrap::Rewrapping;
pub use ring::{KeyRing, MacUse};
pub use rotation::{KEY_SET_CACHED_FOR, Rotation};
use serde::Serialize;
use tokio::sync::{Mutex, Notify};

use super::feed::{Change, Notice};
use super::{Event, EventKind, Ledger};
use crate::crypto::PrimitiveError;
use crate::crypto::custody::MasterKey;
use crate::crypto::seal::SealerError;
use crate::crypto::signing::{RsaSize, SigningKeyError};
use crate::crypto::verifying::VerifyingKey;
use crate::domain::instant::Instant;
use crate::protocol::jose::{PublicJwk, SignatureAlgorithm};
use crate::storage::keys::{self, KeyRow};
use crate::storage::{self, Reader};
use stored::{NewKey, Slot, Status};

/// The fact that names the master key which must wrap no more.
const OUTDATED: &str = "outdated_master_key";

/// What decides which keys there are and how long they count.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// The issuer: what is sealed for one is not opened by another.
    pub issuer: String,
    /// The size of new RSA keys.
    pub rsa_size: RsaSize,
    /// What tokens are signed with.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// How long a retired signing key stays published.
    pub published_for: Duration,
    /// How long a retired seal key opens: longer than anything sealed lives.
    pub opens_for: Duration,
}

impl KeySettings {
    /// The usual ones of an issuer.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            issuer: issuer.into(),
            rsa_size: RsaSize::default(),
            algorithms: vec![
                SignatureAlgorithm::Rs256,
                SignatureAlgorithm::Ps256,
                SignatureAlgorithm::Es256,
                SignatureAlgorithm::EdDsa,
            ],
            published_for: DAY,
            opens_for: DAY.saturating_mul(400),
        }
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database does not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The master key is another than the one that wrapped the keys.
    #[error("the master key does not open this database's keys")]
    WrongMasterKey,
    /// Another master key has taken this one's place.
    #[error(
        "the master key of this node is outdated: set vault.master_key to the one that took its place"
    )]
    OutdatedMasterKey,
    /// A stored key is not what its row says.
    #[error("key {0} is not what its row says")]
    Corrupt(String),
    /// A key that the program cannot do without is missing.
    #[error("there is no current key for {0}")]
    Missing(String),
    /// The seal keys do not fit together.
    #[error(transparent)]
    Seal(#[from] SealerError),
    /// A key could not be made.
    #[error(transparent)]
    Signing(#[from] SigningKeyError),
    /// A key could not be wrapped.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
    /// Portals may hold a key set without the next keys until then.
    #[error(
        "the next keys are not published long enough: portals may hold a key set without them \
         until {0}; rotate after that, or with --force when a key has leaked"
    )]
    TooSoon(Instant),
    /// Another process changed the keys at the same time; what it did holds.
    #[error("another process changed the keys at the same time")]
    Raced,
}

/// The provider's keys, kept up to date. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    master: Arc<MasterKey>,
    settings: KeySettings,
    ring: RwLock<Arc<KeyRing>>,
    changed: Arc<Notify>,
    /// One load at a time, so that none puts an older ring in place of a newer.
    loading: Mutex<()>,
}

/// A key as it is listed: nothing secret.
#[derive(Debug, Clone, Serialize)]
pub struct KeyInfo {
    /// Its name.
    pub key_id: String,
    /// What it is for.
    pub purpose: String,
    /// How it is used.
    pub algorithm: String,
    /// Its number among its kind.
    pub number: i64,
    /// `next`, `current`, `retired` or `withdrawn`.
    pub status: String,
    /// When it was made.
    pub created_at: String,
    /// When it became current.
    pub current_at: Option<String>,
    /// When it was retired.
    pub retired_at: Option<String>,
}

impl Keys {
    /// Loads the keys, and makes those that are missing: on first start all of them. Of several
    /// processes that start at once one makes them, and all get its keys.
    pub async fn open(
        ledger: &Ledger,
        master: Arc<MasterKey>,
        settings: KeySettings,
    ) -> Result<Self, KeysError> {
        let rows = keys::list(&mut ledger.reader().await?).await?;
        // Opened before any is made: a wrong master key must not add its own to the others'.
        ring::check_master(&rows, &master)?;
        let missing = stored::missing(&rows, &settings);
        let rows = if missing.is_empty() {
            rows
        } else {
            create(ledger, &master, &settings, missing).await?;
            keys::list(&mut ledger.reader().await?).await?
        };
        let ring = Arc::new(KeyRing::load(&rows, &master, &settings, ledger.now())?);
        ledger.sign_audit_with(Arc::clone(ring.audit_key()));
        let changed = Arc::new(Notify::new());
        let notify = Arc::clone(&changed);
        ledger.feed().subscribe(move |notice| {
            if matches!(
                notice,
                Notice::Everything | Notice::Changed(Change::KeysChanged)
            ) {
                notify.notify_one();
            }
        });
        Ok(Self(Arc::new(Inner {
            ledger: ledger.clone(),
            master,
            settings,
            ring: RwLock::new(ring),
            changed,
            loading: Mutex::default(),
        })))
    }

    /// The keys as they are now. Take it once per request.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        let ring = self.0.ring.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&ring)
    }

    /// Loads the keys anew.
    pub async fn reload(&self) -> Result<(), KeysError> {
        let inner = &self.0;
        let _loading = inner.loading.lock().await;
        let rows = keys::list(&mut inner.ledger.reader().await?).await?;
        let now = inner.ledger.now();
        let ring = Arc::new(KeyRing::load(&rows, &inner.master, &inner.settings, now)?);
        inner.ledger.sign_audit_with(Arc::clone(ring.audit_key()));
        *inner.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// Waits until the feed says that the keys changed.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// All keys, for people.
    pub async fn list(&self) -> Result<Vec<KeyInfo>, KeysError> {
        let rows = keys::list(&mut self.0.ledger.reader().await?).await?;
        Ok(rows.into_iter().map(KeyInfo::from).collect())
    }
}

/// The keys that batches of the audit log may be signed with. With the master key, only those that
/// it vouches for: a public key planted in the table is none.
pub async fn audit_keys(
    reader: &mut Reader,
    master: Option<&MasterKey>,
) -> Result<BTreeMap<String, VerifyingKey>, KeysError> {
    let mut found = BTreeMap::new();
    for jwk in audit_jwks(reader, master).await? {
        let name = jwk.kid.clone().unwrap_or_default();
        let key = VerifyingKey::from_jwk(&jwk).map_err(|_| KeysError::Corrupt(name.clone()))?;
        found.insert(name, key);
    }
    Ok(found)
}

/// The same as they are published, each by its name.
pub async fn audit_jwks(
    reader: &mut Reader,
    master: Option<&MasterKey>,
) -> Result<Vec<PublicJwk>, KeysError> {
    let mut found = Vec::new();
    for row in keys::list(reader).await? {
        if Slot::of(&row) != Some(Slot::Audit) {
            continue;
        }
        if let Some(master) = master {
            match stored::open_pair(&row, SignatureAlgorithm::EdDsa, master) {
                Ok(_) => {}
                Err(KeysError::WrongMasterKey | KeysError::Corrupt(_)) => continue,
                Err(error) => return Err(error),
            }
        }
        let jwk = row
            .public
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .filter(|jwk: &PublicJwk| jwk.kid.as_ref() == Some(&row.key_id));
        found.push(jwk.ok_or(KeysError::Corrupt(row.key_id))?);
    }
    Ok(found)
}

/// Makes the missing keys in one transaction; somebody else's, made meanwhile, win. Of those that
/// rotate the next one is made along, so that no key set was ever published without it.
async fn create(
    ledger: &Ledger,
    master: &MasterKey,
    settings: &KeySettings,
    missing: Vec<Slot>,
) -> Result<(), KeysError> {
    let now = ledger.now();
    let mut rows = Vec::with_capacity(missing.len());
    for slot in missing {
        let first = [(1, Status::Current), (2, Status::Next)];
        let made = first.into_iter().take(if slot.rotates() { 2 } else { 1 });
        for (number, status) in made {
            let key = NewKey {
                slot,
                number,
                status,
            };
            rows.push(stored::make(key, settings, (master, ledger.entropy()), now).await?);
        }
    }
    match insert(ledger, (rows, master), EventKind::KeysCreated, now).await {
        Ok(()) | Err(KeysError::Raced) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Adds keys, all or none.
async fn insert(
    ledger: &Ledger,
    (rows, master): (Vec<KeyRow>, &MasterKey),
    kind: EventKind,
    now: Instant,
) -> Result<(), KeysError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.key_id.as_str()).collect();
    let event = Event::new(kind, now).detail(serde_json::json!({ "keys": ids }));
    ledger
        .write(
            (rows, master.fingerprint(), event),
            |entry, (rows, master, event)| {
                Box::pin(async move {
                    if !keys::admit_wrapped(entry.tx(), master).await? {
                        return Err(KeysError::OutdatedMasterKey);
                    }
                    for row in rows {
                        if !keys::insert(entry.tx(), row).await? {
                            return Err(KeysError::Raced);
                        }
                    }
                    entry.record(event).await?;
                    entry.announce(Change::KeysChanged);
                    Ok(())
                })
            },
        )
        .await
}

impl From<KeyRow> for KeyInfo {
    fn from(row: KeyRow) -> Self {
        Self {
            key_id: row.key_id,
            purpose: row.purpose,
            algorithm: row.algorithm,
            number: row.number,
            status: row.status,
            created_at: row.created_at.to_string(),
            current_at: row.current_at.map(|at| at.to_string()),
            retired_at: row.retired_at.map(|at| at.to_string()),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.ring()).finish()
    }
}
