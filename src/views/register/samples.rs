//! The form in each state: empty, with each problem of each field, refused, and under attack.

use super::problem::{DocumentNumberProblem as Document, NameProblem as Name};
use super::problem::{NewPasswordProblem as Password, PhoneNumberProblem as Phone};
use super::{DocumentChoices, FieldProblems, Purpose, Refusal, RegisterPage, Typed};
use crate::domain::document::DocumentType;
use crate::views::page::{Page, sample};

impl Page for RegisterPage {
    const TEMPLATE: &'static str = "register.html";

    fn samples() -> Vec<Self> {
        [Purpose::Registration, Purpose::Recovery]
            .into_iter()
            .flat_map(of_purpose)
            .collect()
    }
}

fn of_purpose(purpose: Purpose) -> Vec<RegisterPage> {
    let plain = || RegisterPage {
        purpose,
        form: sample::form("/register?interaction=0b7Yk3mQ1fT9"),
        portal: Some("浙江社会保险".to_owned()),
        typed: Typed::default(),
        problems: FieldProblems::default(),
        refusal: None,
        notice_version: "2026-11-22".to_owned(),
        login_href: "/login?interaction=0b7Yk3mQ1fT9".to_owned(),
    };
    let mut samples = vec![
        plain(),
        RegisterPage {
            portal: None,
            ..plain()
        },
    ];
    samples.extend(problems().into_iter().map(|problems| RegisterPage {
        typed: typed(),
        problems,
        ..plain()
    }));
    samples.extend(
        [Refusal::TryLater { minutes: 15 }].map(|refusal| RegisterPage {
            typed: typed(),
            refusal: Some(refusal),
            ..plain()
        }),
    );
    samples.push(hostile(purpose));
    samples
}

fn typed() -> Typed {
    Typed {
        name: "买买提·吐尔逊".to_owned(),
        document_types: DocumentChoices::with(DocumentType::Passport),
        document_number: "USA-123456789".to_owned(),
        phone: "138 0000 0001".to_owned(),
    }
}

fn hostile(purpose: Purpose) -> RegisterPage {
    let text = sample::HOSTILE.to_owned();
    RegisterPage {
        purpose,
        form: sample::form(sample::HOSTILE),
        portal: Some(text.clone()),
        typed: Typed {
            name: text.clone(),
            document_number: text.clone(),
            phone: text.clone(),
            ..Typed::default()
        },
        problems: FieldProblems::default(),
        refusal: None,
        notice_version: text.clone(),
        login_href: text,
    }
}

/// Every problem of every field at least once.
fn problems() -> Vec<FieldProblems> {
    let all = |name, document_number, phone, password| FieldProblems {
        name: Some(name),
        document_number: Some(document_number),
        phone: Some(phone),
        password: Some(password),
    };
    let document = |problem| FieldProblems {
        document_number: Some(problem),
        ..FieldProblems::default()
    };
    let password = |problem| FieldProblems {
        password: Some(problem),
        ..FieldProblems::default()
    };
    vec![
        all(
            Name::Required,
            Document::Required,
            Phone::Required,
            Password::Required,
        ),
        all(
            Name::Length,
            Document::Format,
            Phone::Format,
            Password::TooShort,
        ),
        all(
            Name::Characters,
            Document::FirstGeneration,
            Phone::CountryCode,
            Password::TooLong,
        ),
        all(
            Name::Separators,
            Document::BirthDate,
            Phone::MobileNumber,
            Password::Repeated,
        ),
        document(Document::CheckDigit),
        document(Document::Country),
        document(Document::Under14),
        password(Password::TooCommon),
        password(Password::OwnNumber),
    ]
}
