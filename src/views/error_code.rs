//! Every error code that the server sends, and what a person is told when it ends on a page.
//!
//! Nothing can be shown or sent under another code: pages and answers take a [`Code`], and each has
//! a page under `/docs/errors/`. The words for integrators stand in the language files under
//! `code-CODE`.

use serde::{Serialize, Serializer};

use crate::protocol::error::{ErrorCode, error_codes};

/// What went wrong, from the point of view of the person at the browser: this decides the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The portal sent a request that cannot be served.
    Request,
    /// It is not certain who sent the request, or where it would lead.
    Sender,
    /// Entry was declined.
    Declined,
    /// The person took longer than the step is good for.
    Expired,
    /// The step was started in another browser.
    Browser,
    /// The form is not from this page any more.
    Form,
    /// There is nothing here.
    Missing,
    /// The person, or somebody nearby, has tried too often.
    Limited,
    /// There are too many people for now.
    Busy,
    /// The server failed.
    Server,
}

error_codes! {
    /// A code that only ever stands on a page.
    PageCode;

    /// No client of this name, or it is suspended.
    UnknownClient = "unknown_client",
    /// The address to return to is not the client's.
    RedirectUriMismatch = "redirect_uri_mismatch",
    /// The steps took too long.
    InteractionExpired = "interaction_expired",
    /// The steps were begun elsewhere.
    WrongBrowser = "wrong_browser",
    /// The form is not ours, or not any more.
    Csrf = "csrf",
    /// There is no page.
    NotFound = "not_found",
    /// A limit is reached.
    TooManyRequests = "too_many_requests",
}

impl PageCode {
    const fn cause(self) -> Cause {
        match self {
            Self::UnknownClient | Self::RedirectUriMismatch => Cause::Sender,
            Self::InteractionExpired => Cause::Expired,
            Self::WrongBrowser => Cause::Browser,
            Self::Csrf => Cause::Form,
            Self::NotFound => Cause::Missing,
            Self::TooManyRequests => Cause::Limited,
        }
    }
}

/// Any code that the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// One of the specifications.
    Protocol(ErrorCode),
    /// One of our own, for pages.
    Page(PageCode),
}

impl Code {
    /// Every one, in the order of the table under `/docs/errors/`.
    pub fn all() -> impl Iterator<Item = Self> {
        let protocol = ErrorCode::ALL.iter().copied().map(Self::Protocol);
        protocol.chain(PageCode::ALL.iter().copied().map(Self::Page))
    }

    /// The code as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protocol(code) => code.as_str(),
            Self::Page(code) => code.as_str(),
        }
    }

    /// The code of a text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|code| code.as_str() == text)
    }

    /// What went wrong.
    pub const fn cause(self) -> Cause {
        match self {
            Self::Page(code) => code.cause(),
            Self::Protocol(
                ErrorCode::AccessDenied | ErrorCode::UnmetAuthenticationRequirements,
            ) => Cause::Declined,
            Self::Protocol(ErrorCode::ServerError) => Cause::Server,
            Self::Protocol(ErrorCode::TemporarilyUnavailable) => Cause::Busy,
            Self::Protocol(_) => Cause::Request,
        }
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        Self::Protocol(code)
    }
}

impl From<PageCode> for Code {
    fn from(code: PageCode) -> Self {
        Self::Page(code)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_codes_are_the_same_text() {
        let texts: BTreeSet<_> = Code::all().map(Code::as_str).collect();
        assert_eq!(texts.len(), Code::all().count());
        for code in Code::all() {
            assert_eq!(Code::parse(code.as_str()), Some(code));
        }
        assert_eq!(Code::parse("odd"), None);
    }
}
