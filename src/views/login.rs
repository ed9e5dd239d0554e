//! The login page: a name, a password, one form.
//!
//! It never carries a password back, and its refusals say nothing about whether an account exists.

use std::time::Duration;

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
    /// What they are told before they try.
    pub notice: Option<LoginNotice>,
    /// Why the last try failed.
    pub problem: Option<LoginProblem>,
    /// Where somebody without an account registers, if that is open.
    pub register_href: Option<String>,
    /// Where somebody who cannot log in any more recovers, if that is open.
    pub recover_href: Option<String>,
}

/// What somebody is told who has not tried yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginNotice {
    /// They were logged in here, and are no longer.
    Ended,
}

/// Why a login failed, as far as the person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum LoginProblem {
    /// Name and password do not go together.
    WrongCredentials,
    /// Too busy to check.
    TryLater,
    /// Too many passwords were wrong. The same whosever, and whatever was counted.
    Throttled(Wait),
}

/// How long to wait, in the unit that people would say it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Wait {
    unit: WaitUnit,
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum WaitUnit {
    Seconds,
    Minutes,
    Hours,
}

impl Wait {
    /// Up to a minute in seconds, up to an hour in minutes, else in hours; never less than it is.
    #[must_use]
    pub fn rounded_up(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let (unit, count) = match seconds {
            ..=60 => (WaitUnit::Seconds, seconds),
            61..=3600 => (WaitUnit::Minutes, seconds.div_ceil(60)),
            3601.. => (WaitUnit::Hours, seconds.div_ceil(3600)),
        };
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Self { unit, count }
    }
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "login.html";

    fn samples() -> Vec<Self> {
        let plain = || Self {
            form: sample::form("/login?interaction=0b7Yk3mQ1fT9"),
            portal: Some("浙江社会保险".to_owned()),
            username: String::new(),
            notice: None,
            problem: None,
            register_href: Some("/register?interaction=0b7Yk3mQ1fT9".to_owned()),
            recover_href: Some("/recover?interaction=0b7Yk3mQ1fT9".to_owned()),
        };
        vec![
            plain(),
            Self {
                notice: Some(LoginNotice::Ended),
                ..plain()
            },
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
                username: "13800000000".to_owned(),
                problem: Some(LoginProblem::Throttled(Wait::rounded_up(
                    Duration::from_secs(61),
                ))),
                ..plain()
            },
            Self {
                problem: Some(LoginProblem::Throttled(Wait::rounded_up(
                    Duration::from_millis(7500),
                ))),
                recover_href: None,
                ..plain()
            },
            Self {
                problem: Some(LoginProblem::Throttled(Wait::rounded_up(
                    Duration::from_hours(12),
                ))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_told_too_short() {
        for (millis, unit, count) in [
            (0, WaitUnit::Seconds, 1),
            (1, WaitUnit::Seconds, 1),
            (1001, WaitUnit::Seconds, 2),
            (60_000, WaitUnit::Seconds, 60),
            (60_001, WaitUnit::Minutes, 2),
            (900_000, WaitUnit::Minutes, 15),
            (3_600_000, WaitUnit::Minutes, 60),
            (3_600_001, WaitUnit::Hours, 2),
        ] {
            let wait = Wait::rounded_up(Duration::from_millis(millis));
            assert_eq!(wait, Wait { unit, count }, "{millis}");
        }
    }
}
