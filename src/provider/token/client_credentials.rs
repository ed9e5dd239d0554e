//! `client_credentials` (RFC 6749 §4.4): a client on its own behalf. Nothing is written; grants
//! are counted.

use super::ExchangeError;
use crate::domain::id::AccessTokenId;
use crate::protocol::access_token::AccessTokenClaims;
use crate::protocol::scope::{OFFLINE_ACCESS, OPENID, Scope};
use crate::protocol::token_request::ClientCredentialsRequest;
use crate::protocol::token_response::TokenResponse;
use crate::provider::Provider;
use crate::provider::client_authentication::AuthenticatedClient;

impl Provider {
    pub(super) fn grant_client(
        &self,
        client: &AuthenticatedClient,
        request: &ClientCredentialsRequest,
    ) -> Result<TokenResponse, ExchangeError> {
        let _ = (client, request);
        todo!()
    }
}
