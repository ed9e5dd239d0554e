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
}

impl MacUse {
    /// All uses.
    pub const ALL: [Self; 5] = [
        Self::Subject,
        Self::Sid,
        Self::Form,
        Self::RefreshToken,
        Self::Decoy,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Sid => "sid",
            Self::Form => "form",
            Self::RefreshToken => "refresh_token",
            Self::Decoy => "decoy",
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
    macs: HashMap<MacUse, MacKey>,
    index: BlindIndex,
}

impl KeyRing {
    /// The key that signs tokens with an algorithm; none when it is not among the settings'.
    #[must_use]
    pub fn signing_key(&self, algorithm: SignatureAlgorithm) -> Option<&Arc<SigningKey>> {
        self.signing.iter().find(|key| key.algorithm() == algorithm)
    }

    /// What the provider publishes: the current keys first, then the next and the retired.
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
    pub fn mac(&self, purpose: MacUse) -> &MacKey {
        // Loading refuses a ring without all of them; a tag by another key would only not hold.
        self.macs.get(&purpose).unwrap_or(&self.fallback)
    }

    /// Finds documents and phones.
    #[must_use]
    pub const fn index(&self) -> &BlindIndex {
        &self.index
    }

    pub(crate) const fn audit_key(&self) -> &Arc<SigningKey> {
        &self.audit
    }
}
