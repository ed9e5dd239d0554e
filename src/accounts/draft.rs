//! Drafts: what was typed at the start of a challenge, until it is done.
//!
//! A draft is sealed under a key of its own, which travels in the page's address and is stored
//! nowhere: the row, and any backup of it, opens only with the browser that began.

use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::crypto::data_key::DataKey;
use crate::crypto::seal::SealError;
use crate::domain::document::IdentityDocument;
use crate::domain::entropy::Entropy;
use crate::domain::id::{AccountId, ChallengeId};
use crate::domain::name::PersonName;
use crate::domain::phone::PhoneNumber;
use crate::domain::secret::Secret;
use crate::protocol::language::Language;

/// What somebody typed who wants to open an account, or to get back into one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Application {
    /// The name.
    pub name: PersonName,
    /// The document.
    pub document: IdentityDocument,
    /// The phone.
    pub phone: PhoneNumber,
    /// The password from now on. It lies in the sealed draft until the authority has agreed: who is
    /// refused costs no hashing.
    #[serde(serialize_with = "expose")]
    pub password: Secret<String>,
    /// The version of the privacy notice that was shown.
    pub privacy_version: String,
    /// The language it was typed in.
    pub language: Language,
}

/// What a challenge is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Draft {
    /// Opening an account or recovering one.
    Identity(Application),
    /// A phone of an account.
    Phone {
        account_id: AccountId,
        phone: PhoneNumber,
    },
}

impl Draft {
    pub(super) const fn phone(&self) -> &PhoneNumber {
        match self {
            Self::Identity(application) => &application.phone,
            Self::Phone { phone, .. } => phone,
        }
    }

    pub(super) const fn document(&self) -> Option<&IdentityDocument> {
        match self {
            Self::Identity(application) => Some(&application.document),
            Self::Phone { .. } => None,
        }
    }

    /// Seals it for its challenge's row.
    pub(super) fn seal(
        &self,
        (id, key): (ChallengeId, [u8; 32]),
        entropy: &dyn Entropy,
    ) -> Result<String, SealError> {
        let plain = serde_json::to_vec(self).map(Zeroizing::new);
        let plain = plain.map_err(|_| SealError::Unserializable)?;
        let key = DataKey::from_bytes(Zeroizing::new(key));
        Ok(key.seal(&context(id), &plain, entropy)?)
    }

    /// What was sealed for this challenge's row under this key.
    pub(super) fn open((id, key): (ChallengeId, [u8; 32]), sealed: &str) -> Option<Self> {
        let key = DataKey::from_bytes(Zeroizing::new(key));
        let plain = key.open(&context(id), sealed)?;
        serde_json::from_slice(&plain).ok()
    }
}

fn context(id: ChallengeId) -> String {
    format!("challenges:{id}")
}

fn expose<S: Serializer>(password: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(password.expose())
}
