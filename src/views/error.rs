//! Errors that end on a page, and the page that explains each code to integrators.
//!
//! A person reads what happened and what to do next; the code, a fixed English sentence and the
//! reference (which is also in the log) are for whoever helps them.

use serde::Serialize;

use super::error_code::{Cause, Code, PageCode};
use super::logout::PortalLink;
use super::page::{Page, sample};

/// An error shown to a person.
#[derive(Serialize)]
pub struct ErrorPage {
    code: Code,
    description: String,
    reference: String,
    cause: Cause,
    documented: String,
    portal: Option<PortalLink>,
}

impl ErrorPage {
    /// An error of this code. `description` is an English sentence, the same in every language,
    /// since whoever wrote the portal's software looks it up; `reference` is also in the log.
    pub fn new(code: impl Into<Code>, description: &str, reference: &str) -> Self {
        let code = code.into();
        Self {
            code,
            description: description.to_owned(),
            reference: reference.to_owned(),
            cause: code.cause(),
            documented: ErrorDocPage::path(code),
            portal: None,
        }
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
    selected: Option<Code>,
    codes: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    code: Code,
    href: String,
}

impl ErrorDocPage {
    /// All codes.
    pub fn index() -> Self {
        let entries = Code::all().map(|code| Entry {
            code,
            href: Self::path(code),
        });
        Self {
            selected: None,
            codes: entries.collect(),
        }
    }

    /// One code, with the others below; nothing for a code that the server does not send.
    pub fn of(code: &str) -> Option<Self> {
        Some(Self {
            selected: Some(Code::parse(code)?),
            ..Self::index()
        })
    }

    /// Where a code is explained.
    pub fn path(code: Code) -> String {
        format!("/docs/errors/{}", code.as_str())
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn samples() -> Vec<Self> {
        let sentence = "The redirect_uri is not registered for this client.";
        let reference = "req_06dj9m8q6n6t3b8e5r2w1x7c4h";
        let mut samples: Vec<Self> = Code::all()
            .map(|code| Self::new(code, sentence, reference))
            .collect();
        let expired = PageCode::InteractionExpired;
        samples.push(
            Self::new(expired, "The interaction is over.", reference)
                .with_portal(PortalLink::sample("浙江社会保险")),
        );
        samples.push(
            Self::new(expired, sample::HOSTILE, sample::HOSTILE)
                .with_portal(PortalLink::sample(sample::HOSTILE)),
        );
        samples
    }
}

impl Page for ErrorDocPage {
    const TEMPLATE: &'static str = "error_doc.html";

    fn samples() -> Vec<Self> {
        let each = Code::all().filter_map(|code| Self::of(code.as_str()));
        each.chain([Self::index()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_ours_has_no_page() {
        assert!(ErrorDocPage::of("odd").is_none());
    }
}
