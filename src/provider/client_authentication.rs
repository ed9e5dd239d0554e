//! Client authentication at the token, introspection and revocation endpoints.

use std::sync::Arc;

use super::Provider;
use crate::crypto::client_secret::ClientSecretHash;
use crate::domain::client::{Client, ClientId, ClientStatus};
use crate::domain::secret::Secret;
use crate::protocol::client_authentication::ClientCredentials;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::storage;

/// A client that has proven who it is; holding one is the permission.
#[derive(Debug, Clone)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.0
    }
}

/// Why a client was not authenticated. The answer is `invalid_client` whichever it is.
#[derive(Debug, thiserror::Error)]
pub enum ClientAuthenticationError {
    /// No such client.
    #[error("the client is unknown")]
    Unknown,
    /// It is suspended.
    #[error("the client is suspended")]
    Suspended,
    /// It used another method than it registered.
    #[error("the client used a method it did not register")]
    Method,
    /// The secret is wrong.
    #[error("the client's secret is wrong")]
    Secret,
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl ClientAuthenticationError {
    /// RFC 6749 §5.2.
    pub fn to_oauth(&self) -> OAuthError {
        match self {
            Self::Storage(error) => super::failure::of_storage(error),
            Self::Unknown | Self::Suspended | Self::Method | Self::Secret => {
                ErrorCode::InvalidClient.because("Client authentication failed.")
            }
        }
    }
}

impl Provider {
    /// The client that a refused request named, if it is registered: what may be logged of it.
    /// Anything else that was named is a text of a stranger's.
    pub fn known_client(&self, named: &str) -> Option<ClientId> {
        let client = self.clients.known(named)?;
        (client.status != ClientStatus::Removed).then(|| client.id.clone())
    }

    /// Whether the client that a refused request named is suspended: for the log.
    pub fn is_suspended(&self, named: &str) -> bool {
        let client = self.clients.known(named);
        client.is_some_and(|client| client.status == ClientStatus::Suspended)
    }

    /// Authenticates a client by what it presented (RFC 6749 §2.3).
    pub async fn authenticate_client(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<AuthenticatedClient, ClientAuthenticationError> {
        let id: ClientId = credentials
            .client_id()
            .parse()
            .map_err(|_| ClientAuthenticationError::Unknown)?;
        let client = self.clients.find_active(&id).await?.ok_or_else(|| {
            if self.is_suspended(id.as_str()) {
                ClientAuthenticationError::Suspended
            } else {
                ClientAuthenticationError::Unknown
            }
        })?;
        // Never another than the registered one, however good its proof (attack case 26).
        if credentials.method() != client.metadata.auth_method() {
            return Err(ClientAuthenticationError::Method);
        }
        if let Some(presented) = credentials.client_secret() {
            let presented = Secret::new(presented.expose().to_owned());
            let stored: Option<ClientSecretHash> = client
                .secret_hash
                .as_deref()
                .and_then(|stored| stored.parse().ok());
            if !stored.is_some_and(|stored| stored.matches(&presented)) {
                return Err(ClientAuthenticationError::Secret);
            }
        }
        Ok(AuthenticatedClient(client))
    }
}
