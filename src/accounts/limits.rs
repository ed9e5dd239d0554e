//! How often codes are sent: for a phone, for a document, to an address block. Known and unknown
//! ones are counted alike, so a refusal tells nothing but that somebody asked before.

use super::Accounts;
use crate::domain::client_address::ClientAddress;
use crate::domain::document::IdentityDocument;
use crate::domain::instant::Instant;
use crate::domain::limit::Limit;
use crate::domain::phone::PhoneNumber;
use crate::storage::{Error, Transaction, counters};

/// How many codes are sent in an hour.
#[derive(Debug, Clone, Copy)]
pub struct CodeLimits {
    /// To one phone; twice as many in a day.
    pub per_phone: u32,
    /// For one document from one address block; and checks of it that may follow, from anywhere,
    /// twice as many in a day.
    pub per_document: u32,
    /// On behalf of one address block.
    pub per_block: u32,
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
        address: ClientAddress,
        phone: &PhoneNumber,
        document: Option<&IdentityDocument>,
    ) -> Vec<Allowance> {
        let limits = self.code_limits;
        let ring = self.ring();
        let of = |limit: Limit, subject: &str| Allowance {
            key: ring.index().of(limit.name, subject),
            limit,
        };
        let block = address.block_text();
        let phone_text = phone.index_text();
        let mut allowances = vec![
            of(
                Limit::hourly("codes to a network in an hour", limits.per_block),
                &block,
            ),
            of(
                Limit::hourly("codes to a phone in an hour", limits.per_phone),
                phone_text,
            ),
            of(
                Limit::daily("codes to a phone in a day", limits.per_phone * 2),
                phone_text,
            ),
        ];
        if let Some(document) = document {
            // By block: whoever has no phone to prove must not shut others out.
            let limit = Limit::hourly(
                "codes for a document from a network in an hour",
                limits.per_document,
            );
            allowances.push(of(limit, &format!("{} {block}", document.index_text())));
        }
        allowances
    }

    /// What asking the authority about a document takes: each time a code has come back before.
    pub(super) fn check_allowances(&self, document: &IdentityDocument) -> Vec<Allowance> {
        let most = self.code_limits.per_document;
        let ring = self.ring();
        let limits = [
            Limit::hourly("checks of a document in an hour", most),
            Limit::daily("checks of a document in a day", most * 2),
        ];
        limits
            .map(|limit| Allowance {
                key: ring.index().of(limit.name, &document.index_text()),
                limit,
            })
            .into()
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
