//! The unified social credit code of organizations (统一社会信用代码), GB 32100-2015.
//!
//! Eighteen characters of an alphabet of 31, the last by ISO 7064's method MOD 31-3. Positions 9 to
//! 17 are the older organization code with a check of its own (GB 11714), which some real codes of
//! the first years fail: a warning, never a reason to refuse.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ascii_form;

/// Digits and capital letters without I, O, S, V and Z, by their value.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const LENGTH: usize = 18;
/// Registering authorities, the first character.
const AUTHORITIES: &[u8] = b"123456789ANY";

/// A code in normal form: upper case, no spaces or hyphens, check character right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SocialCreditCode(String);

/// Why a text is not a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocialCreditCodeError {
    /// Not eighteen characters.
    #[error("length")]
    Length,
    /// A character outside the alphabet, or a letter in the area.
    #[error("characters")]
    Characters,
    /// The first character names no registering authority.
    #[error("registering authority")]
    Authority,
    /// The last character does not follow from the others.
    #[error("check digit")]
    CheckDigit,
}

/// Whether the organization code inside is right by GB 11714.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InnerCheck {
    /// It is.
    Holds,
    /// It is not: worth a second look, since some real codes are so.
    Fails,
}

impl SocialCreditCode {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the organization code at positions 9 to 17.
    #[must_use]
    pub fn inner_check(&self) -> InnerCheck {
        const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
        let organization = self.0.get(8..16).unwrap_or_default();
        let sum: u32 = organization
            .chars()
            .zip(WEIGHTS)
            .filter_map(|(c, weight)| Some(c.to_digit(36)? * weight))
            .sum();
        let expected = match 11 - sum % 11 {
            10 => 'X',
            11 => '0',
            digit => char::from_digit(digit, 10).unwrap_or('0'),
        };
        if self.0.chars().nth(16) == Some(expected) {
            InnerCheck::Holds
        } else {
            InnerCheck::Fails
        }
    }
}

impl FromStr for SocialCreditCode {
    type Err = SocialCreditCodeError;

    fn from_str(text: &str) -> Result<Self, SocialCreditCodeError> {
        if text.len() > 4 * LENGTH {
            return Err(SocialCreditCodeError::Length);
        }
        let code = ascii_form::compact(text);
        if code.chars().count() != LENGTH {
            return Err(SocialCreditCodeError::Length);
        }
        let area_is_digits = code.bytes().skip(2).take(6).all(|b| b.is_ascii_digit());
        if !area_is_digits || !code.bytes().all(|b| ALPHABET.contains(&b)) {
            return Err(SocialCreditCodeError::Characters);
        }
        if !code
            .bytes()
            .next()
            .is_some_and(|b| AUTHORITIES.contains(&b))
        {
            return Err(SocialCreditCodeError::Authority);
        }
        if code.bytes().last() == check_character(&code) {
            Ok(Self(code))
        } else {
            Err(SocialCreditCodeError::CheckDigit)
        }
    }
}

/// The check character of the first seventeen: position i weighs 3^(i-1) modulo 31.
fn check_character(code: &str) -> Option<u8> {
    let (sum, _) = code
        .bytes()
        .take(LENGTH - 1)
        .fold((0, 1), |(sum, weight), byte| {
            let value = ALPHABET.iter().position(|&b| b == byte).unwrap_or(0);
            ((sum + value * weight) % 31, weight * 3 % 31)
        });
    ALPHABET.get((31 - sum) % 31).copied()
}

impl TryFrom<String> for SocialCreditCode {
    type Error = SocialCreditCodeError;

    fn try_from(text: String) -> Result<Self, SocialCreditCodeError> {
        text.parse()
    }
}

impl From<SocialCreditCode> for String {
    fn from(code: SocialCreditCode) -> Self {
        code.0
    }
}

impl fmt::Display for SocialCreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REAL: [&str; 5] = [
        "914403001922038216",
        "9144030071526726XG",
        "91100000100003962T",
        "91330100799655058B",
        "91350100M000100Y43",
    ];

    fn parse(text: &str) -> Result<SocialCreditCode, SocialCreditCodeError> {
        text.parse()
    }

    #[test]
    fn real_codes_pass_both_checks() {
        for code in REAL {
            let parsed = parse(code).unwrap();
            assert_eq!(parsed.as_str(), code);
            assert_eq!(parsed.inner_check(), InnerCheck::Holds, "{code}");
        }
    }

    #[test]
    fn codes_are_normalized() {
        let code = parse("９１３５０１００-m000100 y43").unwrap();
        assert_eq!(code.as_str(), "91350100M000100Y43");
    }

    #[test]
    fn a_wrong_inner_check_is_only_a_warning() {
        let mut code = "91440300192203822".to_owned();
        let last = check_character(&code).unwrap();
        code.push(char::from(last));
        assert_eq!(parse(&code).unwrap().inner_check(), InnerCheck::Fails);
    }

    #[test]
    fn each_rule_has_its_reason() {
        use SocialCreditCodeError::{Authority, Characters, CheckDigit, Length};
        assert_eq!(parse(""), Err(Length));
        assert_eq!(parse("91440300192203821"), Err(Length));
        assert_eq!(parse(&"9".repeat(10_000)), Err(Length));
        assert_eq!(parse("914403001922O38216"), Err(Characters));
        assert_eq!(parse("9144030X1922038216"), Err(Characters));
        assert_eq!(parse("B14403001922038216"), Err(Authority));
        assert_eq!(parse("914403001922038217"), Err(CheckDigit));
        // One digit of a real code wrong.
        assert_eq!(parse("91110000100003962T"), Err(CheckDigit));
        // An answer found on the web computes the check modulo 11.
        assert_eq!(parse("9144030071526726XX"), Err(CheckDigit));
    }

    proptest! {
        #[test]
        fn any_single_change_is_refused(
            code in prop::sample::select(&REAL[..]), at in 0..LENGTH, to in 0..31_usize,
        ) {
            let mut changed = code.as_bytes().to_vec();
            changed[at] = ALPHABET[to];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(parse(&changed).is_ok(), changed == code);
        }
    }
}
