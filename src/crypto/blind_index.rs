//! The blind index: what an identifier is found by where it is not stored in the clear.
//!
//! Document and phone numbers have so few possible values that only the key protects them: it is
//! its own key, never one that seals or signs. Names are never indexed.

use super::encoding;
use super::mac::MacKey;

/// A key of the blind index.
#[derive(Debug)]
pub struct BlindIndex {
    key: MacKey,
    version: u32,
}

impl BlindIndex {
    /// The index of a key; `version` is stored beside what it indexes.
    pub fn new(version: u32, key: &[u8; 32]) -> Self {
        Self {
            key: MacKey::new(key),
            version,
        }
    }

    /// Which of the keys this is.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Where a normalized identifier of a kind is found: 22 characters.
    pub fn of(&self, kind: &'static str, normalized: &str) -> String {
        let tag = self.key.tag(kind, &[normalized.as_bytes()]);
        let short: [u8; 16] = super::digest::leading(&tag);
        encoding::encode(&short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored for years: the text of a value must never change.
    #[test]
    fn is_stable() {
        let index = BlindIndex::new(1, &[3; 32]);
        assert_eq!(
            index.of("phone", "+8613800000000"),
            "nUcLnAOi8NvKwGfe6HbocQ"
        );
    }

    #[test]
    fn tells_kinds_values_and_keys_apart() {
        let index = BlindIndex::new(1, &[3; 32]);
        let found = index.of("phone", "+8613800000000");
        assert_eq!(found.len(), 22);
        assert_ne!(found, index.of("document", "+8613800000000"));
        assert_ne!(found, index.of("phone", "+8613800000001"));
        assert_ne!(
            found,
            BlindIndex::new(2, &[4; 32]).of("phone", "+8613800000000")
        );
    }
}
