//! The people whom the simulator knows: synthetic ones, a pure function of a seed and an index, and
//! such as are named to it.
//!
//! Synthetic documents are well-formed and belong to nobody: their counties (…0199) do not exist,
//! and neither does the phones' network (154). Whoever has one of these numbers, has it alone.

use chrono::{Datelike as _, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::draws::{Draws, place};
use super::names::{self, NameStyle};
use crate::domain::document::{DocumentError, DocumentType, IdentityDocument};
use crate::domain::instant::Instant;
use crate::domain::name::{NameError, PersonName};
use crate::domain::phone::{PhoneError, PhoneNumber};

/// So many people at most: their places must differ.
pub const MOST_PEOPLE: u64 = 1_000_000;

/// Somebody whom the authority knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As in the register.
    pub name: PersonName,
    /// As in the register.
    pub document: IdentityDocument,
    /// As the carrier has it.
    pub phone: PhoneNumber,
}

/// A person as JSON has them, in a file and in answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    name: String,
    document_type: DocumentType,
    document_number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document_country: Option<String>,
    phone_number: String,
}

/// Why a line does not describe a person. Names the field and the rule, never a value.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// Not a JSON object, a field is missing or unknown, or the type of document is.
    #[error("not the JSON object that was expected")]
    Json,
    /// Not a name.
    #[error("name: {0}")]
    Name(#[from] NameError),
    /// Not a document.
    #[error("document: {0}")]
    Document(#[from] DocumentError),
    /// Not a phone.
    #[error("phone_number: {0}")]
    Phone(#[from] PhoneError),
}

impl Person {
    /// Reads `{"name", "document_type", "document_number", "document_country"?, "phone_number"}`.
    pub fn parse(line: &[u8], now: Instant) -> Result<Self, PersonError> {
        let line: Line = serde_json::from_slice(line).map_err(|_| PersonError::Json)?;
        line.checked(now)
    }

    /// The person as [`Person::parse`] reads them: personal data, unless they are synthetic.
    pub fn to_json(&self) -> serde_json::Value {
        let line = Line {
            name: self.name.as_str().to_owned(),
            document_type: self.document.document_type(),
            document_number: self.document.number().as_str().to_owned(),
            document_country: self.document.issuing_country().map(|code| code.to_string()),
            phone_number: self.phone.as_str().to_owned(),
        };
        serde_json::json!(line)
    }

    /// The `index`th synthetic person of a seed: none above [`MOST_PEOPLE`].
    #[must_use]
    pub fn synthetic(seed: u64, index: u64) -> Option<Self> {
        if index >= MOST_PEOPLE {
            return None;
        }
        let (document_type, style) = kind(index);
        let mut draws = Draws::new(seed, index);
        let name = names::draw(style, &mut draws);
        let born = born(seed, index)?;
        let slot = Slot { seed, index, born };
        let (number, country) = slot.document(document_type, style, &mut draws)?;
        let phone = format!("+86154{:08}", place(seed, index, 100_000_000));
        // Everybody is born before it.
        let now = Instant::from_seconds(2_000_000_000);
        Some(Self {
            name: PersonName::parse(&name).ok()?,
            document: IdentityDocument::parse(document_type, &number, country, now).ok()?,
            phone: PhoneNumber::parse(&phone).ok()?,
        })
    }
}

impl Line {
    pub(super) fn checked(self, now: Instant) -> Result<Person, PersonError> {
        let country = self.document_country.as_deref();
        let number = &self.document_number;
        Ok(Person {
            name: PersonName::parse(&self.name)?,
            document: IdentityDocument::parse(self.document_type, number, country, now)?,
            phone: PhoneNumber::parse(&self.phone_number)?,
        })
    }
}

/// Of twenty people thirteen have an identity card; the first ten show most kinds.
const fn kind(index: u64) -> (DocumentType, NameStyle) {
    use DocumentType as Type;
    use NameStyle as Style;
    match index % 20 {
        1 => (Type::ResidentIdCard, Style::CompoundSurname),
        2 | 14 => (Type::ResidentIdCard, Style::MiddleDots),
        3 => (Type::HkMacaoTaiwanResidencePermit, Style::Traditional),
        5 => (Type::HkMacaoTravelPermit, Style::Traditional),
        6 => (Type::ResidentIdCard, Style::RareCharacter),
        7 => (Type::TaiwanTravelPermit, Style::Traditional),
        9 => (Type::ForeignPermanentResidentCard2023, Style::Latin),
        12 => (Type::Passport, Style::Latin),
        15 => (Type::ForeignPermanentResidentCard2017, Style::Latin),
        18 => (Type::Passport, Style::Han),
        _ => (Type::ResidentIdCard, Style::Han),
    }
}

/// The first birthday, and the number of those from it to the last of 2007: everybody is of age in
/// 2026.
const FIRST_BIRTHDAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(1946, 1, 1);
const BIRTHDAYS: u64 = 22_645;

/// Numbers of sequence behind a birthday, 001 to 999: people with one birthday have different ones.
const SEQUENCES: u64 = 999;

fn born(seed: u64, index: u64) -> Option<NaiveDate> {
    let day = place(seed, index, BIRTHDAYS * SEQUENCES) / SEQUENCES;
    FIRST_BIRTHDAY?.checked_add_days(Days::new(day))
}

/// Provinces, and which of their counties does not exist.
const AREAS: [&str; 12] = [
    "110199", "310199", "320199", "330199", "350199", "370199", "420199", "440199", "510199",
    "530199", "610199", "650199",
];

const PERMIT_AREAS: [&str; 3] = ["810000", "820000", "830000"];

/// Country codes of ISO 3166-1: letters, and digits (GB/T 2659 has the same).
const COUNTRIES: [(&str, &str); 6] = [
    ("DEU", "276"),
    ("FRA", "250"),
    ("GBR", "826"),
    ("JPN", "392"),
    ("KOR", "410"),
    ("USA", "840"),
];

/// A person's place among all, from which unique numbers follow.
struct Slot {
    seed: u64,
    index: u64,
    born: NaiveDate,
}

impl Slot {
    /// The number of a document, and the country of a passport.
    fn document(
        &self,
        document_type: DocumentType,
        style: NameStyle,
        draws: &mut Draws,
    ) -> Option<(String, Option<&'static str>)> {
        let (letters, digits) = draws.one_of(&COUNTRIES);
        // Of another seed, or they would be the phone's.
        let eight = || place(!self.seed, self.index, 100_000_000);
        let number = match document_type {
            DocumentType::ResidentIdCard => self.citizen(draws.one_of(&AREAS)),
            DocumentType::HkMacaoTaiwanResidencePermit => self.citizen(draws.one_of(&PERMIT_AREAS)),
            DocumentType::ForeignPermanentResidentCard2023 => self.citizen(&format!("931{digits}")),
            DocumentType::HkMacaoTravelPermit => {
                format!("{}{:08}", draws.one_of(&["H", "M"]), eight())
            }
            DocumentType::TaiwanTravelPermit => format!("{:08}", eight()),
            DocumentType::ForeignPermanentResidentCard2017 => {
                format!("{letters}3301{:08}", eight())
            }
            DocumentType::Passport if style == NameStyle::Latin => {
                return Some((format!("X{:08}", eight()), Some(letters)));
            }
            DocumentType::Passport => return Some((format!("E{:08}", eight()), Some("CHN"))),
            DocumentType::NetworkCredential => return None,
        };
        Some((number, None))
    }

    /// The eighteen characters of GB 11643-1999: six of area, the birthday, sequence and check.
    fn citizen(&self, area: &str) -> String {
        let sequence = place(self.seed, self.index, BIRTHDAYS * SEQUENCES) % SEQUENCES + 1;
        let (year, month, day) = (self.born.year(), self.born.month(), self.born.day());
        let mut number = format!("{area}{year:04}{month:02}{day:02}{sequence:03}");
        number.push(check_character(&number));
        number
    }
}

/// ISO 7064 MOD 11-2: with the weights 2^17 to 2^0, the sum modulo 11 is 1.
fn check_character(number: &str) -> char {
    let sum = number.chars().fold(0, |sum, digit| {
        (sum + digit.to_digit(10).unwrap_or(0)) * 2 % 11
    });
    match (12 - sum) % 11 {
        10 => 'X',
        value => char::from_digit(value, 10).unwrap_or('X'),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const MANY: u64 = 5000;

    fn people(seed: u64) -> Vec<Person> {
        let person = |index| Person::synthetic(seed, index);
        (0..MANY)
            .map(|index| person(index).unwrap_or_else(|| panic!("{seed} {index}")))
            .collect()
    }

    #[test]
    fn every_index_of_every_seed_is_a_person() {
        for seed in [0, 1, 2026, u64::MAX] {
            people(seed);
        }
        assert!(Person::synthetic(1, MOST_PEOPLE - 1).is_some());
        assert!(Person::synthetic(1, MOST_PEOPLE).is_none());
    }

    #[test]
    fn the_same_seed_has_the_same_people_and_another_has_others() {
        assert_eq!(people(7), people(7));
        let (one, other) = (people(7), people(8));
        let same = one
            .iter()
            .zip(&other)
            .filter(|(a, b)| a.document == b.document);
        assert_eq!(same.count(), 0);
    }

    #[test]
    fn phones_and_documents_are_all_different() {
        let people = people(3);
        let phones: BTreeSet<_> = people.iter().map(|p| p.phone.as_str()).collect();
        let documents: BTreeSet<_> = people.iter().map(|p| p.document.index_text()).collect();
        assert_eq!(
            (phones.len(), documents.len()),
            (people.len(), people.len())
        );
        assert!(phones.iter().all(|phone| phone.starts_with("+86154")));
    }

    #[test]
    fn there_are_documents_and_names_of_every_kind() {
        let people = people(1);
        let mut kinds = BTreeMap::new();
        for person in &people {
            *kinds.entry(person.document.document_type()).or_insert(0) += 1;
        }
        // All but the network credential, which has no three elements.
        assert_eq!(kinds.len(), DocumentType::ALL.len() - 1);
        assert!(kinds[&DocumentType::ResidentIdCard] > people.len() / 2);
        let has =
            |sign: fn(char) -> bool| people[..10].iter().any(|p| p.name.as_str().contains(sign));
        assert!(has(|c| c == '\u{B7}') && has(|c| c >= '\u{20000}') && has(char::is_alphabetic));
        let compound = people[1].name.as_str();
        let surnames = &names::COMPOUND_SURNAMES;
        assert!(
            surnames.iter().any(|s| compound.starts_with(s)),
            "{compound}"
        );
    }

    #[test]
    fn everybody_is_of_age_and_lives_nowhere() {
        for person in people(1) {
            let number = person.document.number().as_str();
            let kind = person.document.document_type();
            if kind == DocumentType::ResidentIdCard {
                assert_eq!(&number[2..6], "0199", "{number}");
            }
            if number.len() == 18 {
                let year: u32 = number[6..10].parse().unwrap();
                assert!((1946..=2007).contains(&year), "{number}");
            }
        }
        let days = NaiveDate::from_ymd_opt(2008, 1, 1).unwrap() - FIRST_BIRTHDAY.unwrap();
        assert_eq!(days.num_days(), i64::try_from(BIRTHDAYS).unwrap());
    }

    #[test]
    fn what_is_written_can_be_read_and_what_is_wrong_is_told_without_its_value() {
        let now = Instant::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
        for person in people(1).iter().take(40) {
            let line = person.to_json().to_string();
            assert_eq!(&Person::parse(line.as_bytes(), now).unwrap(), person);
        }
        let good = people(1)[0].to_json();
        for (field, value, told) in [
            ("name", "Zhang3", "name: characters"),
            (
                "document_number",
                "330199199203160027",
                "document: check digit",
            ),
            (
                "document_country",
                "CHN",
                "document: country only for passports",
            ),
            ("phone_number", "12345678901", "phone_number: mobile number"),
            ("document_type", "library_card", "not the JSON object"),
            ("nickname", "xyzzy", "not the JSON object"),
        ] {
            let mut wrong = good.clone();
            wrong[field] = value.into();
            let error = Person::parse(wrong.to_string().as_bytes(), now).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
            assert!(!error.to_string().contains(value), "{error}");
        }
    }
}
