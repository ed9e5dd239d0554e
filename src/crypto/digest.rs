//! SHA-256, and comparison that takes the same time wherever the difference is.

use std::fmt;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{Context, SHA256};

/// The SHA-256 digest of the parts, one after another without separation.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    leading(context.finish().as_ref())
}

/// SHA-256 of what comes piece by piece.
pub struct Sha256(Context);

impl Sha256 {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next piece in.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces, as one.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        leading(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

/// Whether two values are equal; their lengths may show.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The first `N` bytes of a digest that has at least as many.
pub(super) fn leading<const N: usize>(digest: &[u8]) -> [u8; N] {
    digest.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::encoding;

    /// RFC 7636 Appendix B: the challenge of a verifier.
    #[test]
    fn digests_parts_as_one() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let digest = sha256(&[b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_", b"wW1gFWFOEjXk"]);
        assert_eq!(encoding::encode(&digest), challenge);
    }

    #[test]
    fn pieces_make_the_whole() {
        let mut pieces = Sha256::new();
        pieces.update(b"one");
        pieces.update(b"two");
        assert_eq!(pieces.finish(), sha256(&[b"onetwo"]));
    }

    #[test]
    fn compares() {
        assert!(equal(b"same", b"same"));
        assert!(!equal(b"same", b"samE"));
        assert!(!equal(b"same", b"sam"));
        assert!(equal(b"", b""));
    }
}
