//! Keyed tags over lists of parts. A purpose and the length of every part go in, so that a tag
//! made for one thing never holds for another.

use std::fmt;

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

use super::digest::{equal, leading};

/// A key for HMAC-SHA-256, parsed once.
pub struct MacKey(Key);

impl MacKey {
    /// The key of these bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, key))
    }

    /// The tag of a list of parts for a purpose.
    pub fn tag(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = Context::with_key(&self.0);
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        leading(context.sign().as_ref())
    }

    /// Whether `tag` is the tag of these parts, in constant time.
    pub fn holds(&self, purpose: &'static str, parts: &[&[u8]], tag: &[u8]) -> bool {
        equal(&self.tag(purpose, parts), tag)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;
    use crate::crypto::encoding::length_prefixed;

    /// RFC 4231 §4.2 with its key filled up by zeros, which HMAC does anyway.
    #[test]
    fn is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..20].fill(0x0B);
        let tag = hmac::sign(&MacKey::new(&key).0, b"Hi There");
        assert_eq!(tag.as_ref()[..4], [0xB0, 0x34, 0x4C, 0x61]);
        assert_eq!(tag.as_ref()[28..], [0x2E, 0x32, 0xCF, 0xF7]);
    }

    #[test]
    fn tags_the_prefixed_parts() {
        let key = MacKey::new(&[7; 32]);
        let whole = hmac::sign(&key.0, &length_prefixed(&[b"purpose", b"one", b"two"]));
        assert_eq!(key.tag("purpose", &[b"one", b"two"]), whole.as_ref());
    }

    #[test]
    fn a_tag_holds_for_its_purpose_and_parts_only() {
        let key = MacKey::new(&[7; 32]);
        let tag = key.tag("purpose", &[b"one", b"two"]);
        assert!(key.holds("purpose", &[b"one", b"two"], &tag));
        assert!(!key.holds("other", &[b"one", b"two"], &tag));
        assert!(!key.holds("purpose", &[b"onet", b"wo"], &tag));
        assert!(!key.holds("purpose", &[b"one", b"two"], &tag[..31]));
        assert!(!MacKey::new(&[8; 32]).holds("purpose", &[b"one", b"two"], &tag));
    }
}
