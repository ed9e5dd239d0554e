//! How often codes are sent: for a phone, for a document, to an address block. Known and unknown
//! ones are counted alike, so a refusal tells nothing but that somebody asked before.

use super::Accounts;
use crate::domain::document::IdentityDocument;
use crate::domain::instant::Instant;
use crate::domain::limit::Limit;
use crate::domain::network::ClientNetwork;
use crate::domain::phone::PhoneNumber;
use crate::storage::{Error, Transaction, counters};

/// How many codes are sent in an hour.
#[derive(Debug, Clone, Copy)]
pub struct CodeLimits {
    /// To one phone; twice as many in a day.
    pub per_phone: u32,
    /// For one document; twice as many in a day.
    pub per_document: u32,
    /// On behalf of one address block.
    pub per_network: u32,
}

/// A counter to be taken from: its key and its limit.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    key: String,
    limit: Limit,
}

impl Accounts {
    /// What sending a code to `phone` takes.
    pub(super) fn allowances(
        &self,
        network: ClientNetwork,
        phone: &PhoneNumber,
        document: Option<&IdentityDocument>,
    ) -> Vec<Allowance> {
        let limits = self.code_limits;
        let ring = self.ring();
        let of = |limit: Limit, subject: &str| Allowance {
            key: ring.index().of(limit.name, subject),
            limit,
        };
        let mut allowances = vec![
            of(
                Limit::hourly("codes to a network in an hour", limits.per_network),
                &network.index_text(),
            ),
            of(
                Limit::hourly("codes to a phone in an hour", limits.per_phone),
                phone.index_text(),
            ),
            of(
                Limit::daily("codes to a phone in a day", limits.per_phone * 2),
                phone.index_text(),
            ),
        ];
        if let Some(document) = document {
            let text = document.index_text();
            allowances.extend([
                of(
                    Limit::hourly("codes for a document in an hour", limits.per_document),
                    &text,
                ),
                of(
                    Limit::daily("codes for a document in a day", limits.per_document * 2),
                    &text,
                ),
            ]);
        }
        allowances
    }
}

/// Checks of one document that are asked for in an hour: more than any person needs, with the
/// tries while the authority is down.
const CHECKS_PER_DOCUMENT: u32 = 60;

impl Accounts {
    /// What asking the authority about a document takes.
    pub(super) fn check_allowance(&self, document: &IdentityDocument) -> Allowance {
        let limit = Limit::hourly("checks of a document in an hour", CHECKS_PER_DOCUMENT);
        Allowance {
            key: self.ring().index().of(limit.name, &document.index_text()),
            limit,
        }
    }
}

/// Takes one from each; otherwise when the first that refused allows it again.
pub(super) async fn take(
    tx: &mut Transaction,
    allowances: &[Allowance],
    now: Instant,
) -> Result<Result<(), Instant>, Error> {
    for allowance in allowances {
        let taken = counters::take(tx, &allowance.key, allowance.limit, now).await?;
        if taken.is_err() {
            return Ok(taken);
        }
    }
    Ok(Ok(()))
}
