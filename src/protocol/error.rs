//! Errors as they go over the wire: a registered code and a description that says what to fix.
//!
//! A description holds only the characters that RFC 6749 §4.1.2.1 allows, whatever it was made
//! from, so it can stand in a URL, a header or JSON. It names no personal data and no secret.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Codes with their texts, and the list of all of them.
macro_rules! error_codes {
    (
        $(#[$enum_doc:meta])* $name:ident;
        $($(#[$doc:meta])* $variant:ident = $text:literal,)*
    ) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every code, for pages that document them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}
pub(crate) use error_codes;

error_codes! {
    /// The error codes of specifications that this provider sends.
    ErrorCode;

    /// A parameter is missing, repeated or malformed (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1).
    InvalidRequest = "invalid_request",
    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient = "invalid_client",
    /// A code or refresh token is invalid, expired, used or another client's (RFC 6749 §5.2).
    InvalidGrant = "invalid_grant",
    /// The client may not use this grant or response type (RFC 6749 §4.1.2.1, §5.2).
    UnauthorizedClient = "unauthorized_client",
    /// The grant type is not supported (RFC 6749 §5.2).
    UnsupportedGrantType = "unsupported_grant_type",
    /// The response type is not supported (RFC 6749 §4.1.2.1).
    UnsupportedResponseType = "unsupported_response_type",
    /// A scope is malformed or not allowed (RFC 6749 §4.1.2.1, §5.2).
    InvalidScope = "invalid_scope",
    /// The resident or the provider refused (RFC 6749 §4.1.2.1).
    AccessDenied = "access_denied",
    /// Something failed here (RFC 6749 §4.1.2.1).
    ServerError = "server_error",
    /// Too busy; try again later (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable = "temporarily_unavailable",
    /// The access token is not good (RFC 6750 §3.1).
    InvalidToken = "invalid_token",
    /// The access token is good but not for this (RFC 6750 §3.1).
    InsufficientScope = "insufficient_scope",
    /// Login is needed but no page may be shown (OIDC Core §3.1.2.6).
    LoginRequired = "login_required",
    /// Consent is needed but no page may be shown (OIDC Core §3.1.2.6).
    ConsentRequired = "consent_required",
    /// Request objects are not supported (OIDC Core §3.1.2.6).
    RequestNotSupported = "request_not_supported",
    /// Request objects by reference are not supported (OIDC Core §3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported",
    /// Self-issued registration is not supported (OIDC Core §3.1.2.6).
    RegistrationNotSupported = "registration_not_supported",
    /// An essential `acr` could not be reached (OIDC Unmet Authentication Requirements 1.0 §2).
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// The resource asked for is unknown or malformed (RFC 8707 §2).
    InvalidTarget = "invalid_target",
    /// A redirect URI is not acceptable (RFC 7591 §3.2.2).
    InvalidRedirectUri = "invalid_redirect_uri",
    /// Another member of the client's metadata is not acceptable (RFC 7591 §3.2.2).
    InvalidClientMetadata = "invalid_client_metadata",
}

impl ErrorCode {
    /// An error with this code and what is to be fixed.
    #[must_use]
    pub fn because(self, description: impl Into<Cow<'static, str>>) -> OAuthError {
        OAuthError::new(self, description)
    }

    /// The code of a registered text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an error code"))
    }
}

/// An error for a client: `{"error": …, "error_description": …}` (RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    #[serde(rename = "error")]
    code: ErrorCode,
    #[serde(rename = "error_description")]
    description: Cow<'static, str>,
}

/// Long enough for what was received, what was expected and the fix.
const MAX_DESCRIPTION: usize = 400;

impl OAuthError {
    /// An error; characters that a description may not have are replaced.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        let clean = description.len() <= MAX_DESCRIPTION && description.chars().all(describes);
        let description = if clean {
            description
        } else {
            Cow::Owned(
                description
                    .chars()
                    .take(MAX_DESCRIPTION)
                    .map(replace)
                    .collect(),
            )
        };
        Self { code, description }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// What happened and what to fix.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// Reads what it writes; the description is cleaned again.
impl<'de> Deserialize<'de> for OAuthError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Sent {
            error: ErrorCode,
            error_description: String,
        }
        let sent = Sent::deserialize(deserializer)?;
        Ok(Self::new(sent.error, sent.error_description))
    }
}

/// RFC 6749 §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E.
const fn describes(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}

const fn replace(c: char) -> char {
    match c {
        '"' => '\'',
        '\\' => '/',
        c if describes(c) => c,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn serializes_as_the_token_endpoint_needs_it() {
        let error = ErrorCode::InvalidGrant.because("the code was used");
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(
            json,
            r#"{"error":"invalid_grant","error_description":"the code was used"}"#
        );
        assert_eq!(serde_json::from_str::<OAuthError>(&json).unwrap(), error);
    }

    #[test]
    fn every_code_parses_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::parse("oops"), None);
    }

    proptest! {
        #[test]
        fn a_description_never_leaves_its_character_set(text in "\\PC*") {
            let error = OAuthError::new(ErrorCode::InvalidRequest, text);
            prop_assert!(error.description().chars().all(describes));
            prop_assert!(error.description().len() <= MAX_DESCRIPTION);
        }
    }
}
