//! Keys for data at rest: an account's, which seals its profile; a bucket's, which wraps those.
//!
//! What is sealed is bound to its context, the table and row it belongs to, so that nobody with
//! write access to the database can move it to another row. A wrapped key cannot be opened as
//! data, nor data be taken for a key.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::PrimitiveError;
use super::encoding::{self, length_prefixed};
use crate::domain::entropy::Entropy;

/// Starts every text; another cipher or layout takes another.
const FORMAT: &str = "1.";

const DATA: &str = "tongxing data at rest";
const KEY: &str = "tongxing wrapped key";

/// A key of 256 bits for data at rest. It does not print, and is wiped when dropped.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut key = Self(Zeroizing::new([0; 32]));
        entropy.fill(&mut *key.0);
        key
    }

    /// The key of these bytes.
    pub const fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for what derives or keeps keys.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `plaintext` for its place.
    pub fn seal(
        &self,
        context: &str,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, PrimitiveError> {
        self.seal_as(DATA, context, plaintext, entropy)
    }

    /// What was sealed by this key for this place.
    pub fn open(&self, context: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.open_as(DATA, context, text)
    }

    /// Seals another key under this one.
    pub fn wrap(
        &self,
        context: &str,
        key: &Self,
        entropy: &dyn Entropy,
    ) -> Result<String, PrimitiveError> {
        self.seal_as(KEY, context, &*key.0, entropy)
    }

    /// The key that was wrapped by this one for this place.
    pub fn unwrap_key(&self, context: &str, text: &str) -> Option<Self> {
        let bytes = self.open_as(KEY, context, text)?;
        let mut key = Self(Zeroizing::new([0; 32]));
        if bytes.len() != key.0.len() {
            return None;
        }
        key.0.copy_from_slice(&bytes);
        Some(key)
    }

    /// There are as many keys as accounts, so the cipher is set up per use rather than kept.
    fn cipher(&self) -> Result<LessSafeKey, PrimitiveError> {
        Ok(LessSafeKey::new(UnboundKey::new(
            &AES_256_GCM_SIV,
            &*self.0,
        )?))
    }

    fn seal_as(
        &self,
        kind: &str,
        context: &str,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, PrimitiveError> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let length = NONCE_LEN + plaintext.len() + AES_256_GCM_SIV.tag_len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plaintext);
        let (_, body) = bytes.split_at_mut(NONCE_LEN);
        let tag = self.cipher()?.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            associated(kind, context),
            body,
        )?;
        bytes.extend_from_slice(tag.as_ref());
        let mut text = String::with_capacity(FORMAT.len() + encoding::encoded_len(length));
        text.push_str(FORMAT);
        encoding::encode_onto(&bytes, &mut text);
        Ok(text)
    }

    fn open_as(&self, kind: &str, context: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = encoding::decode(text.strip_prefix(FORMAT)?)?;
        let mut bytes = Zeroizing::new(bytes);
        let (nonce, body) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plaintext = self
            .cipher()
            .ok()?
            .open_in_place(nonce, associated(kind, context), body)
            .ok()?;
        Some(Zeroizing::new(plaintext.to_vec()))
    }
}

fn associated(kind: &str, context: &str) -> Aad<Vec<u8>> {
    Aad::from(length_prefixed(&[kind.as_bytes(), context.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::SeededEntropy;

    const CONTEXT: &str = "profiles:acc_1";

    fn key() -> DataKey {
        DataKey::generate(&SeededEntropy::new(5))
    }

    fn sealed() -> String {
        let text = key().seal(CONTEXT, "张三".as_bytes(), &SeededEntropy::new(6));
        text.expect("seals")
    }

    /// Stored for years: it must open in every later release.
    #[test]
    fn the_text_is_stable() {
        assert_eq!(sealed(), "1.9hZiCVDEE522bse3fbnji1Sxhjz1n42ENVS9jZ-nJ-b3OA");
        let opened = key().open(CONTEXT, &sealed()).expect("opens");
        assert_eq!(*opened, "张三".as_bytes());
    }

    #[test]
    fn opens_only_in_its_place_under_its_key() {
        assert!(key().open("profiles:acc_2", &sealed()).is_none());
        assert!(key().open("", &sealed()).is_none());
        let other = DataKey::generate(&SeededEntropy::new(7));
        assert!(other.open(CONTEXT, &sealed()).is_none());
    }

    #[test]
    fn every_changed_bit_is_refused() {
        let text = sealed();
        let bytes = encoding::decode(&text[FORMAT.len()..]).expect("base64url");
        for index in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[index / 8] ^= 1 << (index % 8);
            let changed = format!("{FORMAT}{}", encoding::encode(&changed));
            assert!(key().open(CONTEXT, &changed).is_none());
        }
        for length in 0..text.len() {
            assert!(key().open(CONTEXT, &text[..length]).is_none());
        }
        assert!(key().open(CONTEXT, &text.replacen('1', "2", 1)).is_none());
    }

    #[test]
    fn wraps_keys_apart_from_data() {
        let (outer, entropy) = (key(), SeededEntropy::new(8));
        let inner = DataKey::generate(&entropy);
        let wrapped = outer.wrap("bucket:7", &inner, &entropy).expect("wraps");
        let unwrapped = outer.unwrap_key("bucket:7", &wrapped).expect("unwraps");
        assert_eq!(unwrapped.bytes(), inner.bytes());
        assert!(outer.unwrap_key("bucket:8", &wrapped).is_none());
        assert!(outer.open("bucket:7", &wrapped).is_none());
        let data = outer.seal("bucket:7", &[0; 32], &entropy).expect("seals");
        assert!(outer.unwrap_key("bucket:7", &data).is_none());
    }

    #[test]
    fn seals_nothing_too() {
        let text = key()
            .seal(CONTEXT, b"", &SeededEntropy::new(6))
            .expect("seals");
        assert!(key().open(CONTEXT, &text).expect("opens").is_empty());
    }
}
