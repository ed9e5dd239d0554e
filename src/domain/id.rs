//! Identifiers of our own things: 128 bits with a kind, so that one cannot stand for another.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::entropy::Entropy;
use super::instant::Instant;

/// What an identifier identifies.
pub trait Kind: 'static {
    /// Written before the identifier, with an underscore: `acc` for an account.
    const PREFIX: &'static str;
}

/// An identifier of one kind: 128 bits, written as the kind's prefix and 26 characters of
/// Crockford's base 32 in lower case, so that text order is numeric order.
pub struct Id<K>(u128, PhantomData<fn() -> K>);

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        #[doc = concat!("`", $prefix, "_…`")]
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A natural person's account.
    Account, AccountId, "acc";
    /// A recorded check of a person's identity.
    Check, CheckId, "chk";
    /// A credential of an account.
    Credential, CredentialId, "crd";
    /// A resident's login at this provider.
    Session, SessionId, "ses";
    /// What a resident allowed a client.
    Grant, GrantId, "gnt";
    /// One redeemed code and the tokens that came of it.
    Authorization, AuthorizationId, "aut";
    /// A paused authorization request awaiting the resident.
    Interaction, InteractionId, "int";
    /// An access token (its `jti` is the sealed form).
    AccessToken, AccessTokenId, "atk";
    /// A process that writes to the audit log.
    Writer, WriterId, "wri";
    /// A registration, a recovery or the like under way.
    Challenge, ChallengeId, "chg";
    /// Something an account's person is told.
    Notice, NoticeId, "ntc";
    /// Something in the outbox: the same at every attempt to deliver it.
    Delivery, DeliveryId, "dlv";
    /// One HTTP request, in logs and on error pages.
    Request, RequestId, "req";
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 26;

impl<K> Id<K> {
    /// A random identifier: names nothing about when it was made. For handles that leave the house.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(u128::from_be_bytes(entropy.bytes()), PhantomData)
    }

    /// A time-ordered identifier: 48 bits of milliseconds, then 80 random bits. For rows in tables
    /// that grow, since random keys cost a B-tree seven times the log.
    #[must_use]
    pub fn ordered(now: Instant, entropy: &dyn Entropy) -> Self {
        Self(join(now, entropy.bytes()), PhantomData)
    }

    /// The same with bits that follow from what it identifies.
    #[must_use]
    pub fn ordered_with(at: Instant, bits: [u8; 16]) -> Self {
        Self(join(at, bits), PhantomData)
    }

    /// The identifier as a number, for compact encodings.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// The identifier of a number made by [`Id::to_u128`].
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(value, PhantomData)
    }
}

/// 48 bits of milliseconds, then 80 others.
fn join(at: Instant, bits: [u8; 16]) -> u128 {
    let millis = u128::from(at.as_millis().unsigned_abs() & 0xFFFF_FFFF_FFFF);
    (millis << 80) | (u128::from_be_bytes(bits) >> 48)
}

/// Text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct ParseIdError;

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|digits| digits.len() == TEXT_LEN)
            .ok_or(ParseIdError)?;
        let mut value: u128 = 0;
        for byte in digits.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|&letter| letter == byte)
                .ok_or(ParseIdError)?;
            // 26 digits hold 130 bits: the first must leave the top two clear.
            if value >> 123 != 0 {
                return Err(ParseIdError);
            }
            value = (value << 5) | digit as u128;
        }
        Ok(Self(value, PhantomData))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [b'0'; TEXT_LEN];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            let index = usize::try_from(rest & 31).unwrap_or(0);
            *digit = ALPHABET.get(index).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Text in JSON; sixteen bytes in compact formats.
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.to_be_bytes().serialize(serializer)
        }
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(de::Error::custom)
        } else {
            let bytes = <[u8; 16]>::deserialize(deserializer)?;
            Ok(Self(u128::from_be_bytes(bytes), PhantomData))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_every_bit() {
        for value in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = AccountId::from_u128(value);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn refuses_another_kind_and_overflow() {
        let account = AccountId::from_u128(7).to_string();
        assert!(account.parse::<SessionId>().is_err());
        assert!(
            "acc_zzzzzzzzzzzzzzzzzzzzzzzzzz"
                .parse::<AccountId>()
                .is_err()
        );
        assert!(
            "acc_7zzzzzzzzzzzzzzzzzzzzzzzzz"
                .parse::<AccountId>()
                .is_ok()
        );
        assert!("acc_".parse::<AccountId>().is_err());
    }

    #[test]
    fn text_order_is_numeric_order() {
        let (low, high) = (AccountId::from_u128(31), AccountId::from_u128(32));
        assert!(low.to_string() < high.to_string());
    }
}
