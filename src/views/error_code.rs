//! Every error code that the server sends, and what a person is told when it ends on a page.
//!
//! The words for integrators stand in the language files under `code-CODE`. A code that is not
//! listed has no page under `/docs/errors/`; it is still shown, as a fault of ours.

use serde::Serialize;

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

/// The codes in the order of the table under `/docs/errors/`: those of the specifications, then
/// those that only ever stand on a page.
pub const CODES: &[(&str, Cause)] = &[
    ("invalid_request", Cause::Request),
    ("invalid_client", Cause::Request),
    ("invalid_grant", Cause::Request),
    ("unauthorized_client", Cause::Request),
    ("unsupported_grant_type", Cause::Request),
    ("unsupported_response_type", Cause::Request),
    ("invalid_scope", Cause::Request),
    ("invalid_target", Cause::Request),
    ("access_denied", Cause::Declined),
    ("server_error", Cause::Server),
    ("temporarily_unavailable", Cause::Busy),
    ("login_required", Cause::Request),
    ("consent_required", Cause::Request),
    ("interaction_required", Cause::Request),
    ("account_selection_required", Cause::Request),
    ("unmet_authentication_requirements", Cause::Declined),
    ("request_not_supported", Cause::Request),
    ("request_uri_not_supported", Cause::Request),
    ("registration_not_supported", Cause::Request),
    ("invalid_redirect_uri", Cause::Request),
    ("invalid_client_metadata", Cause::Request),
    ("invalid_token", Cause::Request),
    ("insufficient_scope", Cause::Request),
    ("unsupported_token_type", Cause::Request),
    ("unknown_client", Cause::Sender),
    ("redirect_uri_mismatch", Cause::Sender),
    ("interaction_expired", Cause::Expired),
    ("wrong_browser", Cause::Browser),
    ("csrf", Cause::Form),
    ("not_found", Cause::Missing),
    ("too_busy", Cause::Busy),
    ("too_many_requests", Cause::Limited),
];

/// The cause of a code, if it is one of ours.
pub fn cause(code: &str) -> Option<Cause> {
    CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, cause)| *cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::error::ErrorCode;

    #[test]
    fn every_code_of_the_protocol_is_known_here() {
        for code in ErrorCode::ALL {
            assert!(cause(code.as_str()).is_some(), "{code} is not explained");
        }
    }
}
