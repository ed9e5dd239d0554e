//! Why a portal could not log somebody in or keep them logged in.

use axum::http::StatusCode;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{
    ClaimsVerificationError, DiscoveryError, RequestTokenError, StandardErrorResponse,
    UserInfoError,
};

use super::http::HttpError;

const INVALID_TOKEN: &str = "invalid_token";

/// Why a portal could not log somebody in or keep them logged in.
#[derive(Debug, thiserror::Error)]
pub enum RelyingPartyError {
    /// The provider answered with an error, as OAuth has it.
    #[error("{code}: {description}")]
    Refused {
        /// `error`.
        code: String,
        /// `error_description`.
        description: String,
    },
    /// The answer belongs to nothing that this browser began here.
    #[error("the answer's state is not of a login that this browser began here, or was used")]
    State,
    /// The answer does not say that it comes from our provider (RFC 9207 §2.4).
    #[error("the answer's iss is not the provider that was asked")]
    Issuer,
    /// The answer has neither a code nor an error.
    #[error("the answer has neither a code nor an error")]
    Empty,
    /// The ID token is not good.
    #[error("the ID token is not acceptable: {0}")]
    IdToken(#[from] ClaimsVerificationError),
    /// The token answer has no ID token.
    #[error("the token answer has no ID token")]
    NoIdToken,
    /// The access token is not the one that the ID token was made with.
    #[error("at_hash of the ID token is not of this access token")]
    AccessToken,
    /// A logout token that is not good.
    #[error("the logout token is not acceptable")]
    LogoutToken,
    /// A refreshed ID token or userinfo is about somebody else.
    #[error("the provider speaks of another person than before")]
    Subject,
    /// The provider's answer cannot be understood.
    #[error("the provider's answer to {0} cannot be understood")]
    Answer(&'static str),
    /// The provider cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A portal's own address or credential is malformed.
    #[error("the portal is set up wrong: {0}")]
    Setup(#[from] url::ParseError),
}

impl RelyingPartyError {
    /// A word for it, as `error` of OAuth where the provider gave one.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::State => "state_mismatch",
            Self::Issuer => "issuer_mismatch",
            Self::Empty => "empty_answer",
            Self::IdToken(_) | Self::NoIdToken | Self::AccessToken => "id_token_refused",
            Self::LogoutToken => "invalid_request",
            Self::Subject => "subject_mismatch",
            Self::Answer(_) => "malformed_answer",
            Self::Http(_) => "provider_unreachable",
            Self::Setup(_) => "portal_misconfigured",
        }
    }

    /// A sentence for it.
    pub fn description(&self) -> String {
        match self {
            Self::Refused { description, .. } => description.clone(),
            Self::State
            | Self::Issuer
            | Self::Empty
            | Self::IdToken(_)
            | Self::NoIdToken
            | Self::AccessToken
            | Self::LogoutToken
            | Self::Subject
            | Self::Answer(_)
            | Self::Http(_)
            | Self::Setup(_) => self.to_string(),
        }
    }

    /// Whether whoever was asked said no (RFC 6749 §4.1.2.1).
    pub fn declines(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "access_denied")
    }

    /// Whether the provider has ended what the refresh token stood for (RFC 6749 §5.2), or what
    /// the access token did (RFC 6750 §3.1).
    pub fn ends_the_login(&self) -> bool {
        let ended = ["invalid_grant", INVALID_TOKEN];
        matches!(self, Self::Refused { code, .. } if ended.contains(&code.as_str()))
            || matches!(self, Self::Subject)
    }
}

impl From<DiscoveryError<HttpError>> for RelyingPartyError {
    fn from(error: DiscoveryError<HttpError>) -> Self {
        if let DiscoveryError::Request(error) = error {
            Self::Http(error)
        } else {
            Self::Answer("discovery")
        }
    }
}

type TokenError = RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>;

impl From<TokenError> for RelyingPartyError {
    fn from(error: TokenError) -> Self {
        match error {
            RequestTokenError::ServerResponse(answer) => Self::Refused {
                code: answer.error().as_ref().to_owned(),
                description: answer.error_description().cloned().unwrap_or_default(),
            },
            RequestTokenError::Request(error) => Self::Http(error),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Self::Answer("the token request")
            }
        }
    }
}

impl From<UserInfoError<HttpError>> for RelyingPartyError {
    fn from(error: UserInfoError<HttpError>) -> Self {
        if let UserInfoError::Request(error) = error {
            return Self::Http(error);
        }
        // OpenID Connect Core §5.3.2: the one claim that is verified is `sub`.
        if matches!(error, UserInfoError::ClaimsVerification(_)) {
            return Self::Subject;
        }
        if matches!(error, UserInfoError::Response(StatusCode::UNAUTHORIZED, ..)) {
            return Self::Refused {
                code: INVALID_TOKEN.to_owned(),
                description: "userinfo does not accept the access token".to_owned(),
            };
        }
        Self::Answer("the userinfo request")
    }
}
