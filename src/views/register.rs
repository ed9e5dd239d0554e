//! The form that opens an account, and its twin that recovers one.
//!
//! Both ask the same five things and judge formats only, so nothing on this page tells whether a
//! document or a phone is known. What was typed comes back with a problem; the password never does.

mod problem;
mod samples;

use serde::Serialize;

use super::page::Form;
use crate::domain::document::DocumentType;

pub use problem::{DocumentNumberProblem, FieldProblems, NameProblem, NewPasswordProblem};
pub use problem::{PhoneNumberProblem, Refusal};

/// `/register` and `/recover`.
#[derive(Serialize)]
pub struct RegisterPage {
    /// Which of the two. It decides the words, and the names and ids of the fields.
    pub purpose: Purpose,
    /// The form.
    pub form: Form,
    /// The name of the portal being entered, if one is.
    pub portal: Option<String>,
    /// What the fields start with.
    pub typed: Typed,
    /// What is wrong with which field.
    pub problems: FieldProblems,
    /// Why nothing was looked at.
    pub refusal: Option<Refusal>,
    /// The version of the privacy notice ([`super::privacy::VERSION`]): it is linked, and travels
    /// with the form as `notice_version`.
    pub notice_version: String,
    /// Where login starts.
    pub login_href: String,
}

/// What the details are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Purpose {
    /// To open an account.
    #[serde(rename = "register")]
    Registration,
    /// To get back into one.
    #[serde(rename = "recover")]
    Recovery,
}

/// What the fields of the form start with: nothing at first, then what was typed. Personal data.
#[derive(Serialize)]
pub struct Typed {
    /// The name.
    pub name: String,
    /// The kinds of document, one of them chosen.
    pub document_types: DocumentChoices,
    /// The document number.
    pub document_number: String,
    /// The phone number.
    pub phone: String,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            name: String::new(),
            document_types: DocumentChoices::with(DocumentType::ResidentIdCard),
            document_number: String::new(),
            phone: String::new(),
        }
    }
}

/// The kinds of document that somebody may register with, one of them chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DocumentChoices(Vec<DocumentChoice>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DocumentChoice {
    code: DocumentType,
    selected: bool,
}

impl DocumentChoices {
    /// The list with `selected` chosen. A network credential is presented, not typed, so it is not
    /// in the list.
    pub fn with(selected: DocumentType) -> Self {
        let typed = DocumentType::ALL
            .iter()
            .filter(|code| **code != DocumentType::NetworkCredential);
        let choices = typed.map(|&code| DocumentChoice {
            code,
            selected: code == selected,
        });
        Self(choices.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_is_chosen_and_none_that_cannot_be_typed() {
        let choices = DocumentChoices::with(DocumentType::Passport).0;
        let chosen: Vec<_> = choices.iter().filter(|choice| choice.selected).collect();
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen.first().map(|c| c.code), Some(DocumentType::Passport));
        assert_eq!(choices.len(), DocumentType::ALL.len() - 1);
        assert_eq!(
            Typed::default().document_types,
            DocumentChoices::with(DocumentType::ResidentIdCard)
        );
    }
}
