//! Telephone numbers, E.164. Personal data: `Debug` and errors show none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ascii_form;

/// More than any number needs, typed with full-width characters and separators.
const MAX_TYPED_BYTES: usize = 96;

/// A number in normal form: `+`, country code and the rest, as in `+8613800000001`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Why a text is not a telephone number. Names the rule, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Fewer than eight or more than fifteen digits.
    #[error("length: 8 to 15 digits")]
    Length,
    /// Something other than digits, separators and a leading plus.
    #[error("characters: only digits, spaces, hyphens and a + in front")]
    Characters,
    /// Neither a mobile number of the mainland nor written with `+` and a country code.
    #[error("country code: + and a country code, or a mobile number of the mainland")]
    CountryCode,
    /// `+86 1…` that is no mobile number: eleven digits, the second 3 to 9.
    #[error("mobile number: behind +86, 11 digits that begin with 13 to 19")]
    MobileNumber,
}

impl PhoneNumber {
    /// Reads a number as typed: with `+` or `00` and country code, or a mobile number of the
    /// mainland alone or behind `86`. Spaces, hyphens, parentheses and full-width forms are fine.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        if text.len() > MAX_TYPED_BYTES {
            return Err(PhoneError::Length);
        }
        let typed: String = ascii_form::compact(text)
            .chars()
            .filter(|c| !matches!(c, '(' | ')'))
            .collect();
        let (international, digits) = match typed.strip_prefix('+') {
            Some(digits) => (true, digits),
            None => match typed.strip_prefix("00") {
                Some(digits) => (true, digits),
                None => (false, typed.as_str()),
            },
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PhoneError::Characters);
        }
        if international {
            return Self::from_digits(digits);
        }
        match digits.len() {
            11 if digits.starts_with('1') => Self::from_digits(&format!("86{digits}")),
            13 if digits.starts_with("861") => Self::from_digits(digits),
            8..=15 => Err(PhoneError::CountryCode),
            _ => Err(PhoneError::Length),
        }
    }

    /// From the digits behind the plus.
    fn from_digits(digits: &str) -> Result<Self, PhoneError> {
        if !(8..=15).contains(&digits.len()) {
            return Err(PhoneError::Length);
        }
        // E.164: no country code begins with 0.
        if digits.starts_with('0') {
            return Err(PhoneError::CountryCode);
        }
        if let Some(national) = digits.strip_prefix("86")
            && national.starts_with('1')
            && !is_mainland_mobile(national)
        {
            return Err(PhoneError::MobileNumber);
        }
        Ok(Self(format!("+{digits}")))
    }

    /// The number itself, E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text that the blind index is computed over: the normal form. Fixed for ever, since an
    /// index in a database depends on it.
    #[must_use]
    pub fn index_text(&self) -> &str {
        &self.0
    }

    /// The number as its owner would say it: a mobile number of the mainland without `+86`.
    #[must_use]
    pub fn national(&self) -> &str {
        self.0
            .strip_prefix("+86")
            .filter(|national| is_mainland_mobile(national))
            .unwrap_or(&self.0)
    }

    /// `138****0001`; of other numbers the last four digits, behind `+` and stars.
    #[must_use]
    pub fn masked(&self) -> String {
        let national = self.national();
        let (from, to) = match national.strip_prefix('+') {
            None => (3, 7),
            Some(digits) => (1, digits.len().saturating_sub(3)),
        };
        national
            .char_indices()
            .map(|(at, c)| if (from..to).contains(&at) { '*' } else { c })
            .collect()
    }
}

fn is_mainland_mobile(national: &str) -> bool {
    national.len() == 11
        && national
            .strip_prefix('1')
            .is_some_and(|rest| rest.starts_with(|second| matches!(second, '3'..='9')))
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber([redacted])")
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(phone: PhoneNumber) -> Self {
        phone.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, PhoneError> {
        PhoneNumber::parse(text).map(String::from)
    }

    #[test]
    fn a_mobile_number_has_one_form() {
        for text in [
            "13800000001",
            "138 0000 0001",
            "１３８-００００-０００１",
            "8613800000001",
            "+86 138 0000 0001",
            "＋86-13800000001",
            "008613800000001",
            "(+86)13800000001",
        ] {
            assert_eq!(parse(text).as_deref(), Ok("+8613800000001"), "{text}");
        }
    }

    #[test]
    fn other_countries_are_named() {
        assert_eq!(parse("+852 2345 6789").as_deref(), Ok("+85223456789"));
        assert_eq!(parse("+1 (202) 555-0143").as_deref(), Ok("+12025550143"));
        assert_eq!(parse("+86 571 8765 4321").as_deref(), Ok("+8657187654321"));
    }

    #[test]
    fn each_rule_has_its_reason() {
        use PhoneError::{Characters, CountryCode, Length, MobileNumber};
        assert_eq!(parse(""), Err(Length));
        assert_eq!(parse("+1234567"), Err(Length));
        assert_eq!(parse("+1234567890123456"), Err(Length));
        assert_eq!(parse(&"1".repeat(100)), Err(Length));
        assert_eq!(parse("+86138000O0001"), Err(Characters));
        assert_eq!(parse("++8613800000001"), Err(Characters));
        assert_eq!(parse("٠١٢٣٤٥٦٧٨٩"), Err(Characters));
        assert_eq!(parse("057187654321"), Err(CountryCode));
        assert_eq!(parse("+05718765432"), Err(CountryCode));
        assert_eq!(parse("12345678901"), Err(MobileNumber));
        assert_eq!(parse("+86138000000012"), Err(MobileNumber));
    }

    #[test]
    fn a_mask_keeps_what_the_owner_knows_it_by() {
        let masked = |text| PhoneNumber::parse(text).unwrap().masked();
        assert_eq!(masked("13800000001"), "138****0001");
        assert_eq!(masked("+12025550143"), "+*******0143");
        assert_eq!(masked("+8657187654321"), "+*********4321");
    }

    #[test]
    fn nothing_prints_a_number() {
        let phone = PhoneNumber::parse("13800000001").unwrap();
        assert!(!format!("{phone:?}").contains("138"));
    }

    proptest! {
        #[test]
        fn the_normal_form_parses_to_itself(digits in "[1-9][0-9]{7,14}") {
            if let Ok(phone) = PhoneNumber::parse(&format!("+{digits}")) {
                prop_assert_eq!(PhoneNumber::parse(phone.as_str()), Ok(phone));
            } else {
                prop_assert!(digits.starts_with("861"));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok(phone) = PhoneNumber::parse(&text) {
                prop_assert!((9..=16).contains(&phone.as_str().len()));
                prop_assert!(phone.masked().contains('*'));
            }
        }
    }
}
