//! Scopes: what a client asks to reach (RFC 6749 §3.3; OIDC Core §5.4, §11).
//!
//! A [`Scope`] is a set, kept in one order, so that equal sets are equal texts. It is bounded and
//! every token in it is well-formed; whether a client may have it is decided elsewhere.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Makes the request an OIDC request: an ID token is issued.
pub const OPENID: &str = "openid";
/// Clears the name.
pub const PROFILE: &str = "profile";
/// Clears the phone number.
pub const PHONE: &str = "phone";
/// Clears the e-mail address.
pub const EMAIL: &str = "email";
/// Asks for a refresh token that outlives the visit.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes that this provider gives a meaning.
pub const SUPPORTED: [&str; 5] = [OPENID, PROFILE, PHONE, EMAIL, OFFLINE_ACCESS];

const MAX_TOKENS: usize = 32;
const MAX_TOKEN_LENGTH: usize = 128;

/// A set of scope tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(BTreeSet<String>);

/// Text that is not a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A character outside RFC 6749 §3.3, or a token that is too long.
    #[error("a scope token is malformed")]
    Malformed,
    /// More tokens than any honest request has.
    #[error("more than {MAX_TOKENS} scope tokens")]
    TooMany,
}

impl Scope {
    /// The empty set.
    #[must_use]
    pub const fn empty() -> Self {
        Self(BTreeSet::new())
    }

    /// Everything in [`SUPPORTED`].
    #[must_use]
    pub fn supported() -> Self {
        Self(SUPPORTED.iter().map(|&token| token.to_owned()).collect())
    }

    /// Whether `token` is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether there is nothing in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything here is also in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// This set without `token`.
    #[must_use]
    pub fn without(mut self, token: &str) -> Self {
        self.0.remove(token);
        self
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut tokens = BTreeSet::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if token.len() > MAX_TOKEN_LENGTH || !token.bytes().all(is_scope_byte) {
                return Err(ScopeError::Malformed);
            }
            tokens.insert(token.to_owned());
            if tokens.len() > MAX_TOKENS {
                return Err(ScopeError::TooMany);
            }
        }
        Ok(Self(tokens))
    }
}

/// RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E.
const fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn is_a_set_with_one_order() {
        assert_eq!(
            scope("profile openid  profile").to_string(),
            "openid profile"
        );
        assert_eq!(scope("a b"), scope("b a"));
        assert!(scope("").is_empty());
        assert!(scope("openid").is_subset(&Scope::supported()));
        assert_eq!(scope("a b").difference(&scope("b c")), scope("a"));
    }

    #[test]
    fn malformed_and_floods_are_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "张", "a\u{7f}", &"x".repeat(129)] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError::Malformed), "{text}");
        }
        let many = (0..33).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(many.parse::<Scope>(), Err(ScopeError::TooMany));
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(text in "[a-z: ]{0,60}") {
            let first = scope(&text);
            prop_assert_eq!(scope(&first.to_string()), first);
        }

        #[test]
        fn intersection_is_what_is_in_both(a in "[a-e ]{0,12}", b in "[a-e ]{0,12}") {
            let (a, b) = (scope(&a), scope(&b));
            let both = a.intersection(&b);
            prop_assert!(both.is_subset(&a) && both.is_subset(&b));
            prop_assert!(a.difference(&b).intersection(&b).is_empty());
            prop_assert_eq!(a.union(&b).difference(&a), b.difference(&a));
        }
    }
}
