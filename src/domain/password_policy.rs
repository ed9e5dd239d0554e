//! Which passwords a resident may choose: long enough, not among the first that anyone tries. No
//! rules of composition and no expiry, which make passwords worse (NIST SP 800-63B §3.1.1.2).

use super::ascii_form;
use super::document::IdentityDocument;
use super::phone::PhoneNumber;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer than eight characters.
    #[error("too short: at least 8 characters")]
    TooShort,
    /// More than 1,024 bytes, which only cost time to hash.
    #[error("too long: at most 1024 bytes")]
    TooLong,
    /// One character again and again.
    #[error("one character repeated")]
    Repeated,
    /// Among the passwords that are tried first.
    #[error("too common")]
    Common,
    /// The account's own phone or document number.
    #[error("own number")]
    OwnNumber,
}

/// The rule for residents.
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    /// In characters.
    shortest: usize,
    /// In bytes.
    longest: usize,
}

impl PasswordPolicy {
    /// Eight characters to 1,024 bytes.
    pub const RESIDENT: Self = Self {
        shortest: 8,
        longest: 1024,
    };

    /// Checks a password for the account of this phone and document. Where one of them was refused,
    /// the password is held against the other rules all the same.
    pub fn check(
        self,
        password: &str,
        phone: Option<&PhoneNumber>,
        document: Option<&IdentityDocument>,
    ) -> Result<(), PasswordProblem> {
        if password.len() > self.longest {
            return Err(PasswordProblem::TooLong);
        }
        let mut characters = password.chars();
        let first = characters.next();
        if first.is_some() && characters.all(|c| Some(c) == first) {
            return Err(PasswordProblem::Repeated);
        }
        if password.chars().count() < self.shortest {
            return Err(PasswordProblem::TooShort);
        }
        let bare = ascii_form::compact(password);
        let own = [
            phone.map(|phone| phone.as_str().trim_start_matches('+')),
            phone.map(PhoneNumber::national),
            document.map(|document| document.number().as_str()),
        ];
        if own.contains(&Some(bare.trim_start_matches('+'))) {
            return Err(PasswordProblem::OwnNumber);
        }
        if COMMON.contains(&password.to_ascii_lowercase().as_str()) {
            return Err(PasswordProblem::Common);
        }
        Ok(())
    }
}

/// In lower case; shorter and repeated ones are refused already.
const COMMON: [&str; 72] = [
    "12345678",
    "123456789",
    "1234567890",
    "0123456789",
    "9876543210",
    "987654321",
    "87654321",
    "12341234",
    "11223344",
    "11112222",
    "12121212",
    "123123123",
    "12344321",
    "123321123",
    "147258369",
    "741852963",
    "789456123",
    "159357159",
    "100200300",
    "11221122",
    "20082008",
    "31415926",
    "52013145",
    "5201314520",
    "520131400",
    "13145200",
    "1314520520",
    "7758521521",
    "woaini520",
    "woaini1314",
    "woaini123",
    "woaini521",
    "iloveyou",
    "iloveyou1",
    "a1234567",
    "a12345678",
    "a123456789",
    "aa123456",
    "aa12345678",
    "abc12345",
    "abc123456",
    "abcd1234",
    "abcd12345",
    "abcdefgh",
    "asd12345",
    "asdfghjkl",
    "asdf1234",
    "qwer1234",
    "qwertyui",
    "qwertyuiop",
    "qwerty12",
    "qwerty123",
    "qwe123456",
    "q1w2e3r4",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "qazwsxedc",
    "zxcvbnm123",
    "zxcvbnm,",
    "zxc123456",
    "password",
    "password1",
    "password123",
    "p@ssw0rd",
    "passw0rd",
    "admin123",
    "admin1234",
    "administrator",
    "welcome1",
    "tongxing",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::DocumentType;
    use crate::domain::instant::Instant;

    fn check(password: &str) -> Result<(), PasswordProblem> {
        let phone = PhoneNumber::parse("13800000001").unwrap();
        let now = Instant::from_seconds(1_700_000_000);
        let number = "11010519491231002X";
        let document =
            IdentityDocument::parse(DocumentType::ResidentIdCard, number, None, now).unwrap();
        PasswordPolicy::RESIDENT.check(password, Some(&phone), Some(&document))
    }

    #[test]
    fn without_phone_or_document_the_other_rules_hold() {
        let phone = PhoneNumber::parse("13800000001").unwrap();
        let check = |password, phone| PasswordPolicy::RESIDENT.check(password, phone, None);
        assert_eq!(check("short12", None), Err(PasswordProblem::TooShort));
        assert_eq!(check("PassWord123", None), Err(PasswordProblem::Common));
        let own = check("13800000001", Some(&phone));
        assert_eq!(own, Err(PasswordProblem::OwnNumber));
        assert_eq!(check("correct horse battery 1", None), Ok(()));
    }

    #[test]
    fn each_rule_has_its_reason() {
        use PasswordProblem::{Common, OwnNumber, Repeated, TooLong, TooShort};
        assert_eq!(check(""), Err(TooShort));
        assert_eq!(check("short12"), Err(TooShort));
        assert_eq!(check(&"ab".repeat(513)), Err(TooLong));
        assert_eq!(check("aaaaaaaaaaaa"), Err(Repeated));
        assert_eq!(check("PassWord123"), Err(Common));
        for own in [
            "13800000001",
            "+86 138-0000-0001",
            "8613800000001",
            "11010519491231002x",
        ] {
            assert_eq!(check(own), Err(OwnNumber));
        }
    }

    #[test]
    fn long_phrases_of_any_script_are_fine() {
        for password in [
            "correct horse battery 1",
            "春眠不觉晓处处闻啼鸟",
            "  spaces count too  ",
            "😀😁😂🤣😃😄😅😆",
        ] {
            assert_eq!(check(password), Ok(()));
        }
        assert_eq!(check(&"ab".repeat(512)), Ok(()));
    }

    #[test]
    fn the_list_holds_only_what_other_rules_let_pass() {
        for password in COMMON {
            assert!(password.chars().count() >= 8, "{password}");
            assert_eq!(password, password.to_ascii_lowercase());
        }
    }
}
