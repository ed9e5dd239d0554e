//! Synthetic people.

use serde_json::json;

/// Somebody with an account, or soon.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) phone: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

impl Person {
    /// One of up to a million: nothing of two of them is the same.
    pub(crate) fn numbered(index: u32) -> Self {
        let day = 1 + index / 999 % 28;
        let month = 1 + index / 999 / 28 % 12;
        let year = 1950 + index / 999 / 28 / 12;
        let order = 1 + index % 999;
        let body = format!("330106{year:04}{month:02}{day:02}{order:03}");
        let family = ['赵', '钱', '孙', '李', '周', '吴'][index as usize % 6];
        let given = char::from_u32(0x6d00 + index % 400).unwrap();
        Self {
            name: format!("{family}{given}璇"),
            number: format!("{body}{}", check_character(&body)),
            phone: format!("+86139{:08}", 10_000_007 + index),
            email: format!("resident.{index:06}@mail.example"),
            password: format!("a long password, number {index}"),
        }
    }

    /// What the authority knows of them.
    pub(crate) fn register_line(&self) -> String {
        let line = json!({
            "name": self.name,
            "document_type": "resident_id_card",
            "document_number": self.number,
            "phone_number": self.phone,
        });
        format!("{line}\n")
    }

    /// A line of an import.
    pub(crate) fn line(&self) -> String {
        let line = json!({
            "name": self.name,
            "document_type": "resident_id_card",
            "document_number": self.number,
            "phone_number": self.phone,
            "email": self.email,
            "password": self.password,
        });
        format!("{line}\n")
    }
}

/// GB 11643-1999: the last character of a citizen number.
pub(crate) fn check_character(body: &str) -> char {
    let sum: u32 = (body.chars().zip((2..=18).rev()))
        .map(|(digit, place)| digit.to_digit(10).unwrap() * (2_u32.pow(place - 1) % 11))
        .sum();
    char::from(b"10X98765432"[sum as usize % 11])
}
