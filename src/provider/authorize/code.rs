//! Authorization codes. A code carries what its redemption needs, sealed, so that issuing one
//! writes nothing.

use serde::{Deserialize, Serialize};

use super::decision::Ready;
use crate::crypto::digest;
use crate::crypto::seal::{SealError, Sealed};
use crate::domain::authorization::AuthorizationDetails;
use crate::domain::client::{Client, ClientId};
use crate::domain::id::{AccountId, AuthorizationId, GrantId, SessionId};
use crate::domain::instant::Instant;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::pkce::CodeChallenge;
use crate::protocol::scope::Scope;
use crate::protocol::text::SecretText;
use crate::provider::Provider;

/// The longest code that is issued, in characters (DESIGN §4).
const MAX_LEN: usize = 1024;

/// An authorization code, unsealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::provider) struct AuthorizationCode {
    /// The row that redemption makes: its key is what makes the code single use.
    pub(in crate::provider) authorization_id: AuthorizationId,
    pub(in crate::provider) account_id: AccountId,
    pub(in crate::provider) session_id: SessionId,
    pub(in crate::provider) grant_id: GrantId,
    pub(in crate::provider) client_id: ClientId,
    pub(in crate::provider) subject: String,
    /// Digest of the redirect URI the code was sent to.
    pub(in crate::provider) redirect_uri: [u8; 32],
    pub(in crate::provider) challenge: Option<CodeChallenge>,
    pub(in crate::provider) scope: Scope,
    pub(in crate::provider) nonce: Option<String>,
    pub(in crate::provider) details: AuthorizationDetails,
    pub(in crate::provider) issued_at: Instant,
}

impl Sealed for AuthorizationCode {
    const PURPOSE: &'static str = "authorization-code";
}

impl Provider {
    pub(super) fn issue_code(
        &self,
        client: &Client,
        request: &AuthorizationRequest,
        ready: &Ready<'_>,
        now: Instant,
    ) -> Result<SecretText, SealError> {
        let session = ready.session;
        let (aal, ial) = (session.methods.aal(), ready.ial);
        let code = AuthorizationCode {
            authorization_id: AuthorizationId::ordered(now, &*self.entropy),
            account_id: session.account_id,
            session_id: session.id,
            grant_id: ready.grant.id,
            client_id: client.id.clone(),
            subject: ready.subject.to_owned(),
            redirect_uri: digest::sha256(&[request.target().redirect_uri().as_bytes()]),
            challenge: request.code_challenge().copied(),
            scope: request.scope().clone(),
            nonce: request.nonce().map(str::to_owned),
            details: AuthorizationDetails {
                auth_time: session.authenticated_at,
                acr: request.acr().state(aal, ial),
                methods: session.methods.clone(),
                ial,
                userinfo_claims: request.claims().userinfo().keys().copied().collect(),
                id_token_claims: request.claims().id_token().keys().copied().collect(),
            },
            issued_at: now,
        };
        let sealed = self.ring().sealer().seal(&code, &*self.entropy)?;
        if sealed.len() > MAX_LEN {
            return Err(SealError::TooLong);
        }
        Ok(SecretText::new(sealed))
    }
}
