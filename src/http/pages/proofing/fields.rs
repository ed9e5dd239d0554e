//! The fields of an application, as typed and as understood.

use crate::accounts::draft::Application;
use crate::domain::document::{DocumentType, IdentityDocument};
use crate::domain::instant::Instant;
use crate::domain::name::PersonName;
use crate::domain::password_policy::PasswordPolicy;
use crate::domain::phone::PhoneNumber;
use crate::domain::secret::Secret;
use crate::protocol::language::Language;
use crate::protocol::parameters::Parameters;
use crate::views::privacy;
use crate::views::register::{
    self, DocumentChoices, DocumentNumberProblem, FieldProblems, NameProblem, NewPasswordProblem,
    PhoneNumberProblem, Purpose,
};

/// Who is younger has a guardian act for them (Personal Information Protection Law, article 31).
const MINIMUM_AGE: u32 = 14;

/// What was typed. Personal data.
pub(super) struct Typed<'a> {
    name: &'a str,
    document_type: DocumentType,
    document_number: &'a str,
    phone: &'a str,
    password: &'a str,
}

impl<'a> Typed<'a> {
    /// Reads the fields of a form; one that is not there is empty.
    pub(super) fn read(fields: &'a Parameters, purpose: Purpose) -> Self {
        let [name, document_type, document_number, phone, password] = match purpose {
            Purpose::Registration => [
                "register-name",
                "register-document-type",
                "register-document-number",
                "register-phone",
                "register-password",
            ],
            Purpose::Recovery => [
                "recover-name",
                "recover-document-type",
                "recover-document-number",
                "recover-phone",
                "recover-password",
            ],
        };
        let field = |name| fields.get(name).unwrap_or_default();
        let chosen = field(document_type).parse().ok();
        Self {
            name: field(name),
            // A network credential is presented, not typed.
            document_type: chosen
                .filter(|chosen| *chosen != DocumentType::NetworkCredential)
                .unwrap_or(DocumentType::ResidentIdCard),
            document_number: field(document_number),
            phone: field(phone),
            password: field(password),
        }
    }

    /// What the form shows again: never the password.
    pub(super) fn shown(&self) -> register::Typed {
        register::Typed {
            name: self.name.to_owned(),
            document_types: DocumentChoices::with(self.document_type),
            document_number: self.document_number.to_owned(),
            phone: self.phone.to_owned(),
        }
    }

    /// What they mean; otherwise what is wrong with each.
    pub(super) fn parse(
        &self,
        language: Language,
        now: Instant,
    ) -> Result<Application, FieldProblems> {
        let mut problems = FieldProblems::default();
        let name = match self.name.trim() {
            "" => Err(NameProblem::Required),
            name => PersonName::parse(name).map_err(NameProblem::from),
        };
        let document = match self.document_number.trim() {
            "" => Err(DocumentNumberProblem::Required),
            number => self.document(number, now),
        };
        let phone = match self.phone.trim() {
            "" => Err(PhoneNumberProblem::Required),
            phone => PhoneNumber::parse(phone).map_err(PhoneNumberProblem::from),
        };
        problems.name = name.as_ref().err().copied();
        problems.document_number = document.as_ref().err().copied();
        problems.phone = phone.as_ref().err().copied();
        problems.password = self.password_problem(phone.as_ref().ok(), document.as_ref().ok());
        match (name, document, phone, problems.password) {
            (Ok(name), Ok(document), Ok(phone), None) => Ok(Application {
                name,
                document,
                phone,
                password: Secret::new(self.password.to_owned()),
                privacy_version: privacy::VERSION.to_owned(),
                language,
            }),
            _ => Err(problems),
        }
    }

    fn document(
        &self,
        number: &str,
        now: Instant,
    ) -> Result<IdentityDocument, DocumentNumberProblem> {
        let document = IdentityDocument::parse_typed(self.document_type, number, now)?;
        if document.is_younger_than(MINIMUM_AGE, now) {
            return Err(DocumentNumberProblem::Under14);
        }
        Ok(document)
    }

    fn password_problem(
        &self,
        phone: Option<&PhoneNumber>,
        document: Option<&IdentityDocument>,
    ) -> Option<NewPasswordProblem> {
        if self.password.is_empty() {
            return Some(NewPasswordProblem::Required);
        }
        // With what is understood of the rest: it must not be one's own number.
        let judged = PasswordPolicy::RESIDENT.check(self.password, phone, document);
        judged.err().map(NewPasswordProblem::from)
    }
}
