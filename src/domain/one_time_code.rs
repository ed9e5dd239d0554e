//! One-time codes: six digits that show that somebody receives what is sent to a number or address.
//!
//! A code is a secret for as long as it holds: it prints nowhere but in its message.

use serde::{Deserialize, Serialize};

use super::ascii_form;
use super::entropy::Entropy;
use super::secret::Secret;

const DIGITS: usize = 6;
const CODES: u32 = 1_000_000;
/// More than six digits need, typed with full-width characters and spaces.
const MAX_TYPED_BYTES: usize = 64;

/// Six digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OneTimeCode(Secret<String>);

/// Text that is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code of six digits")]
pub struct OneTimeCodeError;

impl OneTimeCode {
    /// A new code; each is as likely as any other.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        // The highest numbers would favor low codes: draw again.
        let fair = u32::MAX - u32::MAX % CODES;
        loop {
            let number = u32::from_be_bytes(entropy.bytes());
            if number < fair {
                let digits = format!("{:0DIGITS$}", number % CODES);
                return Self(Secret::new(digits));
            }
        }
    }

    /// Reads a code as typed: spaces, hyphens and full-width digits are understood.
    pub fn parse(text: &str) -> Result<Self, OneTimeCodeError> {
        if text.len() > MAX_TYPED_BYTES {
            return Err(OneTimeCodeError);
        }
        let digits = ascii_form::compact(text);
        if digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::new(digits)))
        } else {
            Err(OneTimeCodeError)
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

impl TryFrom<String> for OneTimeCode {
    type Error = OneTimeCodeError;

    fn try_from(text: String) -> Result<Self, OneTimeCodeError> {
        Self::parse(&text)
    }
}

impl From<OneTimeCode> for String {
    fn from(code: OneTimeCode) -> Self {
        code.0.expose().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Gives these numbers, one after the other.
    struct Numbers(&'static [u32], AtomicU32);

    impl Entropy for Numbers {
        fn fill(&self, bytes: &mut [u8]) {
            let index = self.1.fetch_add(1, Ordering::Relaxed);
            let number = self.0[usize::try_from(index).unwrap()];
            bytes.copy_from_slice(&number.to_be_bytes());
        }
    }

    fn drawn(numbers: &'static [u32]) -> String {
        let numbers = Numbers(numbers, AtomicU32::new(0));
        OneTimeCode::draw(&numbers).as_str().to_owned()
    }

    #[test]
    fn a_code_has_six_digits_and_none_is_likelier() {
        assert_eq!(drawn(&[7]), "000007");
        assert_eq!(drawn(&[4_293_999_999]), "999999");
        // What is left over above a multiple of a million is drawn again.
        assert_eq!(drawn(&[4_294_000_000, u32::MAX, 1_123_456]), "123456");
    }

    #[test]
    fn is_read_as_people_type_it() {
        for text in ["012345", " 012 345 ", "０１２３４５", "012-345"] {
            assert_eq!(OneTimeCode::parse(text).unwrap().as_str(), "012345");
        }
        for text in ["", "12345", "1234567", "12345a", "٠١٢٣٤٥", &"1".repeat(100)] {
            assert_eq!(OneTimeCode::parse(text), Err(OneTimeCodeError), "{text}");
        }
    }

    #[test]
    fn does_not_print() {
        let code = OneTimeCode::parse("012345").unwrap();
        assert!(!format!("{code:?}").contains("12345"));
    }
}
