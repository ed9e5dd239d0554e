//! What a decision of the resident covers, and taking it.

use std::collections::BTreeSet;

use super::{AuthorizeError, Outcome};
use crate::accounts::consent::Allowed;
use crate::crypto::{digest, encoding};
use crate::domain::client::Client;
use crate::domain::grant::Grant;
use crate::domain::session::Session;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::claims_request::Claim;
use crate::protocol::error::ErrorCode;
use crate::provider::Provider;
use crate::provider::interaction::Interaction;
use crate::provider::subject::sector_of;
use crate::storage;

/// Digest of what a resident is shown besides the list of claims: who receives, for what, on which
/// ground. When any of it changes, they are asked, or told, again (PIPL article 14).
pub(super) fn terms(client: &Client) -> String {
    let pages = client.metadata.pages();
    let shown = serde_json::json!([
        pages.name,
        pages.purpose,
        client.metadata.legal_basis().as_str(),
    ]);
    let digest = digest::sha256(&[shown.to_string().as_bytes()]);
    encoding::encode(digest.get(..16).unwrap_or(&digest))
}

/// The claims a request asks for one by one, wherever they are delivered.
pub(super) fn single_claims(request: &AuthorizationRequest) -> BTreeSet<Claim> {
    let claims = request.claims();
    claims
        .userinfo()
        .keys()
        .chain(claims.id_token().keys())
        .copied()
        .collect()
}

/// What the page's form is about: this request, these terms, this login. A form that was shown for
/// other terms, or to somebody else, decides nothing.
pub fn subject_of_decision(sealed: &str, client: &Client, session: &Session) -> String {
    format!("{sealed} {} {}", terms(client), session.id)
}

impl Provider {
    /// The resident allows it, or has seen the notice.
    pub async fn allow(
        &self,
        interaction: &Interaction,
        client: &Client,
        session: &Session,
    ) -> Result<(), storage::Error> {
        let request = &interaction.request;
        let sector = sector_of(&client.metadata);
        let grant = Grant {
            id: self.accounts.draw_grant_id(),
            scope: request.scope().clone(),
            claims: single_claims(request),
            terms: terms(client),
            granted_at: self.now(),
        };
        let allowed = Allowed {
            account_id: session.account_id,
            client_id: client.id.clone(),
            legal_basis: client.metadata.legal_basis(),
            grant,
            sector: sector.to_owned(),
            subject: self.derive_subject(session.account_id, sector),
        };
        self.accounts.allow(allowed).await?;
        Ok(())
    }

    /// The resident refuses; the client is told (RFC 6749 §4.1.2.1).
    pub async fn deny(
        &self,
        interaction: &Interaction,
        client: &Client,
        session: &Session,
    ) -> Result<Outcome, AuthorizeError> {
        self.accounts
            .deny(session.account_id, client.id.clone())
            .await?;
        let error = ErrorCode::AccessDenied.because("The resident refused.");
        Ok(self.refuse(interaction.request.refuse(error)))
    }
}
