//! The login page: a name, a password, one form.
//!
//! It never carries a password back, and its refusals say nothing about whether an account exists.

use serde::Serialize;

use super::page::{Form, Page, sample};

/// `/login`.
#[derive(Serialize)]
pub struct LoginPage {
    /// The form.
    pub form: Form,
    /// The name of the portal being entered, if one is.
    pub portal: Option<String>,
    /// What the name field starts with: the portal's hint, or what was typed before.
    pub username: String,
    /// Why the last try failed.
    pub problem: Option<LoginProblem>,
    /// Where somebody without an account registers, if that is open.
    pub register_href: Option<String>,
    /// Where somebody who cannot log in any more recovers, if that is open.
    pub recover_href: Option<String>,
}

/// Why a login failed, as far as the person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginProblem {
    /// Name and password do not go together.
    WrongCredentials,
    /// Too many tries, or too busy to check.
    TryLater,
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "login.html";

    fn samples() -> Vec<Self> {
        let plain = || Self {
            form: sample::form("/login?interaction=0b7Yk3mQ1fT9"),
            portal: Some("浙江社会保险".to_owned()),
            username: String::new(),
            problem: None,
            register_href: Some("/register?interaction=0b7Yk3mQ1fT9".to_owned()),
            recover_href: Some("/recover?interaction=0b7Yk3mQ1fT9".to_owned()),
        };
        vec![
            plain(),
            Self {
                username: "13800000000".to_owned(),
                problem: Some(LoginProblem::WrongCredentials),
                ..plain()
            },
            Self {
                portal: None,
                problem: Some(LoginProblem::TryLater),
                register_href: None,
                recover_href: None,
                ..plain()
            },
            Self {
                form: sample::form(sample::HOSTILE),
                portal: Some(sample::HOSTILE.to_owned()),
                username: sample::HOSTILE.to_owned(),
                register_href: Some(sample::HOSTILE.to_owned()),
                recover_href: Some(sample::HOSTILE.to_owned()),
                ..plain()
            },
        ]
    }
}
