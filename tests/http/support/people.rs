//! The residents of every test database. Their numbers are made up, their check digits hold.

use serde_json::{Value, json};

/// A resident.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) document_number: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    /// How the person was checked, besides the phone.
    checked_by: Option<&'static str>,
}

/// Checked by three elements: `ial:2`.
pub(crate) static ZHANG: Person = Person {
    name: "张伟",
    document_number: "330106199003071236",
    phone: "+8613800000001",
    email: "zhang@mail.example",
    password: "correct horse battery 1",
    checked_by: Some("three_elements"),
};

/// Never checked but for the phone: `ial:1`.
pub(crate) static LI: Person = Person {
    name: "李娜",
    document_number: "440106198511152463",
    phone: "+8613800000002",
    email: "li@mail.example",
    password: "correct horse battery 2",
    checked_by: None,
};

/// Seen by an official: `ial:4`.
pub(crate) static WANG: Person = Person {
    name: "王芳",
    document_number: "11010519600402019X",
    phone: "+8613800000003",
    email: "wang@mail.example",
    password: "correct horse battery 3",
    checked_by: Some("counter"),
};

impl Person {
    pub(crate) const ALL: [&'static Self; 3] = [&ZHANG, &LI, &WANG];

    /// As `tongxing account import` reads it.
    pub(super) fn record(&self) -> Value {
        let checks: Vec<Value> = self
            .checked_by
            .map(|method| {
                json!({
                    "method": method,
                    "authority": "registry",
                    "performed_at": "2025-12-01T08:00:00Z",
                    "transaction": "t-1",
                    "result": "match",
                })
            })
            .into_iter()
            .collect();
        json!({
            "name": self.name,
            "document_type": "resident_id_card",
            "document_number": self.document_number,
            "phone_number": self.phone,
            "email": self.email,
            "password": self.password,
            "checks": checks,
        })
    }
}
