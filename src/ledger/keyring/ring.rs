//! The keys that hold at one moment, parsed and ready.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::stored::{self, Slot, Status};
use super::{KeySettings, KeysError};
use crate::crypto::blind_index::BlindIndex;
use crate::crypto::custody::MasterKey;
use crate::crypto::mac::MacKey;
use crate::crypto::seal::Sealer;
use crate::crypto::signing::SigningKey;
use crate::crypto::verifying::VerifyingKey;
use crate::domain::instant::Instant;
use crate::protocol::jose::{JwkSet, PublicJwk, SignatureAlgorithm};
use crate::storage::keys::KeyRow;

/// What a tag is for; each has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MacUse {
    /// Pairwise subjects, before they are stored.
    Subject,
    /// The `sid` of a session at a client.
    Sid,
    /// Forms: that this provider rendered them for this browser.
    Form,
    /// Refresh tokens.
    RefreshToken,
    /// What an unknown account would have answered.
    Decoy,
    /// One-time codes, of which only a tag is stored.
    Code,
}

impl MacUse {
    /// All uses.
    pub const ALL: [Self; 6] = [
        Self::Subject,
        Self::Sid,
        Self::Form,
        Self::RefreshToken,
        Self::Decoy,
        Self::Code,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Sid => "sid",
            Self::Form => "form",
            Self::RefreshToken => "refresh_token",
            Self::Decoy => "decoy",
            Self::Code => "code",
        }
    }
}

/// The keys that hold at one moment. Immutable.
pub struct KeyRing {
    signing: Vec<Arc<SigningKey>>,
    published: JwkSet,
    verifying: HashMap<String, VerifyingKey>,
    audit: Arc<SigningKey>,
    sealer: Sealer,
    macs: Macs,
    index: BlindIndex,
}

struct Macs {
    subject: MacKey,
    sid: MacKey,
    form: MacKey,
    refresh_token: MacKey,
    decoy: MacKey,
    code: MacKey,
}

impl KeyRing {
    /// The key that signs tokens with an algorithm; none when it is not among the settings'.
    #[must_use]
    pub fn signing_key(&self, algorithm: SignatureAlgorithm) -> Option<&Arc<SigningKey>> {
        self.signing.iter().find(|key| key.algorithm() == algorithm)
    }

    /// What the provider publishes: current, next and lately retired keys.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        &self.published
    }

    /// A published key by its name, to verify tokens of this provider.
    #[must_use]
    pub fn verifying_key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// Seals what travels through browsers and clients.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The key for tags of one use.
    #[must_use]
    pub const fn mac(&self, purpose: MacUse) -> &MacKey {
        match purpose {
            MacUse::Subject => &self.macs.subject,
            MacUse::Sid => &self.macs.sid,
            MacUse::Form => &self.macs.form,
            MacUse::RefreshToken => &self.macs.refresh_token,
            MacUse::Decoy => &self.macs.decoy,
            MacUse::Code => &self.macs.code,
        }
    }

    /// Finds documents and phones.
    #[must_use]
    pub const fn index(&self) -> &BlindIndex {
        &self.index
    }

    pub(crate) const fn audit_key(&self) -> &Arc<SigningKey> {
        &self.audit
    }

    pub(super) fn load(
        rows: &[KeyRow],
        master: &MasterKey,
        settings: &KeySettings,
        now: Instant,
    ) -> Result<Self, KeysError> {
        let mut signing = Vec::with_capacity(settings.algorithms.len());
        for algorithm in &settings.algorithms {
            let row = current(rows, Slot::Signing(*algorithm))?;
            signing.push(Arc::new(stored::open_pair(row, *algorithm, master)?));
        }
        let (published, verifying) = publish(rows, settings, now)?;
        let audit = current(rows, Slot::Audit)?;
        let mac = |purpose| {
            let row = current(rows, Slot::Mac(purpose))?;
            Ok::<_, KeysError>(MacKey::new(&*stored::open_secret(row, master)?))
        };
        let index = current(rows, Slot::Index)?;
        Ok(Self {
            signing,
            published,
            verifying,
            audit: Arc::new(stored::open_pair(audit, SignatureAlgorithm::EdDsa, master)?),
            sealer: sealer(rows, master, settings, now)?,
            macs: Macs {
                subject: mac(MacUse::Subject)?,
                sid: mac(MacUse::Sid)?,
                form: mac(MacUse::Form)?,
                refresh_token: mac(MacUse::RefreshToken)?,
                decoy: mac(MacUse::Decoy)?,
                code: mac(MacUse::Code)?,
            },
            index: BlindIndex::new(number(index)?, &*stored::open_secret(index, master)?),
        })
    }
}

/// Whether the master key opens what is stored: nothing is added under another.
pub(super) fn check_master(rows: &[KeyRow], master: &MasterKey) -> Result<(), KeysError> {
    rows.iter()
        .try_for_each(|row| stored::open(row, master).map(|_| ()))
}

fn of_slot(rows: &[KeyRow], slot: Slot) -> impl Iterator<Item = (&KeyRow, Status)> {
    rows.iter()
        .filter(move |row| Slot::of(row) == Some(slot))
        .filter_map(|row| Some((row, Status::of(row)?)))
}

pub(super) fn current(rows: &[KeyRow], slot: Slot) -> Result<&KeyRow, KeysError> {
    of_slot(rows, slot)
        .find(|(_, status)| *status == Status::Current)
        .map(|(row, _)| row)
        .ok_or_else(|| {
            let (purpose, algorithm) = slot.names();
            KeysError::Missing(format!("{purpose} {algorithm}"))
        })
}

/// The key that takes the place of the current one.
pub(super) fn next(rows: &[KeyRow], slot: Slot) -> Option<&KeyRow> {
    of_slot(rows, slot)
        .find(|(_, status)| *status == Status::Next)
        .map(|(row, _)| row)
}

/// The highest number that a place has had.
pub(super) fn last_number(rows: &[KeyRow], slot: Slot) -> i64 {
    of_slot(rows, slot)
        .map(|(row, _)| row.number)
        .max()
        .unwrap_or(0)
}

fn still_counts(row: &KeyRow, now: Instant, retention: Duration) -> bool {
    row.retired_at
        .is_none_or(|retired| now.since(retired) < retention)
}

fn number(row: &KeyRow) -> Result<u32, KeysError> {
    u32::try_from(row.number).map_err(|_| KeysError::Corrupt(row.key_id.clone()))
}

fn publish(
    rows: &[KeyRow],
    settings: &KeySettings,
    now: Instant,
) -> Result<(JwkSet, HashMap<String, VerifyingKey>), KeysError> {
    let mut published = JwkSet::default();
    let mut verifying = HashMap::new();
    for algorithm in &settings.algorithms {
        for (row, status) in of_slot(rows, Slot::Signing(*algorithm)) {
            if status == Status::Withdrawn || !still_counts(row, now, settings.published_for) {
                continue;
            }
            let corrupt = || KeysError::Corrupt(row.key_id.clone());
            let json = row.public.as_deref().ok_or_else(corrupt)?;
            let jwk: PublicJwk = serde_json::from_str(json).map_err(|_| corrupt())?;
            let key = VerifyingKey::for_algorithm(&jwk, *algorithm).map_err(|_| corrupt())?;
            published.keys.push(jwk);
            verifying.insert(row.key_id.clone(), key);
        }
    }
    Ok((published, verifying))
}

fn sealer(
    rows: &[KeyRow],
    master: &MasterKey,
    settings: &KeySettings,
    now: Instant,
) -> Result<Sealer, KeysError> {
    let mut roots: Zeroizing<Vec<(u32, [u8; 32])>> = Zeroizing::new(Vec::new());
    for (row, _) in of_slot(rows, Slot::Seal) {
        if still_counts(row, now, settings.opens_for) {
            roots.push((number(row)?, *stored::open_secret(row, master)?));
        }
    }
    let current = number(current(rows, Slot::Seal)?)?;
    Ok(Sealer::new(&settings.issuer, &roots, current)?)
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("signing", &self.signing)
            .finish_non_exhaustive()
    }
}
