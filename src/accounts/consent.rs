//! Consent and notice: what a resident allowed a client, or was told it receives.

use serde_json::json;

use super::Accounts;
use crate::domain::client::ClientId;
use crate::domain::grant::Grant;
use crate::domain::id::{AccountId, GrantId};
use crate::domain::instant::Instant;
use crate::ledger::audit::{Event, EventKind};
use crate::protocol::client_metadata::values::LegalBasis;
use crate::storage::{self, grants, subjects};

/// A decision to allow, as the page showed it.
pub struct Allowed {
    /// Who decides.
    pub account_id: AccountId,
    /// Who receives.
    pub client_id: ClientId,
    /// On which ground the client acts.
    pub legal_basis: LegalBasis,
    /// What it covers; its identifier is used if there is no standing grant.
    pub grant: Grant,
    /// The sector of the client and the subject it will know the account by, stored with the
    /// first decision.
    pub sector: String,
    /// The subject, if none is stored yet.
    pub subject: String,
}

struct Denied {
    account_id: AccountId,
    client_id: ClientId,
    now: Instant,
}

impl Accounts {
    /// A fresh grant's identifier.
    pub fn draw_grant_id(&self) -> GrantId {
        GrantId::ordered(self.now(), &*self.entropy)
    }

    /// Remembers that the resident allowed it, or has seen the notice.
    pub async fn allow(&self, allowed: Allowed) -> Result<GrantId, storage::Error> {
        self.ledger
            .write(allowed, |entry, allowed| {
                Box::pin(async move {
                    let Allowed {
                        account_id,
                        client_id,
                        grant,
                        ..
                    } = allowed;
                    let tx = entry.tx();
                    subjects::insert(tx, *account_id, &allowed.sector, &allowed.subject).await?;
                    let grant_id = grants::give(tx, *account_id, client_id, grant).await?;
                    let kind = match allowed.legal_basis {
                        LegalBasis::Consent => EventKind::ConsentGiven,
                        LegalBasis::StatutoryDuty => EventKind::NoticeAcknowledged,
                    };
                    let event = Event::new(kind, grant.granted_at)
                        .account(*account_id)
                        .client(client_id.as_str())
                        .detail(json!({
                            "grant": grant_id,
                            "scope": grant.scope.to_string(),
                            "claims": grant.claims,
                            "terms": grant.terms,
                        }));
                    entry.record(&event).await?;
                    Ok(grant_id)
                })
            })
            .await
    }

    /// Records that the resident refused.
    pub async fn deny(
        &self,
        account_id: AccountId,
        client_id: ClientId,
    ) -> Result<(), storage::Error> {
        let denied = Denied {
            account_id,
            client_id,
            now: self.now(),
        };
        self.ledger
            .write(denied, |entry, denied| {
                Box::pin(async move {
                    let event = Event::new(EventKind::ConsentDenied, denied.now)
                        .account(denied.account_id)
                        .client(denied.client_id.as_str());
                    entry.record(&event).await
                })
            })
            .await
    }
}
