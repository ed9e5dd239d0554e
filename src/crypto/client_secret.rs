//! Secrets of clients: made by us with 256 bits, so a plain digest is enough to store.

use std::fmt;
use std::str::FromStr;

use super::digest::{equal, sha256};
use super::encoding;
use crate::domain::entropy::Entropy;
use crate::domain::secret::Secret;

/// Longer ones are not ours, and not worth hashing.
const MAX_LEN: usize = 256;

const SCHEME: &str = "sha256$";

/// A new secret: 43 characters that need no escaping in a URL or header.
pub fn generate(entropy: &dyn Entropy) -> Secret<String> {
    Secret::new(encoding::encode(&entropy.bytes::<32>()))
}

/// What is stored in a secret's stead.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecretHash([u8; 32]);

impl ClientSecretHash {
    /// The hash of a secret that [`generate`] made.
    pub fn of(secret: &Secret<String>) -> Self {
        Self(sha256(&[secret.expose().as_bytes()]))
    }

    /// Whether this is the hash of what was presented, in constant time.
    pub fn matches(&self, presented: &Secret<String>) -> bool {
        presented.expose().len() <= MAX_LEN && equal(&self.0, &Self::of(presented).0)
    }
}

/// The stored form.
impl fmt::Display for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        f.write_str(&encoding::encode(&self.0))
    }
}

impl fmt::Debug for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretHash")
    }
}

/// Text that is not the hash of a client secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of a client secret")]
pub struct ParseClientSecretHashError;

impl FromStr for ClientSecretHash {
    type Err = ParseClientSecretHashError;

    fn from_str(text: &str) -> Result<Self, ParseClientSecretHashError> {
        text.strip_prefix(SCHEME)
            .and_then(encoding::decode_exact)
            .map(Self)
            .ok_or(ParseClientSecretHashError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::SeededEntropy;

    #[test]
    fn only_the_secret_matches_its_hash() {
        let entropy = SeededEntropy::new(1);
        let (secret, other) = (generate(&entropy), generate(&entropy));
        assert_eq!(secret.expose().len(), 43);
        let hash = ClientSecretHash::of(&secret);
        assert!(hash.matches(&secret));
        assert!(!hash.matches(&other));
        assert!(!hash.matches(&Secret::new(String::new())));
        assert!(!hash.matches(&Secret::new("x".repeat(257))));
    }

    #[test]
    fn the_stored_form_is_read_back_and_nothing_else_is() {
        let hash = ClientSecretHash::of(&Secret::new("secret".to_owned()));
        assert_eq!(
            hash.to_string(),
            "sha256$K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols"
        );
        assert_eq!(hash.to_string().parse(), Ok(hash.clone()));
        for other in [
            "",
            "sha256$",
            "secret",
            "sha256$K7gNU3sdo",
            "sha512$K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols",
        ] {
            assert!(other.parse::<ClientSecretHash>().is_err());
        }
        assert_eq!(format!("{hash:?}"), "ClientSecretHash");
    }
}
