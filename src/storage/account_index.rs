//! The look-up tables `account_documents` and `account_phones`: from blind index to account.

use super::{Error, Reader, Transaction, values};
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;
use crate::domain::phone_holder::{ACCOUNTS_PER_PHONE, PhoneHolder};

/// Makes the account the holder of a document; false when another account holds it.
pub async fn claim_document(
    tx: &mut Transaction,
    document_key: &str,
    index_version: u32,
    account_id: AccountId,
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO account_documents (document_key, index_version, account_id)
             VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            values![document_key, index_version, account_id],
        )
        .await?;
    Ok(inserted == 1)
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
        let inserted = tx
            .execute(
                "INSERT INTO account_phones (phone_key, account_id, place, index_version,
                                             confirmed_at, in_own_name)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                values![
                    phone_key,
                    holder.account_id,
                    place,
                    index_version,
                    holder.confirmed_at,
                    holder.in_own_name
                ],
            )
            .await?;
        if inserted == 1 {
            return Ok(true);
        }
    }
    Ok(false)
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
