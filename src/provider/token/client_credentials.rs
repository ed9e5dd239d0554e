//! `client_credentials` (RFC 6749 §4.4): a client on its own behalf. Nothing is written; grants
//! are counted.

use super::ExchangeError;
use crate::ledger::usage::UsageKind;
use crate::protocol::scope::Scope;
use crate::protocol::text::SecretText;
use crate::protocol::token_response::{TokenResponse, TokenType};
use crate::provider::Provider;
use crate::provider::client_authentication::AuthenticatedClient;

impl Provider {
    pub(super) fn grant_client(
        &self,
        client: &AuthenticatedClient,
        scope: Option<&Scope>,
    ) -> Result<TokenResponse, ExchangeError> {
        // Every scope there is tells of a person, and here is none.
        if scope.is_some_and(|scope| !scope.is_empty()) {
            return Err(ExchangeError::Scope);
        }
        let now = self.now();
        let client_id = client.client().id.as_str();
        let scope = Scope::empty();
        let claims = self.access_token_claims(client_id, &scope, None, now)?;
        let access_token = self.sign_access_token(&claims, now)?;
        self.ledger
            .usage()
            .count(client_id, UsageKind::ClientCredentials, now);
        Ok(TokenResponse {
            access_token: SecretText::new(access_token),
            token_type: TokenType::Bearer,
            expires_in: self.lifetimes.access_token.as_secs(),
            refresh_token: None,
            id_token: None,
            scope,
        })
    }
}
