//! Whom to be: synthetic people, with numbers that are well-formed and belong to nobody.
//!
//! Their documents name counties that do not exist (…0199), their phones are a row of zeros.

use serde_json::json;

use crate::views::demo::Person;

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

impl Resident {
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
        let line = json!({
            "name": self.name,
            "document_type": "resident_id_card",
            "document_number": self.document_number,
            "phone_number": self.phone,
            "password": PASSWORD,
            "checks": checks,
        });
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
        for resident in RESIDENTS {
            let record = AccountRecord::parse(&resident.import_line(), now).unwrap();
            assert_eq!(record.name.as_str(), resident.name);
            // What the import itself adds for the phone.
            let phone = Check::phone_confirmed_by("import", now);
            let checks: Vec<_> = record.checks.into_iter().chain([phone]).collect();
            let level = assurance::derive(&checks, now).unwrap();
            assert_eq!(format!("L{}", level.number()), resident.level);
        }
    }
}
