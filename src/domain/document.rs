//! Identity documents: which kinds there are, and which numbers each kind can have.
//!
//! A value of [`IdentityDocument`] is normalized and follows its kind's format and check digits, so
//! equal documents have equal text. It is personal data: neither `Debug` nor an error shows a number.
//! Whether the document exists, and whose it is, only a verification authority can say.

mod citizen_number;
mod country;

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};

use super::ascii_form;
use super::code_list::code_list;
use super::instant::Instant;

pub use country::CountryCode;

code_list! {
    /// The kinds of document that prove who a person is.
    pub enum DocumentType {
        /// 居民身份证, GB 11643-1999.
        ResidentIdCard = "resident_id_card",
        /// 港澳台居民居住证: a citizen-format number in area 810000, 820000 or 830000.
        HkMacaoTaiwanResidencePermit = "hk_macao_taiwan_residence_permit",
        /// 港澳居民来往内地通行证 (回乡证): H or M and eight digits.
        HkMacaoTravelPermit = "hk_macao_travel_permit",
        /// 台湾居民来往大陆通行证 (台胞证): eight digits.
        TaiwanTravelPermit = "taiwan_travel_permit",
        /// 外国人永久居留证, 2017 version: three letters and twelve digits.
        ForeignPermanentResidentCard2017 = "foreign_permanent_resident_card_2017",
        /// 外国人永久居留身份证, version of 1 December 2023: eighteen characters, the first a 9.
        ForeignPermanentResidentCard2023 = "foreign_permanent_resident_card_2023",
        /// 护照: the number means nothing without the issuing country, and changes on renewal.
        Passport = "passport",
        /// 网号: letters and digits that tell nothing of the person.
        NetworkCredential = "network_credential",
    }
}

/// Why a text is not a number of the kind of document named. Names the rule, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Too short or too long for its kind.
    #[error("length")]
    Length,
    /// A letter, digit or sign stands where its kind has none.
    #[error("characters")]
    Characters,
    /// Fifteen digits: a number of the first generation, which no valid document carries any more.
    #[error("first-generation number")]
    FirstGeneration,
    /// The leading digits are not those of its kind.
    #[error("area")]
    Area,
    /// The birth date does not exist, is later than today or earlier than 1850.
    #[error("birth date")]
    BirthDate,
    /// The last character does not follow from the others.
    #[error("check digit")]
    CheckDigit,
    /// Not the alpha-3 code of a country.
    #[error("country")]
    Country,
    /// A country was given for a kind of document that is issued by one country only.
    #[error("country only for passports")]
    CountryNotAllowed,
}

/// A document number in normal form: ASCII, upper case, no spaces or hyphens. Only
/// [`IdentityDocument::parse`] makes one.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentNumber(String);

impl DocumentNumber {
    /// The number itself: personal data, so every use is a place to look at.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// An identity document: its kind, its number and, for a passport, the country that issued it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredDocument")]
pub struct IdentityDocument {
    document_type: DocumentType,
    number: DocumentNumber,
    issuing_country: Option<CountryCode>,
}

impl IdentityDocument {
    /// Checks and normalizes a number as typed. `country` belongs to passports and defaults to CHN
    /// there. No birth date may be later than `now` in China.
    pub fn parse(
        document_type: DocumentType,
        number: &str,
        country: Option<&str>,
        now: Instant,
    ) -> Result<Self, DocumentError> {
        Self::checked(document_type, number, country, date_in_china(now))
    }

    fn checked(
        document_type: DocumentType,
        number: &str,
        country: Option<&str>,
        today: NaiveDate,
    ) -> Result<Self, DocumentError> {
        if number.len() > MAX_TYPED_BYTES {
            return Err(DocumentError::Length);
        }
        let number = ascii_form::compact(number);
        check_number(document_type, &number, today)?;
        let issuing_country = match (document_type, country) {
            (DocumentType::Passport, None) => Some(CountryCode::CHINA),
            (DocumentType::Passport, Some(code)) => {
                Some(code.parse().map_err(|_| DocumentError::Country)?)
            }
            (_, None) => None,
            (_, Some(_)) => return Err(DocumentError::CountryNotAllowed),
        };
        Ok(Self {
            document_type,
            number: DocumentNumber(number),
            issuing_country,
        })
    }

    /// Its kind.
    #[must_use]
    pub const fn document_type(&self) -> DocumentType {
        self.document_type
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> &DocumentNumber {
        &self.number
    }

    /// Who issued it, for a passport.
    #[must_use]
    pub const fn issuing_country(&self) -> Option<CountryCode> {
        self.issuing_country
    }

    /// Whether its bearer is younger than `years` in China at `now`, if the number tells the birth
    /// date.
    #[must_use]
    pub fn is_younger_than(&self, years: u32, now: Instant) -> bool {
        let tells = matches!(
            self.document_type,
            DocumentType::ResidentIdCard
                | DocumentType::HkMacaoTaiwanResidencePermit
                | DocumentType::ForeignPermanentResidentCard2023
        );
        let born = self.number.as_str().get(6..14).filter(|_| tells);
        let born = born.and_then(|text| NaiveDate::parse_from_str(text, "%Y%m%d").ok());
        born.is_some_and(|born| {
            let age = date_in_china(now).years_since(born);
            age.is_none_or(|age| age < years)
        })
    }

    /// Reads a number as typed into a form: another country's passport has its country before it,
    /// with a hyphen (`USA-123456789`).
    pub fn parse_typed(
        document_type: DocumentType,
        text: &str,
        now: Instant,
    ) -> Result<Self, DocumentError> {
        let (number, country) = if document_type == DocumentType::Passport {
            passport_parts(text)
        } else {
            (text, None)
        };
        Self::parse(document_type, number, country, now)
    }

    /// Its number with the first and the last character, the rest as stars: enough for its owner to
    /// know it by.
    #[must_use]
    pub fn masked(&self) -> String {
        let number = self.number.as_str();
        let last = number.len().saturating_sub(1);
        number
            .char_indices()
            .map(|(at, c)| if at == 0 || at == last { c } else { '*' })
            .collect()
    }

    /// The text that the blind index is computed over: different documents have different texts,
    /// across kinds and countries. Personal data, and fixed for ever: an index in a database depends
    /// on it.
    #[must_use]
    pub fn index_text(&self) -> String {
        let (kind, number) = (self.document_type, self.number.as_str());
        match self.issuing_country {
            Some(country) => format!("{kind}:{country}:{number}"),
            None => format!("{kind}:{number}"),
        }
    }
}

/// Splits `USA-123456789` behind three letters; other text is a number without a country.
fn passport_parts(text: &str) -> (&str, Option<&str>) {
    match text.trim().split_once(['-', '－']) {
        Some((country, number)) if is_three_letters(country) => (number, Some(country)),
        _ => (text, None),
    }
}

fn is_three_letters(text: &str) -> bool {
    text.chars().count() == 3
        && text
            .chars()
            .all(|c| matches!(c, 'A'..='Z' | 'a'..='z' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ'))
}

/// A document as it lies in a sealed profile. Reading one checks everything again but that its birth
/// date has passed, which once true stays true.
#[derive(Deserialize)]
struct StoredDocument {
    document_type: DocumentType,
    number: String,
    issuing_country: Option<CountryCode>,
}

impl TryFrom<StoredDocument> for IdentityDocument {
    type Error = DocumentError;

    fn try_from(stored: StoredDocument) -> Result<Self, DocumentError> {
        let country = stored.issuing_country.map(CountryCode::as_str);
        Self::checked(
            stored.document_type,
            &stored.number,
            country,
            NaiveDate::MAX,
        )
    }
}

/// More than any number needs, typed with full-width characters and separators.
const MAX_TYPED_BYTES: usize = 128;

/// Today's date in China, which has one time zone without summer time: births are registered in it.
fn date_in_china(now: Instant) -> NaiveDate {
    const EIGHT_HOURS: i64 = 8 * 60 * 60 * 1000;
    DateTime::from_timestamp_millis(now.as_millis().saturating_add(EIGHT_HOURS))
        .map_or(NaiveDate::MIN, |at| at.date_naive())
}

fn check_number(
    document_type: DocumentType,
    number: &str,
    today: NaiveDate,
) -> Result<(), DocumentError> {
    match document_type {
        DocumentType::ResidentIdCard => citizen_number::check_resident(number, today),
        DocumentType::HkMacaoTaiwanResidencePermit => citizen_number::check_permit(number, today),
        DocumentType::ForeignPermanentResidentCard2023 => {
            citizen_number::check_foreigner(number, today)
        }
        DocumentType::HkMacaoTravelPermit => {
            check_shape(number, 9, 1)?;
            if number.starts_with(['H', 'M']) {
                Ok(())
            } else {
                Err(DocumentError::Characters)
            }
        }
        DocumentType::TaiwanTravelPermit => check_shape(number, 8, 0),
        DocumentType::ForeignPermanentResidentCard2017 => check_shape(number, 15, 3),
        // No rule holds for all countries' passports but these.
        DocumentType::Passport => {
            check_alphanumeric(number, 5, 15)?;
            require(number, |c| c.is_ascii_digit())
        }
        DocumentType::NetworkCredential => {
            check_alphanumeric(number, 8, 16)?;
            require(number, |c| c.is_ascii_digit())?;
            require(number, |c| c.is_ascii_uppercase())
        }
    }
}

/// Exactly `length` characters: `letters` letters, then digits.
fn check_shape(number: &str, length: usize, letters: usize) -> Result<(), DocumentError> {
    if number.chars().count() != length {
        return Err(DocumentError::Length);
    }
    let fits = number.bytes().enumerate().all(|(at, byte)| {
        if at < letters {
            byte.is_ascii_uppercase()
        } else {
            byte.is_ascii_digit()
        }
    });
    if fits {
        Ok(())
    } else {
        Err(DocumentError::Characters)
    }
}

fn check_alphanumeric(number: &str, shortest: usize, longest: usize) -> Result<(), DocumentError> {
    if !(shortest..=longest).contains(&number.chars().count()) {
        return Err(DocumentError::Length);
    }
    if number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(DocumentError::Characters)
    }
}

fn require(number: &str, kind: impl Fn(char) -> bool) -> Result<(), DocumentError> {
    if number.chars().any(kind) {
        Ok(())
    } else {
        Err(DocumentError::Characters)
    }
}
