//! An account as `tongxing account import` reads it: one line of JSON.
//!
//! A line is an account or a list of problems, all of them, each a member and a rule. A problem never
//! contains a value of the line, so it may be written to logs and reject files. Members that are not
//! known, and members that appear twice, are refused: a typing error must not drop a proof silently.

mod json;
mod members;
mod password_hash;
mod problem;

#[cfg(test)]
mod tests;

use super::check::{Check, CheckLabel, CheckMethod, CheckResult};
use super::document::{DocumentError, DocumentType, IdentityDocument};
use super::email::EmailAddress;
use super::instant::Instant;
use super::name::PersonName;
use super::password_policy::PasswordPolicy;
use super::phone::PhoneNumber;
use super::secret::Secret;
use json::Json;
use members::Members;

pub use password_hash::{PasswordHash, PasswordHashError};
pub use problem::{RecordProblem, RecordProblems};

/// In bytes, without the line's end.
pub const MAX_LINE: usize = 64 * 1024;

/// More checks than any account has.
const MAX_CHECKS: usize = 64;

/// One account to be imported. Every part is checked; whether another account has the document
/// already, only the database knows.
#[derive(Debug)]
pub struct AccountRecord {
    /// `name`.
    pub name: PersonName,
    /// `document_type`, `document_number`, `document_country`.
    pub document: IdentityDocument,
    /// `phone_number`, which counts as confirmed at its source.
    pub phone: PhoneNumber,
    /// `email`.
    pub email: Option<EmailAddress>,
    /// `password` or `password_hash`.
    pub credential: ImportedCredential,
    /// `checks`.
    pub checks: Vec<Check>,
}

/// How the person will log in.
#[derive(Debug)]
pub enum ImportedCredential {
    /// A password that is yet to be hashed.
    Password(Secret<String>),
    /// A hash that some other system made.
    Hash(PasswordHash),
}

impl AccountRecord {
    /// Reads one line. Times and birth dates are held against `now`.
    pub fn parse(line: &[u8], now: Instant) -> Result<Self, RecordProblems> {
        let members = read_object(line)?;
        let mut members = Members::new("", members);
        let name = members.required("name", PersonName::parse);
        let document = document(&mut members, now);
        let phone = members.required("phone_number", PhoneNumber::parse);
        let email = members.optional("email", EmailAddress::parse);
        let credential = credential(&mut members, phone.as_ref(), document.as_ref());
        let checks = checks(&mut members, now);
        members.finish()?;
        // Without a problem each is there; with one, `finish` has returned it.
        let missing = || RecordProblems::of("line", "incomplete");
        Ok(Self {
            name: name.ok_or_else(missing)?,
            document: document.ok_or_else(missing)?,
            phone: phone.ok_or_else(missing)?,
            email,
            credential: credential.ok_or_else(missing)?,
            checks,
        })
    }
}

fn read_object(line: &[u8]) -> Result<Vec<(String, Json)>, RecordProblems> {
    if line.len() > MAX_LINE {
        return Err(RecordProblems::of("line", "longer than 64 KiB"));
    }
    // The parser's own message could quote the line.
    match serde_json::from_slice(line) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err(RecordProblems::of("line", "not a JSON object")),
        Err(_) => Err(RecordProblems::of("line", "not JSON")),
    }
}

fn document(members: &mut Members, now: Instant) -> Option<IdentityDocument> {
    let kind = members.required("document_type", |text| {
        text.parse().map_err(|_| unknown(DocumentType::ALL))
    });
    let number = members.required_text("document_number");
    let country = members.text("document_country");
    let kind = kind?;
    let document = IdentityDocument::parse(kind, &number?, country.as_deref(), now);
    document
        .map_err(|error| match error {
            DocumentError::Country | DocumentError::CountryNotAllowed => {
                members.refuse("document_country", error);
            }
            DocumentError::Length | DocumentError::Characters => {
                let shape = shape_of(kind);
                members.refuse("document_number", format!("{error}; {kind} is {shape}"));
            }
            DocumentError::FirstGeneration
            | DocumentError::Area
            | DocumentError::BirthDate
            | DocumentError::CheckDigit => members.refuse("document_number", error),
        })
        .ok()
}

fn credential(
    members: &mut Members,
    phone: Option<&PhoneNumber>,
    document: Option<&IdentityDocument>,
) -> Option<ImportedCredential> {
    let password = members.text("password").map(Secret::new);
    let hash = members.optional("password_hash", PasswordHash::parse);
    match (password, hash, members.has_refused("password_hash")) {
        (Some(_), Some(_), _) | (Some(_), None, true) => {
            members.refuse("password", "given with password_hash");
            None
        }
        (Some(password), None, false) => {
            match PasswordPolicy::RESIDENT.check(password.expose(), phone, document) {
                Ok(()) => Some(ImportedCredential::Password(password)),
                Err(problem) => {
                    members.refuse("password", problem);
                    None
                }
            }
        }
        (None, Some(hash), _) => Some(ImportedCredential::Hash(hash)),
        (None, None, true) => None,
        (None, None, false) => {
            if !members.has_refused("password") {
                members.refuse("password", "missing");
            }
            None
        }
    }
}

fn checks(members: &mut Members, now: Instant) -> Vec<Check> {
    let listed = members.list("checks");
    if listed.len() > MAX_CHECKS {
        members.refuse("checks", "too many");
        return Vec::new();
    }
    let mut checks = Vec::with_capacity(listed.len());
    for (at, item) in listed.into_iter().enumerate() {
        let path = format!("checks[{at}]");
        let Json::Object(item) = item else {
            members.refuse(&path, "not a JSON object");
            continue;
        };
        let mut item = Members::new(&format!("{path}."), item);
        let check = check(&mut item, now);
        match item.finish() {
            Ok(()) => checks.extend(check),
            Err(problems) => members.absorb(problems),
        }
    }
    checks
}

fn check(item: &mut Members, now: Instant) -> Option<Check> {
    let method = item.required("method", |text| {
        text.parse().map_err(|_| unknown(CheckMethod::ALL))
    });
    let authority = item.required("authority", CheckLabel::parse);
    let performed_at = item.required("performed_at", |text| match time(text)? {
        at if at > now => Err("in the future"),
        at => Ok(at),
    });
    let transaction = item.required("transaction", CheckLabel::parse);
    let result = item.required("result", |text| {
        text.parse().map_err(|_| unknown(CheckResult::ALL))
    });
    let expires_at = item.optional("expires_at", |text| match time(text)? {
        at if performed_at.is_some_and(|performed_at| at <= performed_at) => {
            Err("not after performed_at")
        }
        at => Ok(at),
    });
    Some(Check {
        method: method?,
        authority: authority?,
        performed_at: performed_at?,
        transaction: transaction?,
        result: result?,
        expires_at,
    })
}

fn time(text: &str) -> Result<Instant, &'static str> {
    Instant::parse_rfc3339(text).ok_or("not an RFC 3339 time")
}

fn unknown<T: ToString>(known: &[T]) -> String {
    let known: Vec<_> = known.iter().map(T::to_string).collect();
    format!("unknown; known are {}", known.join(", "))
}

/// What numbers of a kind look like.
const fn shape_of(kind: DocumentType) -> &'static str {
    match kind {
        DocumentType::ResidentIdCard | DocumentType::HkMacaoTaiwanResidencePermit => {
            "17 digits and a check digit or X"
        }
        DocumentType::HkMacaoTravelPermit => "H or M and 8 digits",
        DocumentType::TaiwanTravelPermit => "8 digits",
        DocumentType::ForeignPermanentResidentCard2017 => "3 letters and 12 digits",
        DocumentType::ForeignPermanentResidentCard2023 => "18 characters, the first a 9",
        DocumentType::Passport => "5 to 15 letters and digits, at least one digit",
        DocumentType::NetworkCredential => "8 to 16 letters and digits, both",
    }
}
