//! The one-time code: where it is typed, and where another one is asked for.
//!
//! A page says to which phone the code went, masked, and never whether that phone is known.

use serde::Serialize;

use super::page::{Form, Page, sample};

/// `/register/code`, `/recover/code` and `/account/phone/code`.
#[derive(Serialize)]
pub struct CodePage {
    /// What the phone is confirmed for.
    pub purpose: CodePurpose,
    /// The form.
    pub form: Form,
    /// The name of the portal being entered, if one is.
    pub portal: Option<String>,
    /// The phone that the code went to, masked.
    pub phone: String,
    /// How long a code is good for.
    pub valid_minutes: u64,
    /// Why the last try failed.
    pub problem: Option<CodeProblem>,
    /// Where another code is asked for.
    pub resend_href: String,
    /// Where to begin again with another phone number; of an account's own phone, the way back.
    pub back_href: String,
}

/// `/register/resend`, `/recover/resend` and `/account/phone/resend`.
#[derive(Serialize)]
pub struct ResendPage {
    /// What the phone is confirmed for.
    pub purpose: CodePurpose,
    /// The form of one button.
    pub form: Form,
    /// The name of the portal being entered, if one is.
    pub portal: Option<String>,
    /// The phone that the code goes to, masked.
    pub phone: String,
    /// Why none was sent.
    pub problem: Option<ResendProblem>,
    /// Where the last code is typed.
    pub code_href: String,
    /// Where to begin again with another phone number; of an account's own phone, the way back.
    pub back_href: String,
}

/// What a phone is confirmed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CodePurpose {
    /// To open an account.
    #[serde(rename = "register")]
    Registration,
    /// To get back into one.
    #[serde(rename = "recover")]
    Recovery,
    /// To confirm the phone of one's account again.
    #[serde(rename = "confirm")]
    Confirmation,
}

/// Why a code was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CodeProblem {
    /// It is not the one that was sent.
    Wrong {
        /// How many more tries there are.
        tries_left: u64,
    },
    /// It came too late.
    Expired,
    /// There were too many wrong ones, so that none counts until another is sent.
    TooManyTries,
}

/// Why no other code was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ResendProblem {
    /// There were too many already.
    TryLater {
        /// When the next may be asked for, rounded up.
        minutes: u64,
    },
}

const PURPOSES: [CodePurpose; 3] = [
    CodePurpose::Registration,
    CodePurpose::Recovery,
    CodePurpose::Confirmation,
];

impl Page for CodePage {
    const TEMPLATE: &'static str = "code.html";

    fn samples() -> Vec<Self> {
        let plain = |purpose| Self {
            purpose,
            form: sample::form("/register/code?challenge=7Hq2"),
            portal: Some("浙江社会保险".to_owned()),
            phone: "138****0001".to_owned(),
            valid_minutes: 10,
            problem: None,
            resend_href: "/register/resend?challenge=7Hq2".to_owned(),
            back_href: "/register".to_owned(),
        };
        let first = CodePurpose::Registration;
        let mut samples: Vec<_> = PURPOSES.map(plain).into();
        samples.extend(
            [
                CodeProblem::Wrong { tries_left: 3 },
                CodeProblem::Expired,
                CodeProblem::TooManyTries,
            ]
            .map(|problem| Self {
                portal: None,
                problem: Some(problem),
                ..plain(first)
            }),
        );
        let hostile = sample::HOSTILE.to_owned();
        samples.push(Self {
            form: sample::form(sample::HOSTILE),
            portal: Some(hostile.clone()),
            phone: hostile.clone(),
            resend_href: hostile.clone(),
            back_href: hostile,
            ..plain(first)
        });
        samples
    }
}

impl Page for ResendPage {
    const TEMPLATE: &'static str = "resend.html";

    fn samples() -> Vec<Self> {
        let plain = |purpose| Self {
            purpose,
            form: sample::form("/register/resend?challenge=7Hq2"),
            portal: Some("浙江社会保险".to_owned()),
            phone: "138****0001".to_owned(),
            problem: None,
            code_href: "/register/code?challenge=7Hq2".to_owned(),
            back_href: "/register".to_owned(),
        };
        let first = CodePurpose::Registration;
        let mut samples: Vec<_> = PURPOSES.map(plain).into();
        samples.push(Self {
            portal: None,
            problem: Some(ResendProblem::TryLater { minutes: 1 }),
            ..plain(first)
        });
        let hostile = sample::HOSTILE.to_owned();
        samples.push(Self {
            form: sample::form(sample::HOSTILE),
            portal: Some(hostile.clone()),
            phone: hostile.clone(),
            code_href: hostile.clone(),
            back_href: hostile,
            ..plain(first)
        });
        samples
    }
}
