//! Values that travel through browsers and clients and come back: readable and changeable by this
//! provider only. For the short-lived; what rests in the database is sealed by `data_key`.
//!
//! A sealed text is bound to its purpose, the issuer and the key it names. AES-256-GCM-SIV
//! (RFC 8452) forgives a repeated nonce, so nodes need no agreement, and [`Sealer::seal_fixed`]
//! may do without one.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::PrimitiveError;
use super::encoding::{self, length_prefixed};
use crate::domain::entropy::Entropy;

/// What can be sealed. The body is compact and not self-describing: no flattened, untagged or
/// skipped members.
pub trait Sealed: Serialize + DeserializeOwned {
    /// What the text is for. No two types share one, and a change of shape takes a new one, since
    /// nodes of two releases run side by side.
    const PURPOSE: &'static str;
}

/// The longest text that is made or looked at.
pub const MAX_TEXT: usize = 8192;

/// Why a value was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The type cannot be written compactly: a fault of ours.
    #[error("the value cannot be serialized")]
    Unserializable,
    /// The text would be longer than [`MAX_TEXT`].
    #[error("the sealed text would be too long")]
    TooLong,
    /// The primitive failed.
    #[error(transparent)]
    Primitive(#[from] PrimitiveError),
}

/// Keys that do not make a sealer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealerError {
    /// The key to seal with is not among the keys.
    #[error("seal key {0} is missing")]
    Missing(u32),
    /// Two keys have one number.
    #[error("seal key {0} is there twice")]
    Repeated(u32),
}

/// Seals and opens under numbered root keys: the current one seals, all of them open.
pub struct Sealer {
    issuer: String,
    current: Root,
    older: Vec<Root>,
}

impl Sealer {
    /// The sealer of an issuer with these roots, each with its number.
    pub fn new(issuer: &str, roots: &[(u32, [u8; 32])], current: u32) -> Result<Self, SealerError> {
        let mut found = None;
        let mut older: Vec<Root> = Vec::with_capacity(roots.len());
        for (number, root) in roots {
            let repeated = older.iter().any(|other| other.number == *number)
                || (*number == current && found.is_some());
            if repeated {
                return Err(SealerError::Repeated(*number));
            }
            if *number == current {
                found = Some(Root::new(*number, root));
            } else {
                older.push(Root::new(*number, root));
            }
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            current: found.ok_or(SealerError::Missing(current))?,
            older,
        })
    }

    /// Seals a value; two texts of one value tell nobody that they are.
    pub fn seal<T: Sealed>(&self, value: &T, entropy: &dyn Entropy) -> Result<String, SealError> {
        self.seal_as(value, Nonces::Fresh, entropy.bytes())
    }

    /// Seals a value so that one value always gives one text under one key: for handles that must
    /// be stable, like a `jti`. Shows that two values are equal, and nothing else.
    pub fn seal_fixed<T: Sealed>(&self, value: &T) -> Result<String, SealError> {
        self.seal_as(value, Nonces::Fixed, [0; NONCE_LEN])
    }

    /// The value of a text that this issuer sealed for `T`'s purpose. All others are `None`, and
    /// nothing tells them apart.
    pub fn open<T: Sealed>(&self, text: &str) -> Option<T> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut bytes = Zeroizing::new(encoding::decode(text)?);
        let (form, rest) = bytes.split_first_mut()?;
        let nonces = Nonces::of_form(*form)?;
        let (number, rest) = rest.split_first_chunk_mut::<4>()?;
        let number = u32::from_be_bytes(*number);
        let (nonce, body) = match nonces {
            Nonces::Fresh => {
                let (nonce, body) = rest.split_first_chunk_mut::<NONCE_LEN>()?;
                (*nonce, body)
            }
            Nonces::Fixed => ([0; NONCE_LEN], rest),
        };
        let root = std::iter::once(&self.current)
            .chain(&self.older)
            .find(|root| root.number == number)?;
        let key = root.key(T::PURPOSE, nonces, &self.issuer).ok()?;
        let body = key
            .cipher
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&key.associated),
                body,
            )
            .ok()?;
        let (value, rest) = postcard::take_from_bytes(body).ok()?;
        rest.is_empty().then_some(value)
    }

    fn seal_as<T: Sealed>(
        &self,
        value: &T,
        nonces: Nonces,
        nonce: [u8; NONCE_LEN],
    ) -> Result<String, SealError> {
        let key = self.current.key(T::PURPOSE, nonces, &self.issuer)?;
        let mut head = Vec::with_capacity(256);
        head.push(nonces.form());
        head.extend_from_slice(&self.current.number.to_be_bytes());
        if matches!(nonces, Nonces::Fresh) {
            head.extend_from_slice(&nonce);
        }
        let start = head.len();
        let mut bytes = Zeroizing::new(
            postcard::to_extend(value, head).map_err(|_| SealError::Unserializable)?,
        );
        if encoding::encoded_len(bytes.len() + AES_256_GCM_SIV.tag_len()) > MAX_TEXT {
            return Err(SealError::TooLong);
        }
        let (_, body) = bytes.split_at_mut(start);
        let tag = key
            .cipher
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&key.associated),
                body,
            )
            .map_err(PrimitiveError::from)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(encoding::encode(&bytes))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("issuer", &self.issuer)
            .field("current", &self.current.number)
            .finish_non_exhaustive()
    }
}

/// Where nonces come from. Each way has keys of its own, so a text of one is none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nonces {
    Fresh,
    Fixed,
}

impl Nonces {
    /// The first byte of a text: also the version of its format.
    const fn form(self) -> u8 {
        match self {
            Self::Fresh => 1,
            Self::Fixed => 2,
        }
    }

    const fn of_form(form: u8) -> Option<Self> {
        match form {
            1 => Some(Self::Fresh),
            2 => Some(Self::Fixed),
            _ => None,
        }
    }
}

/// A root key, and the keys that have been derived from it so far.
struct Root {
    number: u32,
    secret: Prk,
    derived: OnceLock<Box<DerivedKey>>,
}

/// The key of one purpose. The keys form a list that only grows, so that reading takes no lock;
/// there are about a dozen purposes.
struct DerivedKey {
    purpose: &'static str,
    nonces: Nonces,
    cipher: LessSafeKey,
    associated: Vec<u8>,
    next: OnceLock<Box<Self>>,
}

impl Root {
    fn new(number: u32, root: &[u8; 32]) -> Self {
        Self {
            number,
            secret: Salt::new(HKDF_SHA256, b"tongxing seal root").extract(root),
            derived: OnceLock::new(),
        }
    }

    fn key(
        &self,
        purpose: &'static str,
        nonces: Nonces,
        issuer: &str,
    ) -> Result<&DerivedKey, PrimitiveError> {
        let mut place = &self.derived;
        loop {
            let key = if let Some(key) = place.get() {
                key
            } else {
                let derived = Box::new(self.derive(purpose, nonces, issuer)?);
                // Another thread may have been here first, with another purpose too.
                place.get_or_init(|| derived)
            };
            if key.purpose == purpose && key.nonces == nonces {
                return Ok(key);
            }
            place = &key.next;
        }
    }

    fn derive(
        &self,
        purpose: &'static str,
        nonces: Nonces,
        issuer: &str,
    ) -> Result<DerivedKey, PrimitiveError> {
        let mut key = Zeroizing::new([0; 32]);
        let info = length_prefixed(&[&[nonces.form()], purpose.as_bytes()]);
        self.secret.expand(&[&info], KeyLength)?.fill(&mut *key)?;
        Ok(DerivedKey {
            purpose,
            nonces,
            cipher: LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &*key)?),
            associated: length_prefixed(&[
                purpose.as_bytes(),
                issuer.as_bytes(),
                &self.number.to_be_bytes(),
            ]),
            next: OnceLock::new(),
        })
    }
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests;
