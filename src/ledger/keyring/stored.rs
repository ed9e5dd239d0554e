//! Keys as rows: which there must be, how one is made and wrapped, how one is opened.

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{KeySettings, KeysError, MacUse};
use crate::crypto::PrimitiveError;
use crate::crypto::custody::{MasterKey, RewrapError, Rewrapped};
use crate::crypto::encoding;
use crate::crypto::signing::{RsaSize, SigningKey, SigningKeyError};
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;
use crate::protocol::jose::SignatureAlgorithm;
use crate::storage::keys::KeyRow;

/// A place that a key fills: one is current in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Signs tokens.
    Signing(SignatureAlgorithm),
    /// Signs audit batches.
    Audit,
    /// Seals what travels through browsers and clients.
    Seal,
    /// Finds documents and phones.
    Index,
    /// Tags.
    Mac(MacUse),
}

impl Slot {
    /// The stored purpose of keys that sign tokens.
    pub(super) const SIGNING: &'static str = "signing";

    /// The stored purpose and algorithm.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Signing(algorithm) => (Self::SIGNING, algorithm.as_str()),
            Self::Audit => ("audit", SignatureAlgorithm::EdDsa.as_str()),
            Self::Seal => ("seal", "A256GCMSIV"),
            Self::Index => ("index", "HS256"),
            Self::Mac(purpose) => ("mac", purpose.name()),
        }
    }

    /// Which place a row fills; none for one that a newer release made.
    pub(super) fn of(row: &KeyRow) -> Option<Self> {
        let signing = [
            SignatureAlgorithm::Rs256,
            SignatureAlgorithm::Ps256,
            SignatureAlgorithm::Es256,
            SignatureAlgorithm::EdDsa,
        ];
        let others = [Self::Audit, Self::Seal, Self::Index];
        signing
            .into_iter()
            .map(Self::Signing)
            .chain(others)
            .chain(MacUse::ALL.into_iter().map(Self::Mac))
            .find(|slot| slot.names() == (row.purpose.as_str(), row.algorithm.as_str()))
    }

    /// The places that must be filled under these settings.
    pub(super) fn required(settings: &KeySettings) -> impl Iterator<Item = Self> + '_ {
        let signing = settings.algorithms.iter().copied().map(Self::Signing);
        signing
            .chain([Self::Audit, Self::Seal, Self::Index])
            .chain(MacUse::ALL.into_iter().map(Self::Mac))
    }

    /// Whether its key is replaced in time. What is found or computed by a key without being
    /// stored beside it cannot be: an index, a tag.
    pub(super) const fn rotates(self) -> bool {
        matches!(self, Self::Signing(_) | Self::Audit | Self::Seal)
    }

    /// The algorithm of a key pair.
    const fn pair(self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Signing(algorithm) => Some(algorithm),
            Self::Audit => Some(SignatureAlgorithm::EdDsa),
            Self::Seal | Self::Index | Self::Mac(_) => None,
        }
    }
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Published and loaded, not used yet.
    Next,
    /// In use.
    Current,
    /// Superseded.
    Retired,
    /// Superseded because it may be in others' hands: what it signed counts no more.
    Withdrawn,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(super) fn of(row: &KeyRow) -> Option<Self> {
        [Self::Next, Self::Current, Self::Retired, Self::Withdrawn]
            .into_iter()
            .find(|status| status.name() == row.status)
    }
}

/// The required places that no key fills.
pub(super) fn missing(rows: &[KeyRow], settings: &KeySettings) -> Vec<Slot> {
    Slot::required(settings)
        .filter(|slot| !rows.iter().any(|row| Slot::of(row) == Some(*slot)))
        .collect()
}

/// A key to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewKey {
    pub(super) slot: Slot,
    pub(super) number: i64,
    pub(super) status: Status,
}

/// What a wrapped secret is bound to: it opens in no other row.
fn context(row: &KeyRow) -> String {
    format!(
        "keys:{}:{}:{}:{}",
        row.purpose, row.algorithm, row.number, row.key_id
    )
}

/// Makes a key and wraps it.
pub(super) async fn make(
    key: NewKey,
    settings: &KeySettings,
    (master, entropy): (&MasterKey, &dyn Entropy),
    now: Instant,
) -> Result<KeyRow, KeysError> {
    let (purpose, algorithm) = key.slot.names();
    let (key_id, public, secret) = if let Some(algorithm) = key.slot.pair() {
        let (pair, pkcs8) = generate(algorithm, settings.rsa_size).await?;
        let public = serde_json::to_string(pair.public_jwk()).map_err(|_| PrimitiveError)?;
        (pair.kid().to_owned(), Some(public), pkcs8)
    } else {
        let mut secret = Zeroizing::new(vec![0; 32]);
        entropy.fill(&mut secret);
        (encoding::encode(&entropy.bytes::<16>()), None, secret)
    };
    let mut row = KeyRow {
        key_id,
        purpose: purpose.to_owned(),
        algorithm: algorithm.to_owned(),
        number: key.number,
        status: key.status.name().to_owned(),
        public,
        wrapped: String::new(),
        created_at: now,
        current_at: (key.status == Status::Current).then_some(now),
        retired_at: None,
    };
    row.wrapped = master.seal(&context(&row), &secret, entropy)?;
    Ok(row)
}

/// Makes a key pair on a thread of its own: RSA takes long enough to hold up requests.
async fn generate(
    algorithm: SignatureAlgorithm,
    rsa_size: RsaSize,
) -> Result<(SigningKey, Zeroizing<Vec<u8>>), SigningKeyError> {
    let (send, receive) = oneshot::channel();
    let spawned = std::thread::Builder::new()
        .name("make-key".to_owned())
        .spawn(move || send.send(SigningKey::generate(algorithm, rsa_size)).is_ok());
    if spawned.is_err() {
        return SigningKey::generate(algorithm, rsa_size);
    }
    receive
        .await
        .unwrap_or(Err(SigningKeyError::Primitive(PrimitiveError)))
}

/// The secret's wrapping under the current master key.
pub(super) fn rewrap(
    row: &KeyRow,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<Rewrapped, RewrapError> {
    master.reseal(&context(row), &row.wrapped, entropy)
}

/// Opens a secret.
pub(super) fn open(row: &KeyRow, master: &MasterKey) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    master
        .open(&context(row), &row.wrapped)
        .ok_or(KeysError::WrongMasterKey)
}

/// Opens a secret of 32 bytes.
pub(super) fn open_secret(
    row: &KeyRow,
    master: &MasterKey,
) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    let secret = open(row, master)?;
    let secret: &[u8; 32] = secret
        .as_slice()
        .try_into()
        .map_err(|_| KeysError::Corrupt(row.key_id.clone()))?;
    Ok(Zeroizing::new(*secret))
}

/// Opens a key pair; its public half must be the row's.
pub(super) fn open_pair(
    row: &KeyRow,
    algorithm: SignatureAlgorithm,
    master: &MasterKey,
) -> Result<SigningKey, KeysError> {
    let corrupt = || KeysError::Corrupt(row.key_id.clone());
    let pkcs8 = open(row, master)?;
    let pair = SigningKey::from_pkcs8(algorithm, &pkcs8).map_err(|_| corrupt())?;
    let public = serde_json::to_string(pair.public_jwk()).map_err(|_| corrupt())?;
    if pair.kid() != row.key_id || row.public.as_deref() != Some(public.as_str()) {
        return Err(corrupt());
    }
    Ok(pair)
}
