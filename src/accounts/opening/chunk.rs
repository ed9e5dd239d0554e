//! Many new accounts in one transaction.
//!
//! Table by table and in the order of each table's keys: pages of an index are touched one after the
//! other, and writers who meet wait for each other in one direction only. An account that cannot be
//! there leaves nothing behind, and the others are there all the same.

use super::NewAccount;
use crate::ledger::Entry;
use crate::storage::account_index::{self, DocumentClaim, PhoneClaim};
use crate::storage::{Error, Transaction, accounts, checks, credentials};

/// What became of one account of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) enum Written {
    /// It is there.
    Yes,
    /// It is not: another account has its document.
    DocumentTaken,
    /// It is not: its phone serves as many accounts as it may.
    PhoneFull,
    /// It is not: its bucket's key was replaced since it was sealed. Seal it anew.
    KeyReplaced,
}

/// An account, and its place among all.
type Placed<'a> = (usize, &'a NewAccount);

/// Writes accounts of different documents; what became of each, in the same order. When a phone has
/// not got places for all, those that come first have it.
pub(in crate::accounts) async fn write_all(
    entry: &mut Entry<'_>,
    new: &[NewAccount],
) -> Result<Vec<Written>, Error> {
    let tx = entry.tx();
    let mut outcomes = vec![Written::Yes; new.len()];
    let mut note = |refused: &[Placed<'_>], why: Written| {
        for (at, _) in refused {
            if let Some(outcome) = outcomes.get_mut(*at) {
                *outcome = why;
            }
        }
    };
    let (left, refused) = claim_documents(tx, new.iter().enumerate().collect()).await?;
    note(&refused, Written::DocumentTaken);
    let (left, refused) = claim_phones(tx, left).await?;
    note(&refused, Written::PhoneFull);
    let (left, refused) = insert(tx, left).await?;
    note(&refused, Written::KeyReplaced);
    let passwords: Vec<_> = left
        .iter()
        .map(|(_, new)| (new.id(), &new.password, new.created_at()))
        .collect();
    credentials::insert_passwords(tx, &passwords).await?;
    let proofs: Vec<_> = left
        .iter()
        .flat_map(|(_, new)| new.checks.iter().map(|check| (new.id(), check)))
        .collect();
    checks::insert_all(tx, &proofs).await?;
    Ok(outcomes)
}

/// Those that hold their documents now, and the others.
async fn claim_documents<'a>(
    tx: &mut Transaction,
    mut new: Vec<Placed<'a>>,
) -> Result<(Vec<Placed<'a>>, Vec<Placed<'a>>), Error> {
    new.sort_by(|(_, one), (_, other)| one.document_key.cmp(&other.document_key));
    let claims: Vec<_> = new
        .iter()
        .map(|(_, new)| DocumentClaim {
            document_key: &new.document_key,
            index_version: new.index_version,
            account_id: new.id(),
        })
        .collect();
    let claimed = account_index::claim_documents(tx, &claims).await?;
    Ok(new
        .into_iter()
        .partition(|(_, new)| claimed.contains(&new.id())))
}

/// Those that have a place at their phones now, and the others.
async fn claim_phones<'a>(
    tx: &mut Transaction,
    mut new: Vec<Placed<'a>>,
) -> Result<(Vec<Placed<'a>>, Vec<Placed<'a>>), Error> {
    new.sort_by(|(at, one), (other_at, other)| {
        let by_key = one.phone_key.cmp(&other.phone_key);
        by_key.then(at.cmp(other_at))
    });
    let claims: Vec<_> = new
        .iter()
        .map(|(_, new)| PhoneClaim {
            phone_key: &new.phone_key,
            index_version: new.index_version,
            holder: new.phone_holder(),
        })
        .collect();
    let added = account_index::add_phones(tx, &claims).await?;
    let (left, refused): (Vec<_>, Vec<_>) = new
        .into_iter()
        .partition(|(_, new)| added.contains(&new.id()));
    for (_, new) in &refused {
        account_index::release_document(tx, &new.document_key, new.id()).await?;
    }
    Ok((left, refused))
}

/// Those whose rows are there now, and the others.
async fn insert<'a>(
    tx: &mut Transaction,
    mut new: Vec<Placed<'a>>,
) -> Result<(Vec<Placed<'a>>, Vec<Placed<'a>>), Error> {
    new.sort_by_key(|(_, new)| new.id());
    let rows: Vec<_> = new
        .iter()
        .map(|(_, new)| (&new.account, new.index_version))
        .collect();
    let replaced = accounts::insert_all(tx, &rows).await?;
    let (refused, left): (Vec<_>, Vec<_>) = new
        .into_iter()
        .partition(|(_, new)| replaced.contains(&new.id()));
    for (_, new) in &refused {
        account_index::remove_phone(tx, &new.phone_key, new.id()).await?;
        account_index::release_document(tx, &new.document_key, new.id()).await?;
    }
    Ok((left, refused))
}
