//! The front page: what this is, or who is logged in.

use serde::Serialize;

use super::page::{Form, Page, sample};

/// `/`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum HomePage {
    /// Nobody is logged in.
    SignedOut {
        /// Where login starts.
        login_href: String,
        /// Where somebody without an account registers, if that is open.
        register_href: Option<String>,
    },
    /// Somebody is.
    SignedIn {
        /// The masked name.
        person: String,
        /// How well the identity has been checked.
        level: IdentityLevel,
        /// The form that logs out.
        logout: Form,
    },
}

/// An identity assurance level as a page tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityLevel {
    /// No check holds.
    None,
    /// Phone confirmed, or name and number alone.
    L1,
    /// Name, number and the carrier's phone agree.
    L2,
    /// Checked against the authority's picture, or four elements.
    L3,
    /// Document read or shown in person.
    L4,
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "home.html";

    fn samples() -> Vec<Self> {
        use IdentityLevel::{L1, L2, L3, L4, None};
        let hostile = sample::HOSTILE;
        let out = [
            ("/login", Some("/register")),
            ("/login", Option::None),
            (hostile, Some(hostile)),
        ];
        let out = out.map(|(login, register)| Self::SignedOut {
            login_href: login.to_owned(),
            register_href: register.map(str::to_owned),
        });
        let levels = [L2, None, L1, L3, L4].map(|level| ("张*", level));
        let signed_in = levels
            .into_iter()
            .chain([(hostile, L2)])
            .map(|(person, level)| Self::SignedIn {
                person: person.to_owned(),
                level,
                logout: sample::form("/logout"),
            });
        out.into_iter().chain(signed_in).collect()
    }
}
