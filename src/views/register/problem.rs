//! What can be wrong with a field, as far as the person can mend it.
//!
//! Formats only: none of these says whether anybody is known.

use serde::Serialize;

use crate::domain::document::DocumentError;
use crate::domain::name::NameError;
use crate::domain::password_policy::PasswordProblem;
use crate::domain::phone::PhoneError;

/// What is wrong, by field, in the order of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldProblems {
    /// With the name.
    pub name: Option<NameProblem>,
    /// With the document number.
    pub document_number: Option<DocumentNumberProblem>,
    /// With the phone number.
    pub phone: Option<PhoneNumberProblem>,
    /// With the password.
    pub password: Option<NewPasswordProblem>,
}

impl FieldProblems {
    /// Whether there is nothing wrong.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why nothing of the form was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Refusal {
    /// There were too many tries with this phone, this document or from this place. The same
    /// whichever it was.
    TryLater {
        /// When the next try counts, rounded up.
        minutes: u64,
    },
}

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameProblem {
    /// It is not there.
    Required,
    /// It is too long.
    Length,
    /// It has characters that no name has.
    Characters,
    /// Dots, hyphens or spaces are where no name has them.
    Separators,
}

/// Why a document number is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentNumberProblem {
    /// It is not there.
    Required,
    /// It does not look like a number of the kind chosen.
    Format,
    /// It has fifteen digits, as no valid card has any more.
    FirstGeneration,
    /// It carries a day of birth that cannot be.
    BirthDate,
    /// It was mistyped: the last character does not follow from the others.
    CheckDigit,
    /// What stands before the passport number is no country.
    Country,
    /// The person is younger than fourteen, and a guardian acts for them.
    Under14,
}

/// Why a phone number is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneNumberProblem {
    /// It is not there.
    Required,
    /// It does not look like a phone number.
    Format,
    /// It needs a country code.
    CountryCode,
    /// It is none of a mobile phone.
    MobileNumber,
}

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPasswordProblem {
    /// It is not there.
    Required,
    /// It has fewer than eight characters.
    TooShort,
    /// It is longer than anybody needs.
    TooLong,
    /// It is one character again and again.
    Repeated,
    /// It is among those that are tried first.
    TooCommon,
    /// It is the person's own phone or document number.
    OwnNumber,
}

impl From<NameError> for NameProblem {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Length => Self::Length,
            NameError::Characters => Self::Characters,
            NameError::Separators => Self::Separators,
        }
    }
}

impl From<DocumentError> for DocumentNumberProblem {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Length
            | DocumentError::Characters
            | DocumentError::Area
            | DocumentError::CountryNotAllowed => Self::Format,
            DocumentError::FirstGeneration => Self::FirstGeneration,
            DocumentError::BirthDate => Self::BirthDate,
            DocumentError::CheckDigit => Self::CheckDigit,
            DocumentError::Country => Self::Country,
        }
    }
}

impl From<PhoneError> for PhoneNumberProblem {
    fn from(error: PhoneError) -> Self {
        match error {
            PhoneError::Length | PhoneError::Characters => Self::Format,
            PhoneError::CountryCode => Self::CountryCode,
            PhoneError::MobileNumber => Self::MobileNumber,
        }
    }
}

impl From<PasswordProblem> for NewPasswordProblem {
    fn from(problem: PasswordProblem) -> Self {
        match problem {
            PasswordProblem::TooShort => Self::TooShort,
            PasswordProblem::TooLong => Self::TooLong,
            PasswordProblem::Repeated => Self::Repeated,
            PasswordProblem::Common => Self::TooCommon,
            PasswordProblem::OwnNumber => Self::OwnNumber,
        }
    }
}
