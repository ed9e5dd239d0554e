//! What a resident types into the login field: a phone number or a document number.
//!
//! One number may fit several kinds of document, so all are tried. Text that fits nothing is an
//! answer too, not an error: the login goes on as with a stranger's number, so that neither text nor
//! time tells which numbers exist.

use super::document::{DocumentType, IdentityDocument};
use super::instant::Instant;
use super::phone::PhoneNumber;

/// More than any number needs, typed with full-width characters and separators.
const MAX_TYPED_BYTES: usize = 128;

/// Whom the text may name. Personal data: the parts redact themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Username {
    /// A phone number.
    Phone(PhoneNumber),
    /// A document: every reading of the number, at least one, in the order of the code list.
    Documents(Vec<IdentityDocument>),
    /// Nothing that an account can have.
    Unknown,
}

impl Username {
    /// Reads the field. A passport's number alone means China's; another country's is written before
    /// it with a hyphen: `USA-123456789`.
    #[must_use]
    pub fn parse(text: &str, now: Instant) -> Self {
        if text.len() > MAX_TYPED_BYTES {
            return Self::Unknown;
        }
        if let Ok(phone) = PhoneNumber::parse(text) {
            return Self::Phone(phone);
        }
        let readings: Vec<_> = DocumentType::ALL
            .iter()
            .filter_map(|&kind| IdentityDocument::parse_typed(kind, text, now).ok())
            .collect();
        if readings.is_empty() {
            Self::Unknown
        } else {
            Self::Documents(readings)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Instant {
        Instant::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
    }

    fn kinds(text: &str) -> Vec<DocumentType> {
        match Username::parse(text, now()) {
            Username::Documents(readings) => readings
                .iter()
                .map(IdentityDocument::document_type)
                .collect(),
            Username::Phone(_) | Username::Unknown => Vec::new(),
        }
    }

    fn index_texts(text: &str) -> Vec<String> {
        match Username::parse(text, now()) {
            Username::Documents(readings) => {
                readings.iter().map(IdentityDocument::index_text).collect()
            }
            Username::Phone(_) | Username::Unknown => Vec::new(),
        }
    }

    #[test]
    fn a_phone_number_is_a_phone_number_only() {
        for text in [
            "13800000001",
            "+8613800000001",
            "１３８ 0000 0001",
            "+12025550143",
        ] {
            let expected = Username::Phone(PhoneNumber::parse(text).unwrap());
            assert_eq!(Username::parse(text, now()), expected);
        }
    }

    #[test]
    fn a_number_is_read_in_every_way_it_fits() {
        use DocumentType::{
            ForeignPermanentResidentCard2017, HkMacaoTravelPermit, NetworkCredential, Passport,
            ResidentIdCard, TaiwanTravelPermit,
        };
        assert_eq!(kinds("11010519491231002x"), [ResidentIdCard]);
        assert_eq!(kinds("12345678"), [TaiwanTravelPermit, Passport]);
        assert_eq!(
            kinds("H12345678"),
            [HkMacaoTravelPermit, Passport, NetworkCredential]
        );
        assert_eq!(
            kinds("usa110119800101"),
            [
                ForeignPermanentResidentCard2017,
                Passport,
                NetworkCredential
            ]
        );
    }

    #[test]
    fn a_passport_is_chinese_unless_a_country_stands_before_it() {
        assert!(index_texts("e12345678").contains(&"passport:CHN:E12345678".to_owned()));
        for text in ["USA-123456789", "usa－123456789", " ＵＳＡ-123456789"] {
            let texts = index_texts(text);
            assert!(
                texts.contains(&"passport:USA:123456789".to_owned()),
                "{text}"
            );
            assert!(!texts.iter().any(|text| text.starts_with("passport:CHN")));
        }
        assert!(
            !index_texts("ZZZ-123456789")
                .iter()
                .any(|text| text.starts_with("passport"))
        );
    }

    #[test]
    fn what_fits_nothing_is_unknown() {
        let long = "1".repeat(10_000);
        for text in ["", "张伟", "a@b.cn", "110105194912310021", "123", &long] {
            assert_eq!(Username::parse(text, now()), Username::Unknown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_somehow(text in any::<String>()) {
            if let Username::Documents(readings) = Username::parse(&text, now()) {
                prop_assert!(!readings.is_empty());
            }
        }
    }
}
