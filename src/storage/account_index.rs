//! The look-up tables `account_documents` and `account_phones`: from blind index to account.

use std::collections::HashSet;

use super::database::row_values;
use super::{Error, Reader, Transaction, values};
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;
use crate::domain::phone_holder::{ACCOUNTS_PER_PHONE, PhoneHolder};

const CLAIM_DOCUMENT: &str =
    "INSERT INTO account_documents (document_key, index_version, account_id)
     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING account_id";

/// A document, and who is to hold it.
#[derive(Debug, Clone, Copy)]
pub struct DocumentClaim<'a> {
    /// The document's blind index.
    pub document_key: &'a str,
    /// Which version of the index.
    pub index_version: u32,
    /// The account.
    pub account_id: AccountId,
}

/// A phone, and an account that is to have it.
#[derive(Debug, Clone, Copy)]
pub struct PhoneClaim<'a> {
    /// The phone's blind index.
    pub phone_key: &'a str,
    /// Which version of the index.
    pub index_version: u32,
    /// The account.
    pub holder: PhoneHolder,
}

/// Makes the account the holder of a document; false when another account holds it.
pub async fn claim_document(
    tx: &mut Transaction,
    document_key: &str,
    index_version: u32,
    account_id: AccountId,
) -> Result<bool, Error> {
    let claim = values![document_key, index_version, account_id];
    Ok(tx.returning(CLAIM_DOCUMENT, claim).await?.is_some())
}

/// The same for many: the accounts that hold theirs now. Others that do so at the same time do not
/// get in each other's way if all come in the order of their keys.
pub async fn claim_documents(
    tx: &mut Transaction,
    claims: &[DocumentClaim<'_>],
) -> Result<HashSet<AccountId>, Error> {
    let rows: Vec<_> = claims
        .iter()
        .map(|claim| row_values![claim.document_key, claim.index_version, claim.account_id])
        .collect();
    let claimed = tx.fetch_each(CLAIM_DOCUMENT, &rows).await?;
    claimed.iter().map(|row| row.get("account_id")).collect()
}

/// Takes a document from an account; false when it has not got it.
pub async fn release_document(
    tx: &mut Transaction,
    document_key: &str,
    account_id: AccountId,
) -> Result<bool, Error> {
    let released = tx
        .execute(
            "DELETE FROM account_documents WHERE document_key = $1 AND account_id = $2",
            values![document_key, account_id],
        )
        .await?;
    Ok(released == 1)
}

/// The holder of a document.
pub async fn find_by_document(
    reader: &mut Reader,
    document_key: &str,
) -> Result<Option<AccountId>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT account_id FROM account_documents WHERE document_key = $1",
            values![document_key],
        )
        .await?;
    row.map(|row| row.get("account_id")).transpose()
}

/// Which of these documents have a holder.
pub async fn list_held(
    reader: &mut Reader,
    document_keys: impl Iterator<Item = &str>,
) -> Result<HashSet<String>, Error> {
    let wanted: Vec<_> = document_keys.map(|key| row_values![key]).collect();
    let held = reader
        .fetch_each(
            "WITH wanted (document_key) AS (VALUES ($1))
             SELECT d.document_key
               FROM wanted JOIN account_documents d ON d.document_key = wanted.document_key",
            &wanted,
        )
        .await?;
    held.iter().map(|row| row.get("document_key")).collect()
}

/// Gives a document to another account; false when `from` is not its holder.
pub async fn transfer_document(
    tx: &mut Transaction,
    document_key: &str,
    (from, to): (AccountId, AccountId),
) -> Result<bool, Error> {
    let moved = tx
        .execute(
            "UPDATE account_documents SET account_id = $3
              WHERE document_key = $1 AND account_id = $2",
            values![document_key, from, to],
        )
        .await?;
    Ok(moved == 1)
}

const ADD_PHONE: &str = "INSERT INTO account_phones (phone_key, account_id, place, index_version,
                                 confirmed_at, in_own_name)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING account_id";

/// Adds a phone to an account; false when the phone already serves as many accounts as it may, or
/// this one.
pub async fn add_phone(
    tx: &mut Transaction,
    phone_key: &str,
    index_version: u32,
    holder: PhoneHolder,
) -> Result<bool, Error> {
    // A count in the statement would not do: two that run at once do not see each other's row.
    for place in (1_i64..).take(ACCOUNTS_PER_PHONE) {
        let phone = values![
            phone_key,
            holder.account_id,
            place,
            index_version,
            holder.confirmed_at,
            holder.in_own_name
        ];
        if tx.returning(ADD_PHONE, phone).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same for many accounts: those that have theirs now. Most phones serve one account: first all
/// are tried at the first place.
pub async fn add_phones(
    tx: &mut Transaction,
    claims: &[PhoneClaim<'_>],
) -> Result<HashSet<AccountId>, Error> {
    let rows: Vec<_> = claims
        .iter()
        .map(|claim| {
            let holder = claim.holder;
            row_values![
                claim.phone_key,
                holder.account_id,
                1_i64,
                claim.index_version,
                holder.confirmed_at,
                holder.in_own_name
            ]
        })
        .collect();
    let added = tx.fetch_each(ADD_PHONE, &rows).await?;
    let added = added.iter().map(|row| row.get("account_id"));
    let mut added: HashSet<AccountId> = added.collect::<Result<_, _>>()?;
    for claim in claims {
        let id = claim.holder.account_id;
        let (key, version) = (claim.phone_key, claim.index_version);
        if !added.contains(&id) && add_phone(tx, key, version, claim.holder).await? {
            added.insert(id);
        }
    }
    Ok(added)
}

/// Takes a phone from an account; false when it has not got it.
pub async fn remove_phone(
    tx: &mut Transaction,
    phone_key: &str,
    account_id: AccountId,
) -> Result<bool, Error> {
    let removed = tx
        .execute(
            "DELETE FROM account_phones WHERE phone_key = $1 AND account_id = $2",
            values![phone_key, account_id],
        )
        .await?;
    Ok(removed == 1)
}

/// Notes that a phone was shown to be at hand, and whether it is the person's own if that was
/// learned; false when the account has not got it.
pub async fn confirm_phone(
    tx: &mut Transaction,
    phone_key: &str,
    account_id: AccountId,
    (at, in_own_name): (Instant, bool),
) -> Result<bool, Error> {
    let confirmed = tx
        .execute(
            "UPDATE account_phones SET confirmed_at = $3, in_own_name = (in_own_name OR $4)
              WHERE phone_key = $1 AND account_id = $2",
            values![phone_key, account_id, at, in_own_name],
        )
        .await?;
    Ok(confirmed == 1)
}

/// The accounts that confirmed a phone after `since`.
pub async fn list_by_phone(
    reader: &mut Reader,
    phone_key: &str,
    since: Instant,
) -> Result<Vec<AccountId>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT account_id FROM account_phones
              WHERE phone_key = $1 AND confirmed_at > $2 ORDER BY account_id",
            values![phone_key, since],
        )
        .await?;
    rows.iter().map(|row| row.get("account_id")).collect()
}

/// Every account that has a phone.
pub async fn list_holders(reader: &mut Reader, phone_key: &str) -> Result<Vec<PhoneHolder>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT account_id, confirmed_at, in_own_name FROM account_phones
              WHERE phone_key = $1 ORDER BY account_id",
            values![phone_key],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(PhoneHolder {
                account_id: row.get("account_id")?,
                confirmed_at: row.get("confirmed_at")?,
                in_own_name: row.get("in_own_name")?,
            })
        })
        .collect()
}
