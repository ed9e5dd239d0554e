//! The token endpoint: one grant type a file.

mod authorization_code;
mod client_credentials;
pub(super) mod issue;
pub(super) mod refresh_token;

use super::client_authentication::{AuthenticatedClient, ClientAuthenticationError};
use super::{Provider, failure};
use crate::crypto::seal::SealError;
use crate::crypto::signing::SigningError;
use crate::domain::id::AuthorizationId;
use crate::ledger::profiles::ProfileError;
use crate::protocol::client_authentication::ClientCredentials;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::SignatureAlgorithm;
use crate::protocol::resource::ResourceIndicator;
use crate::protocol::token_request::TokenRequest;
use crate::protocol::token_response::TokenResponse;
use crate::storage;
use authorization_code::Binding;

/// Why a token request was refused.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The client did not prove who it is.
    #[error(transparent)]
    Client(#[from] ClientAuthenticationError),
    /// The client has not registered this grant type.
    #[error("the client has not registered this grant type")]
    GrantType,
    /// The code was not made here, or is too old.
    #[error("the authorization code is unknown or has expired")]
    CodeUnknown,
    /// The code was issued to another client.
    #[error("the authorization code belongs to another client")]
    CodeOfOther,
    /// The redirect URI is not the one of the authorization request.
    #[error("the redirect URI is not the one of the authorization request")]
    RedirectUri,
    /// The code verifier is missing, not wanted or wrong.
    #[error("the code verifier does not match the code challenge")]
    Pkce,
    /// The code was redeemed before; what came of it is revoked now.
    #[error("the authorization code was redeemed before; {0} is revoked")]
    CodeReplayed(AuthorizationId),
    /// The login, the account, the grant or the client no longer holds.
    #[error("what the authorization code rests on has ended")]
    Ended,
    /// The refresh token is not ours, or of another client.
    #[error("the refresh token is unknown or belongs to another client")]
    RefreshUnknown,
    /// The refresh token was superseded; its family is revoked now.
    #[error("the refresh token was superseded; {0} is revoked")]
    RefreshReplayed(AuthorizationId),
    /// More was asked than was granted.
    #[error("the scope exceeds what was granted")]
    Scope,
    /// Access for another resource than this provider.
    #[error("the resource is not one that tokens are issued for")]
    Target,
    /// There is no key for an algorithm: a fault of ours.
    #[error("there is no signing key for {}", .0.as_str())]
    NoKey(SignatureAlgorithm),
    /// A key did not sign.
    #[error(transparent)]
    Sign(#[from] SigningError),
    /// A token could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The profile does not open.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl ExchangeError {
    /// RFC 6749 §5.2. Exhaustive on purpose: a new reason must choose its code.
    pub fn to_oauth(&self) -> OAuthError {
        match self {
            Self::Client(error) => error.to_oauth(),
            Self::Storage(error) => failure::of_storage(error),
            Self::Profile(error) => failure::of_profile(error),
            Self::GrantType => ErrorCode::UnauthorizedClient
                .because("The client has not registered this grant_type."),
            // Whose it is, and whether it was seen before, is nobody else's business.
            Self::CodeUnknown | Self::CodeOfOther | Self::CodeReplayed(_) => {
                ErrorCode::InvalidGrant
                    .because("The code is unknown, has expired, or was redeemed before.")
            }
            Self::RedirectUri => ErrorCode::InvalidGrant
                .because("redirect_uri is not the one of the authorization request."),
            Self::Pkce => {
                ErrorCode::InvalidGrant.because("code_verifier does not match the code_challenge.")
            }
            Self::Ended => {
                ErrorCode::InvalidGrant.because("The login or the consent behind it has ended.")
            }
            Self::RefreshUnknown | Self::RefreshReplayed(_) => ErrorCode::InvalidGrant
                .because("The refresh token is unknown, has expired, or was revoked."),
            Self::Scope => ErrorCode::InvalidScope.because("The scope exceeds what was granted."),
            Self::Target => ErrorCode::InvalidTarget
                .because("Tokens are issued for this provider's own resources only."),
            Self::NoKey(_) | Self::Sign(_) | Self::Seal(_) => {
                ErrorCode::ServerError.because("The server failed.")
            }
        }
    }
}

impl Provider {
    /// Answers a token request.
    pub async fn exchange(
        &self,
        credentials: &ClientCredentials,
        request: &TokenRequest,
    ) -> Result<TokenResponse, ExchangeError> {
        let client = self.authenticate_client(credentials).await?;
        if !client.client().metadata.allows_grant(request.grant_type()) {
            return Err(ExchangeError::GrantType);
        }
        if !self.serves(request.resource()) {
            return Err(ExchangeError::Target);
        }
        match request {
            TokenRequest::AuthorizationCode {
                code,
                redirect_uri,
                code_verifier,
                ..
            } => {
                let binding = Binding {
                    redirect_uri: redirect_uri.as_deref(),
                    verifier: code_verifier.as_ref(),
                };
                self.redeem_code(&client, code, binding).await
            }
            TokenRequest::RefreshToken {
                refresh_token,
                scope,
                ..
            } => self.refresh(&client, refresh_token, scope.as_ref()).await,
            TokenRequest::ClientCredentials { scope, .. } => {
                self.grant_client(&client, scope.as_ref())
            }
        }
    }

    /// RFC 8707 §2: this provider's own endpoints are the only resource there is.
    pub(super) fn serves(&self, resource: Option<&ResourceIndicator>) -> bool {
        resource.is_none_or(|resource| resource.as_str() == self.issuer.as_str())
    }
}

/// Whether a refresh token of this client rotates: a public one's does, since nothing else tells a
/// thief from its owner (RFC 9700 §4.14.2); a confidential client proves itself each time.
pub(super) fn rotates(client: &AuthenticatedClient) -> bool {
    client.client().metadata.is_public()
}
