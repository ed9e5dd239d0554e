//! What a resident allowed a client, or was told it receives; remembered.

use std::collections::BTreeSet;

use super::id::GrantId;
use super::instant::Instant;
use crate::protocol::claims_request::Claim;
use crate::protocol::scope::Scope;

/// A grant that has not been revoked.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its identifier; a grant made anew after a withdrawal has another.
    pub id: GrantId,
    /// The scope it covers.
    pub scope: Scope,
    /// The claims asked for one by one that it covers (OpenID Connect Core §5.5).
    pub claims: BTreeSet<Claim>,
    /// Digest of what the resident was shown: recipient, purpose, legal basis.
    pub terms: String,
    /// When it was last given.
    pub granted_at: Instant,
}

impl Grant {
    /// This grant and what a standing one covers on the same terms: who allows more takes nothing
    /// back. On other terms only what was shown last counts.
    #[must_use]
    pub fn joined(&self, standing: Option<Self>) -> Self {
        let standing = standing.filter(|standing| standing.terms == self.terms);
        let Some(standing) = standing else {
            return self.clone();
        };
        Self {
            scope: self.scope.union(&standing.scope),
            claims: self.claims.union(&standing.claims).copied().collect(),
            ..self.clone()
        }
    }

    /// Whether this grant covers a request made on these terms.
    pub fn covers(&self, scope: &Scope, claims: &BTreeSet<Claim>, terms: &str) -> bool {
        self.terms == terms && scope.is_subset(&self.scope) && claims.is_subset(&self.claims)
    }
}
