//! Relying parties as registered here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::entropy::Entropy;
use super::id::{Id, Kind};
use super::instant::Instant;
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::client_metadata::values::LegalBasis;

/// A client's identifier. Ours are short; one that comes by federation is its entity id, a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

enum Registered {}

impl Kind for Registered {
    const PREFIX: &'static str = "cli";
}

/// Text that cannot be a client identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a client identifier: 1 to 255 visible ASCII characters")]
pub struct ParseClientIdError;

impl ClientId {
    /// A fresh identifier for a client that registers here.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(Id::<Registered>::random(entropy).to_string())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = ParseClientIdError;

    /// RFC 6749 appendix A.1: visible characters only.
    fn try_from(text: String) -> Result<Self, ParseClientIdError> {
        let fits = !text.is_empty() && text.len() <= 255;
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(ParseClientIdError)
        }
    }
}

impl FromStr for ClientId {
    type Err = ParseClientIdError;

    fn from_str(text: &str) -> Result<Self, ParseClientIdError> {
        Self::try_from(text.to_owned())
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a client may do anything at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientStatus {
    /// In use.
    Active,
    /// Stopped by an operator; may be resumed.
    Suspended,
    /// Gone for good. The row stays, so that the identifier is never given to another.
    Removed,
}

impl ClientStatus {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }

    /// From what [`ClientStatus::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Removed]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// Whether it may do anything.
    pub status: ClientStatus,
    /// What it registered.
    pub metadata: ClientMetadata,
    /// The stored form of its secret; none for a public client.
    pub secret_hash: Option<String>,
    /// When it was registered.
    pub registered_at: Instant,
    /// When any of this last changed.
    pub changed_at: Instant,
}

impl Client {
    /// Whether what it receives rests on a consent, which can be taken back, and not on a law.
    pub fn rests_on_consent(&self) -> bool {
        self.metadata.legal_basis() == LegalBasis::Consent
    }
}
