//! Errors that end on a page, and the page that explains each code to integrators.
//!
//! A person reads what happened and what to do next; the code, a fixed English sentence and the
//! reference (which is also in the log) are for whoever helps them.

use serde::Serialize;

use super::error_code::{self, CODES, Cause};
use super::logout::PortalLink;
use super::page::{Page, sample};

/// An error shown to a person.
#[derive(Serialize)]
pub struct ErrorPage {
    code: String,
    description: String,
    reference: String,
    cause: Cause,
    documented: Option<String>,
    portal: Option<PortalLink>,
}

impl ErrorPage {
    /// An error of this code. `description` is an English sentence, the same in every language,
    /// since whoever wrote the portal's software looks it up; `reference` is also in the log.
    pub fn new(code: &str, description: &str, reference: &str) -> Self {
        let known = error_code::cause(code);
        Self {
            code: code.to_owned(),
            description: description.to_owned(),
            reference: reference.to_owned(),
            cause: known.unwrap_or(Cause::Server),
            documented: known.map(|_| ErrorDocPage::path(code)),
            portal: None,
        }
    }

    /// The page for an address where nothing is.
    pub fn not_found(reference: &str) -> Self {
        Self::new("not_found", "There is no page at this address.", reference)
    }

    /// Adds a way back to the portal that the person came from.
    #[must_use]
    pub fn with_portal(mut self, portal: Option<PortalLink>) -> Self {
        self.portal = portal;
        self
    }
}

/// `/docs/errors/CODE`, and `/docs/errors/` with all of them.
#[derive(Serialize)]
pub struct ErrorDocPage {
    selected: Option<&'static str>,
    codes: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    code: &'static str,
    href: String,
}

impl ErrorDocPage {
    /// All codes.
    pub fn index() -> Self {
        let codes = CODES
            .iter()
            .map(|(code, _)| Entry {
                code,
                href: Self::path(code),
            })
            .collect();
        Self {
            selected: None,
            codes,
        }
    }

    /// One code, with the others below; nothing for a code that the server does not send.
    pub fn of(code: &str) -> Option<Self> {
        let (selected, _) = CODES.iter().find(|(known, _)| *known == code)?;
        Some(Self {
            selected: Some(selected),
            ..Self::index()
        })
    }

    /// Where a code is explained.
    pub fn path(code: &str) -> String {
        format!("/docs/errors/{code}")
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn samples() -> Vec<Self> {
        let mut samples: Vec<Self> = CODES
            .iter()
            .map(|(code, _)| {
                Self::new(
                    code,
                    "The redirect_uri is not registered for this client.",
                    "7f3k-92mq",
                )
            })
            .collect();
        samples.push(Self::not_found("7f3k-92mq"));
        samples.push(
            Self::new(
                "interaction_expired",
                "The interaction is over.",
                "7f3k-92mq",
            )
            .with_portal(PortalLink::sample("浙江社会保险")),
        );
        samples.push(
            Self::new(sample::HOSTILE, sample::HOSTILE, sample::HOSTILE)
                .with_portal(PortalLink::sample(sample::HOSTILE)),
        );
        samples
    }
}

impl Page for ErrorDocPage {
    const TEMPLATE: &'static str = "error_doc.html";

    fn samples() -> Vec<Self> {
        let each = CODES.iter().filter_map(|(code, _)| Self::of(code));
        each.chain([Self::index()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_ours_is_a_fault_of_ours_and_has_no_page() {
        let page = ErrorPage::new("odd", "Odd.", "r");
        assert_eq!(page.cause, Cause::Server);
        assert!(page.documented.is_none());
        assert!(ErrorDocPage::of("odd").is_none());
    }
}
