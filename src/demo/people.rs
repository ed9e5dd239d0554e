//! Whom to be: synthetic people, with numbers that are well-formed and belong to nobody.
//!
//! Their documents name counties that do not exist (…0199), their phones are a row of zeros. Some
//! have accounts; some are known to the authority only, and can register. One account was opened
//! with the name and number of somebody who has not registered yet.

use serde_json::json;

use crate::authority::{self, PersonError};
use crate::domain::document::DocumentType;
use crate::domain::instant::Instant;
use crate::views::demo::{Newcomer, Person, Squatter};

/// Everybody's password. It is printed: it protects nothing.
pub const PASSWORD: &str = "tongxing-demo";

/// A synthetic person.
#[derive(Debug)]
pub struct Resident {
    /// Name.
    pub name: &'static str,
    /// Phone, which is what they log in with.
    pub phone: &'static str,
    /// How well their identity is proven.
    pub level: &'static str,
    document_number: &'static str,
    /// How and by whom their identity was checked, beside the phone.
    check: Option<(&'static str, &'static str)>,
}

/// Three people of different levels.
pub const RESIDENTS: [Resident; 3] = [
    Resident {
        name: "林晓雨",
        phone: "13800000001",
        level: "L2",
        document_number: "330199199203160026",
        check: Some(("three_elements", "演示运营商")),
    },
    Resident {
        name: "欧阳明",
        phone: "13800000002",
        level: "L4",
        document_number: "440199198511070015",
        check: Some(("counter", "演示办事大厅")),
    },
    Resident {
        name: "古丽娜尔·买买提",
        phone: "13800000003",
        level: "L1",
        document_number: "650199200109200028",
        check: None,
    },
];

/// Who gave another's name and number, proved nothing, and was first. The owner is the second of
/// [`NEWCOMERS`].
pub const SQUATTER: Resident = Resident {
    name: "阿依古丽·吐尔逊",
    phone: "13800000004",
    level: "L1",
    document_number: "65019919880922002X",
    check: None,
};

/// Somebody whom the authority knows and who has no account yet.
#[derive(Debug)]
pub struct Unregistered {
    /// Name.
    pub name: &'static str,
    /// The kind of document.
    pub document_type: DocumentType,
    /// Its number.
    pub document_number: &'static str,
    /// Phone, as the carrier has it.
    pub phone: &'static str,
}

/// Three people who can register.
pub const NEWCOMERS: [Unregistered; 3] = [
    Unregistered {
        name: "沈知遥",
        document_type: DocumentType::ResidentIdCard,
        document_number: "330199199506140014",
        phone: "13800000011",
    },
    Unregistered {
        name: SQUATTER.name,
        document_type: DocumentType::ResidentIdCard,
        document_number: SQUATTER.document_number,
        phone: "13800000012",
    },
    Unregistered {
        name: "陳嘉欣",
        document_type: DocumentType::HkMacaoTaiwanResidencePermit,
        document_number: "810000199703059028",
        phone: "13800000013",
    },
];

/// Everybody whom the authority is to know: whoever has an account by right, and whoever can
/// register.
pub fn known_to_the_authority(now: Instant) -> Result<Vec<authority::Person>, PersonError> {
    let residents = RESIDENTS.iter().map(Resident::with_document);
    let newcomers = NEWCOMERS.iter().map(Unregistered::with_document);
    let lines = residents.chain(newcomers).map(|person| person.to_string());
    lines
        .map(|line| authority::Person::parse(line.as_bytes(), now))
        .collect()
}

/// Everybody's phone, and whose it is. Whoever took a name has none of their own.
pub fn phones() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let residents = RESIDENTS
        .iter()
        .map(|person| (person.phone, Some(person.name)));
    let newcomers = NEWCOMERS
        .iter()
        .map(|person| (person.phone, Some(person.name)));
    residents.chain(newcomers).chain([(SQUATTER.phone, None)])
}

impl Unregistered {
    fn with_document(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "document_type": self.document_type,
            "document_number": self.document_number,
            "phone_number": self.phone,
        })
    }

    /// The person as pages show them.
    pub fn shown(&self) -> Newcomer {
        Newcomer {
            name: self.name.to_owned(),
            document_type: self.document_type,
            document_number: self.document_number.to_owned(),
            phone: self.phone.to_owned(),
        }
    }
}

impl Resident {
    fn with_document(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "document_type": DocumentType::ResidentIdCard,
            "document_number": self.document_number,
            "phone_number": self.phone,
        })
    }

    /// As pages show who took another's name.
    pub fn shown_as_squatter(&self) -> Squatter {
        Squatter {
            owner: self.name.to_owned(),
            username: self.phone.to_owned(),
            password: PASSWORD.to_owned(),
        }
    }

    /// The line that `tongxing account import` reads.
    pub fn import_line(&self) -> Vec<u8> {
        let checks: Vec<_> = self
            .check
            .iter()
            .map(|(method, authority)| {
                json!({
                    "method": method,
                    "authority": authority,
                    "performed_at": "2026-01-05T09:30:00+08:00",
                    "transaction": format!("DEMO-{}", self.phone),
                    "result": "match",
                })
            })
            .collect();
        let mut line = self.with_document();
        if let Some(members) = line.as_object_mut() {
            members.insert("password".to_owned(), json!(PASSWORD));
            members.insert("checks".to_owned(), json!(checks));
        }
        line.to_string().into_bytes()
    }

    /// The person as pages show them.
    pub fn shown(&self) -> Person {
        Person {
            name: self.name.to_owned(),
            username: self.phone.to_owned(),
            password: PASSWORD.to_owned(),
            level: self.level.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account_record::AccountRecord;
    use crate::domain::assurance;
    use crate::domain::check::Check;
    use crate::domain::instant::Instant;

    #[test]
    fn everybody_can_be_imported_and_has_the_level_that_is_told() {
        let now = Instant::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
        for resident in RESIDENTS.into_iter().chain([SQUATTER]) {
            let record = AccountRecord::parse(&resident.import_line(), now).unwrap();
            assert_eq!(record.name.as_str(), resident.name);
            // What the import itself adds for the phone.
            let phone = Check::phone_confirmed_by("import", now);
            let checks: Vec<_> = record.checks.into_iter().chain([phone]).collect();
            let level = assurance::derive(&checks, now).unwrap();
            assert_eq!(format!("L{}", level.number()), resident.level);
        }
    }

    #[test]
    fn the_authority_knows_everybody_by_their_own_phone_and_the_squatter_not() {
        let now = Instant::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
        let known = known_to_the_authority(now).unwrap();
        assert_eq!(known.len(), RESIDENTS.len() + NEWCOMERS.len());
        let has = |phone: &str| known.iter().any(|person| person.phone.national() == phone);
        assert!(phones().all(|(phone, owner)| has(phone) == owner.is_some()));
        let documents: std::collections::BTreeSet<_> = known
            .iter()
            .map(|person| person.document.index_text())
            .collect();
        assert_eq!(documents.len(), known.len());
    }
}
