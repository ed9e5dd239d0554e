//! Somebody who types name, document and phone, of which each may be another's.

use serde_json::{Value, json};

use super::people::Person;

/// What somebody types into the forms of registration and recovery.
#[derive(Debug, Clone)]
pub(crate) struct Applicant {
    pub(crate) name: String,
    pub(crate) document_type: &'static str,
    pub(crate) document_number: String,
    pub(crate) phone: String,
    pub(crate) password: String,
}

impl Applicant {
    /// One of many people whom nobody knows yet; from 0.
    pub(crate) fn new(number: usize) -> Self {
        const SURNAMES: [&str; 5] = ["赵", "钱", "孙", "周", "吴"];
        Self {
            name: format!("{}明", SURNAMES[number % SURNAMES.len()]),
            document_type: "resident_id_card",
            document_number: document(number),
            phone: phone(number),
            password: format!("a password of their own {number}"),
        }
    }

    /// One of those who have an account, as the register has them.
    pub(crate) fn of(person: &Person) -> Self {
        Self {
            name: person.name.to_owned(),
            document_type: "resident_id_card",
            document_number: person.document_number.to_owned(),
            phone: person.phone.to_owned(),
            password: format!("another than {}", person.password),
        }
    }

    #[must_use]
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    #[must_use]
    pub(crate) fn with_document(mut self, document_type: &'static str, number: &str) -> Self {
        self.document_type = document_type;
        number.clone_into(&mut self.document_number);
        self
    }

    #[must_use]
    pub(crate) fn with_phone(mut self, phone: &str) -> Self {
        phone.clone_into(&mut self.phone);
        self
    }

    #[must_use]
    pub(crate) fn with_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// As the authority's register has them.
    pub(super) fn record(&self) -> Value {
        let mut number = self.document_number.as_str();
        let mut record = json!({
            "name": self.name,
            "document_type": self.document_type,
            "phone_number": self.phone,
        });
        if self.document_type == "passport"
            && let Some((country, rest)) = number.split_once('-')
        {
            record["document_country"] = country.into();
            number = rest;
        }
        record["document_number"] = number.into();
        record
    }

    /// As `tongxing account import` reads them, with these checks besides the phone's.
    pub(crate) fn import_record(&self, checked_by: &[&str]) -> Value {
        let checks: Vec<Value> = checked_by
            .iter()
            .map(|method| {
                json!({
                    "method": method,
                    "authority": "registry",
                    "performed_at": "2025-12-01T08:00:00Z",
                    "transaction": "t-1",
                    "result": "match",
                })
            })
            .collect();
        let mut record = self.record();
        record["password"] = self.password.as_str().into();
        record["checks"] = checks.into();
        record
    }

    /// The fields of a form, whose names begin with `register` or `recover`.
    pub(crate) fn fields(&self, form: &str) -> Vec<(String, String)> {
        [
            ("name", self.name.as_str()),
            ("document-type", self.document_type),
            ("document-number", &self.document_number),
            ("phone", &self.phone),
            ("password", &self.password),
        ]
        .map(|(field, value)| (format!("{form}-{field}"), value.to_owned()))
        .into()
    }
}

/// A phone that nobody has yet.
pub(crate) fn phone(number: usize) -> String {
    format!("+86139{number:08}")
}

/// An identity card's number that nobody has yet; its check character holds (GB 11643).
pub(crate) fn document(number: usize) -> String {
    const WEIGHTS: [usize; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    let body = format!(
        "11010119{:02}0101{:03}",
        50 + number / 999,
        number % 999 + 1
    );
    let digits = body.bytes().map(|digit| usize::from(digit - b'0'));
    let sum: usize = digits
        .zip(WEIGHTS)
        .map(|(digit, weight)| digit * weight)
        .sum();
    format!("{body}{}", CHECK[sum % 11])
}
