//! Signed tokens in compact form (RFC 7515, RFC 7519, and the advice of RFC 8725).
//!
//! The key that the caller picks settles the algorithm; what the header says must agree with it.
//! A header may not bring or point to keys, nor demand extensions. There is no clock here:
//! callers check `exp`, `nbf`, `iss` and `aud`.

use std::ops::Deref;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use super::encoding::{self, encode_onto, encoded_len};
use super::signing::{SigningError, SigningKey};
use super::verifying::VerifyingKey;
use crate::protocol::jose::{JwtHeader, JwtHeaderError};

/// Longer tokens are not looked at.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Why a token is refused. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Longer than [`MAX_TOKEN`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url, or a header that is not one or names no algorithm of ours.
    #[error("the token is malformed")]
    Malformed,
    /// The header brings or points to a key, or demands an extension.
    #[error("the token's header has a member that is not accepted")]
    RefusedHeader,
    /// Not the key's algorithm.
    #[error("the token's algorithm is not the key's")]
    Algorithm,
    /// Another type of token.
    #[error("the token is of another type")]
    Type,
    /// The caller knows no key for it.
    #[error("the token names a key that is not known")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the token's signature does not hold")]
    Signature,
    /// The claims are not what they should be.
    #[error("the token's claims are malformed")]
    Claims,
}

/// What the header must say of the token's type (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedType<'a> {
    /// This, so that no other token can stand in its place: `at+jwt`, `logout+jwt`.
    Required(&'a str),
    /// This or none, for tokens older than explicit types: ID tokens, client assertions.
    Optional(&'a str),
}

impl ExpectedType<'_> {
    fn is_of(self, header: &JwtHeader) -> bool {
        match self {
            Self::Required(name) => header.is_type(name),
            Self::Optional(name) => header.typ.is_none() || header.is_type(name),
        }
    }
}

/// The header members by which a token would bring its own keys, if they are there.
#[derive(Deserialize)]
struct BroughtKeys {
    #[serde(default)]
    jku: Member,
    #[serde(default)]
    jwk: Member,
    #[serde(default)]
    x5u: Member,
}

/// Whether a member is there, whatever it holds.
#[derive(Default, PartialEq, Eq)]
enum Member {
    #[default]
    Absent,
    Present,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self::Present)
    }
}

/// A token with these claims, signed by this key. `JWT` and `at+jwt` are the quick types.
pub fn sign_jwt(
    key: &SigningKey,
    typ: Option<&str>,
    claims: &impl Serialize,
) -> Result<String, SigningError> {
    let header = key.encoded_header(typ)?;
    let claims = serde_json::to_vec(claims).map_err(|_| SigningError::Claims)?;
    let signature_len = key.signature_len();
    let length = header.len() + encoded_len(claims.len()) + encoded_len(signature_len) + 2;
    let mut token = String::with_capacity(length);
    token.push_str(&header);
    token.push('.');
    encode_onto(&claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    encode_onto(&signature, &mut token);
    Ok(token)
}

/// The claims of a token that is of the expected type and signed by the key that `find` gives for
/// its header: a reference to a key, or one that is shared or just made.
pub fn verify_jwt<T: DeserializeOwned, K: Deref<Target = VerifyingKey>>(
    token: &str,
    find: impl FnOnce(&JwtHeader) -> Option<K>,
    expected: ExpectedType<'_>,
) -> Result<T, JwtError> {
    let parts = Parts::split(token)?;
    let header = parts.header()?;
    if !expected.is_of(&header) {
        return Err(JwtError::Type);
    }
    let key = find(&header).ok_or(JwtError::UnknownKey)?;
    if key.algorithm() != header.alg {
        return Err(JwtError::Algorithm);
    }
    let signature = encoding::decode(parts.signature).ok_or(JwtError::Malformed)?;
    if !key.verify(parts.signed.as_bytes(), &signature) {
        return Err(JwtError::Signature);
    }
    let claims = encoding::decode(parts.claims).ok_or(JwtError::Malformed)?;
    serde_json::from_slice(&claims).map_err(|_| JwtError::Claims)
}

/// A token's text, taken apart.
struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        // A fourth part would leave its dot here. Five parts are encrypted, and not for us.
        if claims.contains('.') {
            return Err(JwtError::Malformed);
        }
        Ok(Self {
            header,
            claims,
            signature,
            signed,
        })
    }

    fn header(&self) -> Result<JwtHeader, JwtError> {
        let json = encoding::decode(self.header).ok_or(JwtError::Malformed)?;
        let header = JwtHeader::parse(&json).map_err(|error| match error {
            JwtHeaderError::Malformed => JwtError::Malformed,
            JwtHeaderError::Extension => JwtError::RefusedHeader,
        })?;
        let brought: BroughtKeys =
            serde_json::from_slice(&json).map_err(|_| JwtError::Malformed)?;
        // RFC 8725 §3.10: keys come from whom we trust, not from the token.
        if [brought.jku, brought.jwk, brought.x5u].contains(&Member::Present) {
            return Err(JwtError::RefusedHeader);
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests;
